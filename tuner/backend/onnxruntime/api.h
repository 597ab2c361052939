// ONNX Runtime's C interface, declared anew: what is used of it, by its place in the library's
// table of functions. The table's order is fixed for ever, new functions are appended, and a
// library gives its table only to who asks for a version that it has. All functions that return a
// Status give nullptr when they did what they should.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "tuner/backend/backend.h"
#include "tuner/backend/runtime/shared_library.h"

namespace batchtune::onnxruntime {

struct Status;
struct Env;
struct SessionOptions;
struct Session;
struct RunOptions;
struct IoBinding;
struct Value;
struct TypeInfo;
struct TensorInfo;  // borrowed from a TypeInfo, or owned where a function gives it
struct MemoryInfo;
struct Allocator;

// Enumerators of the interface, as far as they are used.
enum class ErrorCode : int { not_implemented = 9 };
enum class LogLevel : int { fatal = 4 };
enum class Optimization : int { disable = 0, basic = 1, extended = 2, all = 99 };
enum class AllocatorType : int { device = 0 };
enum class MemoryType : int { standard = 0 };
enum class ElementType : int {
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  bf16 = 16,
};

// One function of the table: its place and its type.
template <typename Function>
struct Entry {
  std::size_t place;
};

namespace entry {
inline constexpr Entry<ErrorCode(const Status*)> get_error_code{1};
inline constexpr Entry<const char*(const Status*)> get_error_message{2};
inline constexpr Entry<Status*(LogLevel, const char* id, Env**)> create_env{3};
inline constexpr Entry<Status*(const Env*, const char* path, const SessionOptions*, Session**)>
    create_session{7};
inline constexpr Entry<Status*(const Env*, const void* model, std::size_t, const SessionOptions*,
                               Session**)>
    create_session_from_array{8};
inline constexpr Entry<Status*(SessionOptions**)> create_session_options{10};
inline constexpr Entry<Status*(SessionOptions*, const char* prefix)> enable_profiling{14};
inline constexpr Entry<Status*(SessionOptions*)> disable_cpu_mem_arena{19};
inline constexpr Entry<Status*(SessionOptions*, Optimization)> set_optimization{23};
inline constexpr Entry<Status*(SessionOptions*, int)> set_intra_op_threads{24};
inline constexpr Entry<Status*(SessionOptions*, int)> set_inter_op_threads{25};
inline constexpr Entry<Status*(const Session*, std::size_t*)> input_count{30};
inline constexpr Entry<Status*(const Session*, std::size_t*)> output_count{31};
inline constexpr Entry<Status*(const Session*, std::size_t index, TypeInfo**)> input_type{33};
inline constexpr Entry<Status*(const Session*, std::size_t index, TypeInfo**)> output_type{34};
inline constexpr Entry<Status*(const Session*, std::size_t index, Allocator*, char**)> input_name{
    36};
inline constexpr Entry<Status*(const Session*, std::size_t index, Allocator*, char**)> output_name{
    37};
inline constexpr Entry<Status*(Allocator*, const std::int64_t* dims, std::size_t rank, ElementType,
                               Value**)>
    create_tensor{48};
inline constexpr Entry<Status*(const Value*, int*)> is_tensor{50};
inline constexpr Entry<Status*(Value*, void**)> tensor_data{51};
inline constexpr Entry<Status*(const TypeInfo*, const TensorInfo**)> as_tensor_info{55};
inline constexpr Entry<Status*(const TensorInfo*, ElementType*)> element_type{60};
inline constexpr Entry<Status*(const TensorInfo*, std::size_t*)> dimensions_count{61};
inline constexpr Entry<Status*(const TensorInfo*, std::int64_t*, std::size_t)> dimensions{62};
// Names are the library's own, one for each dimension, "" where it has none.
inline constexpr Entry<Status*(const TensorInfo*, const char** names, std::size_t)>
    symbolic_dimensions{63};
inline constexpr Entry<Status*(const Value*, TensorInfo**)> tensor_info{65};
inline constexpr Entry<Status*(AllocatorType, MemoryType, MemoryInfo**)> create_cpu_memory_info{69};
inline constexpr Entry<Status*(Allocator*, void*)> allocator_free{76};
inline constexpr Entry<Status*(Allocator**)> default_allocator{78};
inline constexpr Entry<void(Env*)> release_env{92};
inline constexpr Entry<void(Status*)> release_status{93};
inline constexpr Entry<void(MemoryInfo*)> release_memory_info{94};
inline constexpr Entry<void(Session*)> release_session{95};
inline constexpr Entry<void(Value*)> release_value{96};
inline constexpr Entry<void(TypeInfo*)> release_type_info{98};
inline constexpr Entry<void(TensorInfo*)> release_tensor_info{99};
inline constexpr Entry<void(SessionOptions*)> release_session_options{100};
inline constexpr Entry<Status*(Session*, Allocator*, char** path)> end_profiling{110};
inline constexpr Entry<Status*(SessionOptions*, const char* key, const char* value)>
    add_config_entry{130};
inline constexpr Entry<Status*(Session*, const RunOptions*, const IoBinding*)> run_with_binding{
    133};
inline constexpr Entry<Status*(Session*, IoBinding**)> create_io_binding{134};
inline constexpr Entry<void(IoBinding*)> release_io_binding{135};
inline constexpr Entry<Status*(IoBinding*, const char* name, const Value*)> bind_input{136};
inline constexpr Entry<Status*(IoBinding*, const char* name, const Value*)> bind_output{137};
inline constexpr Entry<Status*(IoBinding*, const char* name, const MemoryInfo*)>
    bind_output_to_device{138};
inline constexpr Entry<Status*(const IoBinding*, Allocator*, Value***, std::size_t*)>
    bound_output_values{140};

// Which one gives an object back.
constexpr auto release_of(Env*) {
  return release_env;
}
constexpr auto release_of(Status*) {
  return release_status;
}
constexpr auto release_of(MemoryInfo*) {
  return release_memory_info;
}
constexpr auto release_of(Session*) {
  return release_session;
}
constexpr auto release_of(Value*) {
  return release_value;
}
constexpr auto release_of(TypeInfo*) {
  return release_type_info;
}
constexpr auto release_of(TensorInfo*) {
  return release_tensor_info;
}
constexpr auto release_of(SessionOptions*) {
  return release_session_options;
}
constexpr auto release_of(IoBinding*) {
  return release_io_binding;
}
}  // namespace entry

// The version of the table whose functions are used: the one of ONNX Runtime 1.5.
inline constexpr std::uint32_t kApiVersion = 5;

// The library and its table. Cheap to copy a pointer to; must outlive all that it made.
class Api {
 public:
  // Errors: no library, one that is something else, or one that lacks kApiVersion (both numbers).
  static Result<std::unique_ptr<Api>> open(const std::string& path);

