#include "kernels/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

namespace batchtune::kernels {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMapLarge = false;  // its allocator puts red zones around what it gives
#else
constexpr bool kMapLarge = true;
#endif
constexpr std::size_t kPageBytes = 4096;

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

bool is_mapped(std::size_t size) {
  return kMapLarge && size >= kHugePageBytes;
}

// Whole pages from a huge page's start; null when there are none. posix_memalign would keep 2 MiB
// of address space more for each buffer, which an address-space limit counts.
void* map(std::size_t size) {
  const std::size_t pages = round_up(size, kPageBytes), span = pages + kHugePageBytes;
  void* start = mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::size_t before = round_up(address, kHugePageBytes) - address;
  char* data = static_cast<char*>(start) + before;
  if (before != 0) munmap(start, before);
  if (before != kHugePageBytes) munmap(data + pages, kHugePageBytes - before);
  return data;
}

}  // namespace

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

AlignedBuffer::~AlignedBuffer() {
  if (is_mapped(size_))
    munmap(data_, round_up(size_, kPageBytes));
  else
    std::free(data_);
}

AlignedBuffer AlignedBuffer::allocate(std::size_t bytes) {
  AlignedBuffer buffer;
  constexpr std::size_t kAddressSpace = std::size_t{1} << 47;  // of a user process
  if (bytes == 0 || bytes >= kAddressSpace) return buffer;  // sanitizers abort when asked for more
  const std::size_t size = footprint(bytes);
  const bool large = size >= kHugePageBytes;
  const std::size_t alignment = large ? kHugePageBytes : kCacheLineBytes;
  if (is_mapped(size))
    buffer.data_ = map(size);
  else if (posix_memalign(&buffer.data_, alignment, size) != 0)
    buffer.data_ = nullptr;
  if (buffer.data_ == nullptr) return buffer;
  buffer.size_ = size;
  // Advice only: without huge pages everything works, slower. Whole huge pages alone, so that the
  // bytes resident never exceed the size.
  if (large) madvise(buffer.data_, size / kHugePageBytes * kHugePageBytes, MADV_HUGEPAGE);
  return buffer;
}

}  // namespace batchtune::kernels
