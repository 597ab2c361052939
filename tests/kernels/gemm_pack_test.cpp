// Packing in parts.
#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/kernel.h"
#include "tests/support/catch.h"

using namespace batchtune::kernels;

TEST_CASE("weights put in parts of any length are those packed at once", "[gemm]") {
  for (const GemmKernel* kernel : gemm_kernels())
    for (const auto& [k, n, groups] : {GemmShape{1, 1, 1}, {3, 70, 2}, {7, 33, 3}, {16, 64, 1}}) {
      std::vector<float> values(static_cast<std::size_t>(k * n * groups));
      std::iota(values.begin(), values.end(), 1.0f);
      const auto whole = PackedWeights::pack(*kernel, k, n, values.data(), groups);
      REQUIRE(whole);
      for (const std::size_t part : {1, 5, 64, 100, 1000}) {
        INFO(name_of(*kernel) << " " << k << "x" << n << "x" << groups << " by " << part);
        auto parts = PackedWeights::make(*kernel, k, n, groups);
        REQUIRE(parts);
        for (std::size_t first = 0; first < values.size(); first += part)
          parts->put(static_cast<std::int64_t>(first),
                     {values.data() + first, std::min(part, values.size() - first)});
        const std::int64_t used = kernel->panels(n) * kernel->steps(k) * kernel->step_bytes();
        for (std::int64_t group = 0; group < groups; ++group)
          CHECK(std::memcmp(whole->group(group), parts->group(group),
                            static_cast<std::size_t>(used)) == 0);
      }
    }
}