  const std::string& library_version() const { return version_; }  // "1.32.0"
  const std::string& path() const { return library_.path(); }

  template <typename Function, typename... Arguments>
  auto call(Entry<Function> entry, Arguments... arguments) const {
    return reinterpret_cast<Function*>(table_[entry.place])(arguments...);
  }

  // A call that gives a Status. `what` it was for: an Ending's reason ("ONNX Runtime could not
  // ...").
  template <typename Function, typename... Arguments>
  Outcome<void> run(const char* what, Entry<Function> entry, Arguments... arguments) const {
    Status* const status = call(entry, arguments...);
    if (status == nullptr) return {};
    return tl::unexpected(ending_of(what, status));
  }

  template <typename Object>
  struct Releaser {
    const Api* api = nullptr;
    void operator()(Object* object) const { api->call(entry::release_of(object), object); }
  };
  template <typename Object>
  std::unique_ptr<Object, Releaser<Object>> own(Object* object) const {
    return {object, Releaser<Object>{this}};
  }

 private:
  using Slot = void (*)();
  Api(runtime::SharedLibrary library, const Slot* table, std::string version)
      : library_(std::move(library)), table_(table), version_(std::move(version)) {}
  Ending ending_of(const char* what, Status* status) const;  // takes the status

  runtime::SharedLibrary library_;
  const Slot* table_;
  std::string version_;
};

template <typename Object>
using Owned = std::unique_ptr<Object, Api::Releaser<Object>>;

}  // namespace batchtune::onnxruntime
