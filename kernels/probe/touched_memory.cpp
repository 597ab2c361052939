#include "kernels/probe/touched_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace batchtune::probe {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

TouchedMemory::~TouchedMemory() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_);
}

void TouchedMemory::reserve(std::size_t bytes) {
  const std::size_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  const std::size_t mapped = rounded + kHugePage;  // room to align
  void* mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return;
  mapping_ = mapping;
  mapped_ = mapped;
  const auto address = reinterpret_cast<std::uintptr_t>(mapping);
  data_ = static_cast<char*>(mapping) + (kHugePage - address % kHugePage) % kHugePage;
  reserved_ = bytes;
  madvise(data_, rounded, MADV_HUGEPAGE);  // a wish: the probes run without
}

void TouchedMemory::touch(std::size_t bytes) {
  const std::size_t end = std::min(bytes, reserved_);
  std::uint64_t word = touched_ * 2 + 1;
  for (; touched_ + sizeof word <= end; touched_ += sizeof word) {
    word = word * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX generator
    std::memcpy(data_ + touched_, &word, sizeof word);
  }
}

}  // namespace batchtune::probe
