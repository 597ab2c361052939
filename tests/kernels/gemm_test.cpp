#include "kernels/gemm/gemm.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "kernels/gemm/multiply.h"
#include "tests/kernels/gemm_support.h"

using namespace batchtune::kernels;

TEST_CASE("each gemm kernel passes its own proof", "[gemm]") {
  const std::string name =
      GENERATE("gemm_f32_14x32_avx512", "gemm_f32_6x16_avx2", "gemm_bf16_32x32_amx",
               "gemm_bf16_14x32_avx512bf16", "gemm_bf16_14x32_avx512", "gemm_bf16_6x16_avx2",
               "gemm_f32_1x8_reference", "gemm_bf16_1x8_reference");
  for (const GemmKernel* kernel : gemm_kernels()) {
    if (kernel->name != name) continue;
    if (!supported(kernel->isa)) BT_SKIP(name << ": " << why_not(kernel->isa));
    const Proof proof = prove(*kernel);
    INFO(name << ": " << proof.error << " of the tolerance at " << proof.where);
    CHECK(proof.passed);
    return;
  }
  FAIL(name << " is not in the table");
}

TEST_CASE("every kernel agrees with the textbook on all row counts and around its panel",
          "[gemm]") {
  for_each_runnable([](const GemmKernel& kernel) {
    for (std::int64_t m = 1; m <= kernel.mr + 1; ++m) {
      for (std::int64_t n : {1, kernel.nr - 1, kernel.nr, kernel.nr + 1}) {
        for (std::int64_t k : {1, 2, 3, 4, 5, 9, 64, 67}) {
          const GemmCase c{.m = m, .n = n, .k = k, .a_padding = 1, .c_padding = 3, .bias = true};
          INFO(text_of(kernel, c));
          REQUIRE(gemm_error(kernel, c) <= 1.0);
        }
      }
    }
  });
}

TEST_CASE("every epilogue gives what the textbook gives, in both output types", "[gemm]") {
  for_each_runnable([](const GemmKernel& kernel) {
    for (Activation activation : {Activation::none, Activation::relu, Activation::relu6,
                                  Activation::gelu_tanh, Activation::silu, Activation::gelu_erf}) {
      for (Dtype output : {Dtype::f32, Dtype::bf16}) {
        for (int flags = 0; flags < 8; ++flags) {
          GemmCase c{.m = 5,
                     .n = kernel.nr + 3,
                     .k = 40,
                     .c_padding = 2,
                     .activation = activation,
                     .output = output};
          c.bias = (flags & 1) != 0;
          c.residual = (flags & 2) != 0;
          c.residual_at =
              (flags & 4) != 0 ? ResidualAt::after_activation : ResidualAt::before_activation;
          INFO(text_of(kernel, c));
          REQUIRE(gemm_error(kernel, c) <= 1.0);
        }
      }
    }
  });
}

TEST_CASE("long K, rows that alias in the cache and odd pairs agree with the textbook", "[gemm]") {
  for_each_runnable([](const GemmKernel& kernel) {
    for (const GemmCase& c : {GemmCase{.m = 17, .n = 40, .k = 1024},   // rows 4 KiB apart in f32
                              GemmCase{.m = 16, .n = 33, .k = 2048},   // and in bf16
                              GemmCase{.m = 130, .n = 35, .k = 1501},  // K in several pieces
                              GemmCase{.m = 300, .n = 70, .k = 130, .threads = 3},
                              GemmCase{.m = 129, .n = 65, .k = 2047, .threads = 2}}) {
      if (kernel.isa == Isa::reference && c.m * c.n * c.k > 3'000'000)
        continue;  // slow, and no blocks of its own
      INFO(text_of(kernel, c));
      REQUIRE(gemm_error(kernel, c) <= 1.0);
    }
  });
}

TEST_CASE("what is finished beside other products is finished in every epilogue and cut of K",
          "[gemm]") {
  for_each_runnable([](const GemmKernel& kernel) {
    if (kernel.isa == Isa::reference) return;
    for (const std::int64_t m : {15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 80, 97}) {
      for (const std::int64_t k : {31, 32, 33, 64, 1100}) {
        GemmCase c{.m = m, .n = 3 * kernel.nr - 1, .k = k, .a_padding = 2, .c_padding = 1};
        c.bias = c.residual = true;
        c.activation = Activation::silu;
        c.residual_at = ResidualAt::after_activation;
        c.output = m % 2 == 0 ? Dtype::f32 : Dtype::bf16;
        c.threads = m < 64 ? 1 : 2;
        INFO(text_of(kernel, c));
        REQUIRE(gemm_error(kernel, c) <= 1.0);
      }
    }
  });
}

