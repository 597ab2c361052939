// Buffers of kernels: alignment, and what they cost of the address space.
#include "kernels/aligned_buffer.h"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune::kernels;

namespace {

std::size_t address_space() {  // bytes, from /proc/self/statm
  constexpr std::size_t kPage = 4096;
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * kPage;
}

}  // namespace

TEST_CASE("buffers are aligned, of whole cache lines, and writable to the end", "[buffer]") {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{64}, std::size_t{65},
                                  kHugePageBytes - 1, kHugePageBytes, 3 * kHugePageBytes + 65}) {
    INFO(bytes);
    AlignedBuffer buffer = AlignedBuffer::allocate(bytes);
    REQUIRE(buffer);
    CHECK(buffer.size() == AlignedBuffer::footprint(bytes));
    const std::size_t alignment =
        buffer.size() >= kHugePageBytes ? kHugePageBytes : kCacheLineBytes;
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % alignment == 0);
    std::memset(buffer.data(), 1, buffer.size());
    AlignedBuffer taken = std::move(buffer);
    CHECK_FALSE(buffer);
    CHECK(taken.as<char>()[taken.size() - 1] == 1);
    taken = AlignedBuffer::allocate(7);
    CHECK(taken.size() == 64);
  }
}

TEST_CASE("what cannot be had is an empty buffer", "[buffer]") {
  CHECK_FALSE(AlignedBuffer::allocate(0));
  CHECK_FALSE(AlignedBuffer::allocate(SIZE_MAX));
  CHECK_FALSE(AlignedBuffer::allocate(std::size_t{1} << 47));
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("a large buffer takes no more address space than its size, and gives it back",
          "[buffer]") {
  constexpr std::size_t kBuffers = 100, kBytes = 2 * kHugePageBytes, kRest = 4 * kHugePageBytes;
  const std::size_t before = address_space();
  {
    std::vector<AlignedBuffer> buffers;
    for (std::size_t i = 0; i < kBuffers; ++i) buffers.push_back(AlignedBuffer::allocate(kBytes));
    CHECK(address_space() <= before + kBuffers * kBytes + kRest);
  }
  CHECK(address_space() <= before + kRest);
}
#endif
