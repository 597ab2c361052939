#include "kernels/isa.h"

#include "kernels/aligned_buffer.h"
#include "kernels/bfloat16.h"
#include "tests/support/catch.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace batchtune::kernels;

TEST_CASE("every ISA name parses back to its ISA, other names do not", "[isa]") {
  for (Isa isa : kAllIsas) CHECK(parse_isa(name_of(isa)) == isa);
  CHECK_FALSE(parse_isa("avx1024"));
  CHECK_FALSE(parse_isa(""));
  CHECK_FALSE(parse_isa("AVX2"));
}

TEST_CASE("the reference runs everywhere and support is nested", "[isa]") {
  CHECK(supported(Isa::reference));
  for (Isa isa : kAllIsas) {
    if (!supported(isa)) continue;
    for (Isa narrower : kAllIsas) {
      if (narrower < isa) CHECK(supported(narrower));
    }
    CHECK(best_isa() >= isa);
  }
}

TEST_CASE("an ISA has a reason exactly when it cannot run", "[isa]") {
  for (Isa isa : kAllIsas) CHECK(why_not(isa).empty() == supported(isa));
}

TEST_CASE("a mask up to an ISA holds it and the narrower ones alone", "[isa]") {
  for (Isa widest : kAllIsas) {
    for (Isa isa : kAllIsas) CHECK(contains(up_to(widest), isa) == (isa <= widest));
  }
}

TEST_CASE("detection agrees with the compiler's own", "[isa]") {
  CHECK(supported(Isa::avx2) == (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")));
  CHECK(supported(Isa::avx512) ==
        (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")));
}

TEST_CASE("a machine with tiles says so, or what keeps this process from them", "[isa]") {
  const bool has = __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16");
  if (supported(Isa::amx)) {
    CHECK(has);
  } else {
    const std::string reason = why_not(Isa::amx);
    CHECK((reason.starts_with("the CPU lacks") || reason.starts_with("the operating system")));
  }
}

TEST_CASE("a buffer is aligned, has the size that was accounted for and can be written whole",
          "[buffer]") {
  for (std::size_t bytes : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65},
                            kHugePageBytes - 1, kHugePageBytes, 3 * kHugePageBytes + 7}) {
    AlignedBuffer buffer = AlignedBuffer::allocate(bytes);
    REQUIRE(buffer);
    CHECK(buffer.size() == AlignedBuffer::footprint(bytes));
    const std::size_t alignment =
        buffer.size() >= kHugePageBytes ? kHugePageBytes : kCacheLineBytes;
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % alignment == 0);
    std::memset(buffer.data(), 1, buffer.size());
  }
}

TEST_CASE("a buffer of nothing or of more than there is is empty", "[buffer]") {
  CHECK_FALSE(AlignedBuffer::allocate(0));
  CHECK_FALSE(AlignedBuffer::allocate(std::numeric_limits<std::size_t>::max()));
  CHECK_FALSE(AlignedBuffer::allocate(std::size_t{1} << 62));
}

TEST_CASE("moving a buffer moves its bytes and leaves nothing behind", "[buffer]") {
  AlignedBuffer first = AlignedBuffer::allocate(100);
  void* data = first.data();
  AlignedBuffer second(std::move(first));
  CHECK_FALSE(first);
  CHECK(first.size() == 0);
  CHECK(second.data() == data);
  AlignedBuffer third;
  third = std::move(second);
  CHECK(third.data() == data);
}

TEST_CASE("bf16 keeps what it can hold and rounds halves to even", "[bfloat16]") {
  CHECK(to_float(to_bfloat16(1.0f)) == 1.0f);
  CHECK(to_float(to_bfloat16(-0.15625f)) == -0.15625f);
  CHECK(to_bfloat16(-0.0f).bits == 0x8000);
  CHECK(to_float(to_bfloat16(1.0f + 0x1p-8f)) == 1.0f);                // half: to even below
  CHECK(to_float(to_bfloat16(1.0f + 3 * 0x1p-8f)) == 1.0f + 0x1p-6f);  // half: to even above
  CHECK(to_float(to_bfloat16(1.0f + 0x1p-8f + 0x1p-20f)) == 1.0f + 0x1p-7f);
}

TEST_CASE("bf16 overflows to infinity, keeps infinities, and a NaN stays one", "[bfloat16]") {
  const float most = std::numeric_limits<float>::max();
  CHECK(std::isinf(to_float(to_bfloat16(most))));
  CHECK(to_float(to_bfloat16(-std::numeric_limits<float>::infinity())) ==
        -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(to_float(to_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
  const float tiny_payload = std::bit_cast<float>(0x7f800001u);
  CHECK(std::isnan(to_float(to_bfloat16(tiny_payload))));
}

TEST_CASE("bf16 differs from f32 by at most half a unit in its last place", "[bfloat16]") {
  for (std::uint32_t bits = 0x00800000u; bits < 0x7f000000u; bits += 0x000137f1u) {
    const float value = std::bit_cast<float>(bits);
    REQUIRE(std::fabs(to_float(to_bfloat16(value)) - value) <= std::ldexp(value, -8));
  }
}