TEST_CASE("no memory beyond the rows and columns of A is read", "[gemm]") {
  for_each_runnable([](const GemmKernel& kernel) {
    for (const std::int64_t m : {1, 5, 16, 19, 32, 37}) {
      for (const std::int64_t k : {32, 64, 70}) {
        // A and C end where their page does.
        const GuardedMemory a(static_cast<std::size_t>(m * k) * bytes_of(kernel.dtype));
        const std::int64_t n = kernel.nr + 1;
        const GuardedMemory c(static_cast<std::size_t>(m * n) * sizeof(float));
        Random random(5);
        const ProofTensor values = random.tensor(m * k, kernel.dtype);
        std::memcpy(a.data(), values.data(), a.size());
        const std::vector<float> weights = random.floats(k * n);
        const auto packed = PackedWeights::pack(kernel, k, n, weights.data());
        const std::size_t lane_bytes = gemm_workspace_bytes(kernel, k, n);
        const AlignedBuffer scratch = poisoned_scratch(lane_bytes);
        Team alone;
        gemm({m, a.data(), k, &*packed, c.data(), n, {}}, {scratch.as<std::byte>(), lane_bytes},
             alone);
        ProofTensor fast(m * n, Dtype::f32), slow(m * n, Dtype::f32);
        std::memcpy(fast.data(), c.data(), c.size());
        reference::gemm(m, n, k, kernel.dtype, values.data(), k, weights.data(), slow.data(), n,
                        {});
        INFO(kernel.name << " m=" << m << " k=" << k);
        CHECK(largest_difference(fast, slow) <= tolerance(Dtype::f32, k));
      }
    }
  });
}

TEST_CASE("a product does not depend on the rows beside it or on the number of lanes", "[gemm]") {
  for_each_runnable([](const GemmKernel& kernel) {
    const std::int64_t n = 50, k = 1203, most = 40;
    Random random(3);
    const ProofTensor a = random.tensor(most * k, kernel.dtype);
    const auto packed = PackedWeights::pack(kernel, k, n, random.floats(k * n).data());
    const std::size_t lane_bytes = gemm_workspace_bytes(kernel, k, n);
    const AlignedBuffer scratch = poisoned_scratch(lane_bytes * 2);
    const auto first_row = [&](std::int64_t m, int threads) {
      ProofTensor c(m * n, Dtype::f32);
      Arena arena(threads, Pin::no);
      arena.run([&](Team& team) {
        gemm({m, a.data(), k, &*packed, c.data(), n, {}}, {scratch.as<std::byte>(), lane_bytes},
             team);
      });
      ProofTensor row(n, Dtype::f32);
      for (std::int64_t i = 0; i < n; ++i) row.set(i, c.at(i));
      return row;
    };
    const ProofTensor alone = first_row(1, 1);
    for (std::int64_t m : {2, 3, 4, 15, static_cast<int>(most)}) {
      INFO(kernel.name << " m=" << m);
      CHECK(largest_difference(first_row(m, 1), alone) <= tolerance(Dtype::f32, k));
      CHECK(largest_difference(first_row(m, 2), first_row(m, 1)) <= tolerance(Dtype::f32, k));
    }
  });
}

TEST_CASE("no rows is no work, and nothing is touched", "[gemm]") {
  const GemmKernel& kernel = select_gemm(Dtype::f32, machine_isas());
  const auto packed = PackedWeights::pack(kernel, 4, 4, std::vector<float>(16, 1.0f).data());
  Team alone;
  gemm({0, nullptr, 4, &*packed, nullptr, 4, {}}, {}, alone);
}

TEST_CASE("the residual may be the output itself", "[gemm]") {
  for_each_runnable([](const GemmKernel& kernel) {
    const std::int64_t m = 3, n = 37, k = 5;
    Random random(4);
    const ProofTensor a = random.tensor(m * k, kernel.dtype);
    const std::vector<float> weights = random.floats(k * n);
    ProofTensor in_place = random.tensor(m * n, Dtype::f32);
    const ProofTensor residual = in_place;
    ProofTensor slow(m * n, Dtype::f32);
    const auto packed = PackedWeights::pack(kernel, k, n, weights.data());
    const std::size_t lane_bytes = gemm_workspace_bytes(kernel, k, n);
    const AlignedBuffer scratch = poisoned_scratch(lane_bytes);
    Epilogue epilogue;
    epilogue.residual = in_place.data();
    epilogue.residual_stride = n;
    Team alone;
    gemm({m, a.data(), k, &*packed, in_place.data(), n, epilogue},
         {scratch.as<std::byte>(), lane_bytes}, alone);
    epilogue.residual = residual.data();
    reference::gemm(m, n, k, kernel.dtype, a.data(), k, weights.data(), slow.data(), n, epilogue);
    CHECK(largest_difference(in_place, slow) <= tolerance(Dtype::f32, k));
  });
}

