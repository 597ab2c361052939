// Owned memory for weights, activations and workspaces: aligned to cache lines, large ones to huge
// pages. Running out is an empty buffer, never an exception. Contents start unspecified.
#pragma once

#include <cstddef>
#include <utility>

namespace batchtune::kernels {

inline constexpr std::size_t kCacheLineBytes = 64;
// From here on a buffer is aligned to 2 MiB and the kernel is asked for huge pages: weight streams
// that leave the cache are bound by page walks otherwise.
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  ~AlignedBuffer();

  // Empty when memory ends and when `bytes` is 0.
  static AlignedBuffer allocate(std::size_t bytes);
  // What allocate(bytes) will take, for an account that is kept before allocating: `bytes` rounded
  // up to whole cache lines.
  static constexpr std::size_t footprint(std::size_t bytes) {
    return (bytes + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
  }

  explicit operator bool() const { return data_ != nullptr; }
  std::size_t size() const { return size_; }  // bytes, footprint(asked)
  void* data() const { return data_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace batchtune::kernels
