#include "kernels/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

namespace batchtune::kernels {

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

AlignedBuffer::~AlignedBuffer() {
  std::free(data_);
}

AlignedBuffer AlignedBuffer::allocate(std::size_t bytes) {
  AlignedBuffer buffer;
  constexpr std::size_t kAddressSpace = std::size_t{1} << 47;  // of a user process
  if (bytes == 0 || bytes >= kAddressSpace) return buffer;  // sanitizers abort when asked for more
  const std::size_t size = footprint(bytes);
  const bool large = size >= kHugePageBytes;
  const std::size_t alignment = large ? kHugePageBytes : kCacheLineBytes;
  if (posix_memalign(&buffer.data_, alignment, size) != 0) {
    buffer.data_ = nullptr;
    return buffer;
  }
  buffer.size_ = size;
  // Advice only: without huge pages everything works, slower. Whole huge pages alone, so that the
  // bytes resident never exceed the size.
  if (large) madvise(buffer.data_, size / kHugePageBytes * kHugePageBytes, MADV_HUGEPAGE);
  return buffer;
}

}  // namespace batchtune::kernels