TEST_CASE("selection takes the best allowed row and falls back to the reference", "[gemm]") {
  const auto name = [](Dtype dtype, IsaMask allowed, std::vector<std::string_view> left_out = {}) {
    return name_of(select_gemm(dtype, allowed, left_out));
  };
  CHECK(name(Dtype::f32, up_to(Isa::amx)) == "gemm_f32_14x32_avx512");
  CHECK(name(Dtype::bf16, up_to(Isa::amx)) == "gemm_bf16_32x32_amx");
  CHECK(name(Dtype::bf16, up_to(Isa::amx) & ~mask_of(Isa::avx512bf16), {"gemm_bf16_32x32_amx"}) ==
        "gemm_bf16_14x32_avx512");
  CHECK(name(Dtype::f32, up_to(Isa::avx512bf16)) == "gemm_f32_14x32_avx512");
  CHECK(name(Dtype::bf16, up_to(Isa::avx512bf16)) == "gemm_bf16_14x32_avx512bf16");
  CHECK(name(Dtype::bf16, up_to(Isa::avx512)) == "gemm_bf16_14x32_avx512");
  CHECK(name(Dtype::bf16, up_to(Isa::avx2)) == "gemm_bf16_6x16_avx2");
  CHECK(name(Dtype::f32, up_to(Isa::reference)) == "gemm_f32_1x8_reference");
  CHECK(name(Dtype::f32, 0) == "gemm_f32_1x8_reference");
  CHECK(name(Dtype::f32, up_to(Isa::avx512), {"gemm_f32_14x32_avx512"}) == "gemm_f32_6x16_avx2");
  CHECK(name(Dtype::bf16, up_to(Isa::avx2), {"gemm_bf16_6x16_avx2", "gemm_bf16_1x8_reference"}) ==
        "gemm_bf16_1x8_reference");
}

TEST_CASE("the table names each kernel once and ends with the references", "[gemm]") {
  std::set<std::string_view> names;
  for (const GemmKernel* kernel : gemm_kernels()) {
    CHECK(names.insert(kernel->name).second);
    CHECK(std::string_view(kernel->name).find(name_of(kernel->isa)) != std::string_view::npos);
    CHECK(std::string_view(kernel->name).find(name_of(kernel->dtype)) != std::string_view::npos);
  }
  CHECK(gemm_kernels().back()->isa == Isa::reference);
}

TEST_CASE("blocks cover the product and keep to their budgets", "[gemm]") {
  for (const GemmKernel* kernel : gemm_kernels()) {
    for (std::int64_t m : {1, 2, 13, 14, 15, 49, 127, 128, 129, 500, 3136, 100'000}) {
      for (std::int64_t n : {1, 31, 32, 33, 64, 1000, 4096, 30'000}) {
        for (std::int64_t k : {1, 2, 27, 147, 1024, 4608, 25'088}) {
          for (int lanes : {1, 2, 7, 64}) {
            const Blocking cut = block(*kernel, m, n, k, lanes);
            REQUIRE(cut.m_block * cut.m_blocks >= m);
            REQUIRE(cut.n_blocks >= 1);
            REQUIRE(cut.n_blocks <= kernel->panels(n));
            REQUIRE(cut.m_block % kernel->row_unit() == 0);
            REQUIRE(cut.k_stage % kernel->k_unit() == 0);
            REQUIRE(cut.k_inner % kernel->k_unit() == 0);
            REQUIRE(cut.k_inner >= 1);
            REQUIRE(cut.k_stage >= cut.k_inner);
            const std::int64_t panels =
                cut.k_stage < k ? (kernel->panels(n) + cut.n_blocks - 1) / cut.n_blocks : 1;
            const std::int64_t line = 64,
                               row = (cut.k_stage * kernel->staged_bytes() + line - 1) / line;
            const std::int64_t tiles = 2 * kernel->mr * kernel->nr * 4;
            const std::int64_t rows = std::min(m, cut.m_block);
            const std::int64_t need =
                line + tiles + (rows * panels * kernel->nr * 4 + line) + rows * (row | 1) * line;
            REQUIRE(need <= static_cast<std::int64_t>(multiply_workspace_bytes(*kernel, k)) + line);
          }
        }
      }
    }
  }
}
