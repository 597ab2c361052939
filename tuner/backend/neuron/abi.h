// What is used of libnrt's synchronous C interface (version 2 of it), declared in our own words:
// sizes, offsets and values are those of the public headers of SDK 2.32, and are append-only there.
// Nothing of nrta_* (the asynchronous interface) is used: its signatures have changed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace batchtune::neuron {

using NrtStatus = std::int32_t;  // NRT_STATUS; endings.h names the values
inline constexpr NrtStatus kSuccess = 0, kFailure = 1, kInvalid = 2, kInvalidHandle = 3,
                           kResource = 4, kTimeout = 5, kHardwareError = 6, kQueueFull = 7,
                           kNotEnoughCores = 9, kUnsupportedNeff = 10, kHostMemory = 11,
                           kUninitialized = 13, kClosed = 14, kUnrecoverable = 101,
                           kBadInput = 1002, kNumericalError = 1003, kCompletedWithError = 1004,
                           kCoreBusy = 1005, kOutOfBounds = 1006, kFirstHardwareError = 1200,
                           kLastHardwareError = 1203, kRepairableMemoryError = 1205;

inline constexpr std::int32_t kNoFramework = 1;      // nrt_framework_type_t
inline constexpr std::int32_t kPlacementDevice = 0;  // nrt_tensor_placement_t
inline constexpr std::int32_t kUsageInput = 0, kUsageOutput = 1;
inline constexpr std::int32_t kCoreCount = -1;  // of nrt_load: deprecated, always -1

// Opaque.
struct NrtModel;
struct NrtTensor;
using NrtTensorSet = void;

// nrt_dtype_t. Outputs are not always of the type that is said: buffers are sized by `size`.
enum class ElementType : std::int32_t {
  unknown = 0x0,
  u64 = 0x1,
  i8 = 0x2,
  u8 = 0x3,
  i16 = 0x4,
  u16 = 0x5,
  bf16 = 0x6,
  f16 = 0x7,
  i32 = 0x8,
  u32 = 0x9,
  f32 = 0xA,
  f32r = 0xB,
  i64 = 0xC,
};

struct TensorInfo {
  char name[256];
  std::int32_t usage;
  std::size_t size;  // bytes
  ElementType type;
  std::uint32_t* shape;
  std::uint32_t ndim;
};
static_assert(sizeof(TensorInfo) == 296 && offsetof(TensorInfo, usage) == 256 &&
              offsetof(TensorInfo, size) == 264 && offsetof(TensorInfo, type) == 272 &&
              offsetof(TensorInfo, shape) == 280 && offsetof(TensorInfo, ndim) == 288);

struct TensorInfoArray {
  std::uint64_t count;
  TensorInfo first;  // and the others behind it
};
static_assert(offsetof(TensorInfoArray, first) == 8);

struct Version {
  std::uint64_t major, minor, patch, maintenance;
  char detail[128];
  char git_hash[64];
};
static_assert(sizeof(Version) == 224 && offsetof(Version, detail) == 32 &&
              offsetof(Version, git_hash) == 160);

struct MemoryStats {
  std::size_t bytes_used, bytes_limit;  // grows at its end
};
static_assert(sizeof(MemoryStats) == 16 && offsetof(MemoryStats, bytes_limit) == 8);

struct InstanceInfo {
  std::uint32_t family, size;
  char arch_name[16];
  char device_revision[8];
};
static_assert(sizeof(InstanceInfo) == 32 && offsetof(InstanceInfo, arch_name) == 8 &&
              offsetof(InstanceInfo, device_revision) == 24);

// By their names in the library without "nrt_".
struct Functions {
  NrtStatus (*init)(std::int32_t framework, const char* framework_version,
                    const char* library_version);
  void (*close)();
  NrtStatus (*load)(const void* neff, std::size_t size, std::int32_t core, std::int32_t core_count,
                    NrtModel** model);
  NrtStatus (*unload)(NrtModel* model);
  NrtStatus (*get_model_tensor_info)(NrtModel* model, TensorInfoArray** info);
  NrtStatus (*free_model_tensor_info)(TensorInfoArray* info);
  NrtStatus (*tensor_allocate)(std::int32_t placement, std::int32_t core, std::size_t size,
                               const char* name, NrtTensor** tensor);
  void (*tensor_free)(NrtTensor** tensor);
  NrtStatus (*tensor_write)(NrtTensor* tensor, const void* bytes, std::size_t offset,
                            std::size_t size);
  NrtStatus (*tensor_read)(const NrtTensor* tensor, void* bytes, std::size_t offset,
                           std::size_t size);
  NrtStatus (*allocate_tensor_set)(NrtTensorSet** set);
  void (*destroy_tensor_set)(NrtTensorSet** set);
  NrtStatus (*add_tensor_to_tensor_set)(NrtTensorSet* set, const char* name, NrtTensor* tensor);
  NrtStatus (*execute)(NrtModel* model, const NrtTensorSet* inputs, NrtTensorSet* outputs);
  // nullptr where the library has none.
  NrtStatus (*get_version)(Version* version, std::size_t size);
  NrtStatus (*get_instance_info)(InstanceInfo* info, std::size_t size);
  NrtStatus (*get_visible_vnc_count)(std::uint32_t* count);
  NrtStatus (*get_vnc_memory_stats)(std::uint32_t core, MemoryStats* stats, std::size_t size,
                                    std::size_t* size_out);
};

}  // namespace batchtune::neuron
