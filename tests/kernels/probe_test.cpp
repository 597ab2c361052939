// The probes on the machine at hand: sane, repeatable, parked when idle. Nothing here asserts a
// time.
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "kernels/probe/burst.h"
#include "kernels/probe/calibration.h"
#include "kernels/probe/loops.h"
#include "kernels/probe/pinned_team.h"
#include "kernels/probe/product_isas.h"
#include "kernels/probe/reference_programs.h"
#include "kernels/probe/touched_memory.h"
#include "tests/support/catch.h"

namespace batchtune::probe {
namespace {

using kernels::Dtype;
using kernels::Isa;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

FmaOperands some_operands() {
  FmaOperands operands;
  for (int i = 0; i < FmaOperands::kAccumulators * FmaOperands::kLanes; ++i) {
    operands.start[i] = 0.5f + 0.001f * static_cast<float>(i);
  }
  for (int i = 0; i < FmaOperands::kLanes; ++i) {
    operands.ratio[i] = 0.75f + 0.01f * static_cast<float>(i);
    operands.step[i] = 0.3f;
    operands.inverse_ratio[i] = 1 / operands.ratio[i];
    operands.inverse_step[i] = -operands.step[i] / operands.ratio[i];
  }
  return operands;
}

double sum_of_start(const FmaOperands& operands, int values) {
  double sum = 0;
  for (int i = 0; i < values; ++i) sum += static_cast<double>(operands.start[i]);
  return sum;
}

double best_of(const CalibrationFigures& figures, Dtype dtype, Isa isa, int threads) {
  for (const PeakFigure& peak : figures.peaks) {
    if (peak.dtype == dtype && peak.isa == isa && peak.threads == threads) return peak.flops.best;
  }
  return 0;
}

}  // namespace

TEST_CASE("multiply-add loops return to where they began, so all their work was done",
          "[kernels][probe]") {
  const FmaOperands operands = some_operands();
  for (const std::int64_t iterations : {1, 2, 1000}) {
    CAPTURE(iterations);
    const auto near = [&](int values) {
      return Approx(sum_of_start(operands, values)).epsilon(1e-3);
    };
    CHECK(static_cast<double>(reference::fma_f32(operands, iterations)) ==
          near(reference::kFmaF32Values));
    if (kernels::supported(Isa::avx2)) {
      CHECK(static_cast<double>(avx2::fma_f32(operands, iterations)) == near(12 * 8));
    }
    if (kernels::supported(Isa::avx512)) {
      CHECK(static_cast<double>(avx512::fma_f32(operands, iterations)) == near(24 * 16));
    }
    if (kernels::supported(Isa::avx512bf16)) {
      CHECK(static_cast<double>(avx512bf16::dot_bf16(operands, iterations)) == near(24 * 16));
    }
    if (kernels::supported(Isa::amx)) {
      CHECK(static_cast<double>(amx::dot_bf16(operands, iterations)) / 4 == near(16 * 16));
    }
  }
}

TEST_CASE("read loops see every word, in every pass", "[kernels][probe]") {
  constexpr std::size_t kBytes = 3 * kReadBlock;
  alignas(64) static std::uint64_t words[kBytes / 8];
  for (std::size_t i = 0; i < kBytes / 8; ++i) words[i] = (i + 1) * 0x9e3779b97f4a7c15u;
  std::uint64_t expected = 0;
  for (const std::uint64_t word : words) expected ^= word;
  const auto check = [&](ReadLoop read) {
    CHECK(read(words, kBytes, 1) == expected);
    CHECK(read(words, kBytes, 2) == 0);
    CHECK(read(words, kBytes, 3) == expected);
  };
  check(&reference::read);
  if (kernels::supported(Isa::avx2)) check(&avx2::read);
  if (kernels::supported(Isa::avx512)) check(&avx512::read);
}

TEST_CASE("touched memory is aligned, filled, and ends where it was reserved", "[kernels][probe]") {
  TouchedMemory memory;
  memory.reserve(10000);
  REQUIRE(memory.data() != nullptr);
  CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % (std::size_t{2} << 20) == 0);
  memory.touch(4096);
  CHECK(memory.touched() == 4096);
  memory.touch(1 << 20);
  CHECK(memory.touched() == 10000);
  const auto* words = static_cast<const std::uint64_t*>(memory.data());
  int zeros = 0;
  for (std::size_t i = 0; i < 10000 / 8; ++i) zeros += words[i] == 0;
  CHECK(zeros == 0);
}

TEST_CASE("a fast calibration gives ordered, positive figures for everything this CPU has",
          "[kernels][probe]") {
  CalibrationOptions options = fast_calibration();
  options.seconds = 1;
  int reports = 0;
  double last = 0;
  options.progress = [&](const CalibrationProgress& progress) {
    ++reports;
    CHECK(progress.elapsed >= last);
    last = progress.elapsed;
  };
  const CalibrationFigures figures = calibrate(options);
  REQUIRE(figures.failure.empty());
  CHECK(reports > 2);
  const int all = static_cast<int>(figures.cpus.size());
  for (const Isa isa : kernels::kAllIsas) {
    CAPTURE(kernels::name_of(isa));
    const bool measured = isa < Isa::avx512bf16 && kernels::supported(isa);
    CHECK((best_of(figures, Dtype::f32, isa, all) > 0) == measured);
    CHECK((best_of(figures, Dtype::bf16, isa, all) > 0) == kernels::supported(isa));
  }
  REQUIRE_FALSE(figures.levels.empty());
  CHECK(figures.levels.back().name == "DRAM");
  for (std::size_t i = 1; i < figures.levels.size(); ++i) {
    CHECK(figures.levels[i].bytes.best < figures.levels[i - 1].bytes.best);
  }
  REQUIRE(figures.scaling.front().threads == 1);
  CHECK(figures.scaling.back().threads == all);
  for (const ScalingFigure& scaling : figures.scaling) {
    CHECK(scaling.flops.best >= scaling.flops.median);
    CHECK(scaling.l2_bytes.median > 0);
  }
}

TEST_CASE("a wider instruction set is not slower by much", "[kernels][probe]") {
  // Wide enough for any clock that wide instructions lower; tried again where others hold the CPU.
  constexpr double kAtLeast = 0.8;
  CalibrationOptions options = fast_calibration();
  options.seconds = 0.3;
  options.cpus = {allowed_cpus().front()};
  bool ordered = false;
  for (int attempt = 0; attempt < 10 && !ordered; ++attempt) {
    const CalibrationFigures figures = calibrate(options);
    const auto best = [&](Isa isa) { return best_of(figures, Dtype::f32, isa, 1); };
    ordered =
        (!kernels::supported(Isa::avx2) || best(Isa::avx2) > kAtLeast * best(Isa::reference)) &&
        (!kernels::supported(Isa::avx512) || best(Isa::avx512) > kAtLeast * best(Isa::avx2));
  }
  CHECK(ordered);
}

TEST_CASE("products keep to the instruction sets that are worth their while", "[kernels][probe]") {
  const kernels::IsaMask all = kernels::machine_isas();
  CHECK(product_isas(Dtype::f32, all) == all);
  const kernels::IsaMask kept = product_isas(Dtype::bf16, all);
  CHECK(product_isas(Dtype::bf16, all) == kept);  // once measured, settled
  CHECK((kept | mask_of(Isa::avx512bf16)) == (all | mask_of(Isa::avx512bf16)));
  // Nothing narrower to go to, or nothing to leave out.
  const kernels::IsaMask alone = mask_of(Isa::reference) | mask_of(Isa::avx512bf16);
  CHECK(product_isas(Dtype::bf16, alone) == alone);
  CHECK(product_isas(Dtype::bf16, up_to(Isa::avx512)) == up_to(Isa::avx512));
}

TEST_CASE("the bf16 dot product is left out exactly where calibration finds it slower",
          "[kernels][probe]") {
  if (!kernels::supported(Isa::avx512bf16)) BT_SKIP(kernels::why_not(Isa::avx512bf16));
  const bool kept = contains(product_isas(Dtype::bf16, kernels::machine_isas()), Isa::avx512bf16);
  CalibrationOptions options = fast_calibration();
  options.seconds = 0.3;
  options.cpus = {allowed_cpus().front()};
  bool agreed = false;  // tried again where others hold the CPU
  for (int attempt = 0; attempt < 10 && !agreed; ++attempt) {
    const CalibrationFigures figures = calibrate(options);
    agreed = kept == (best_of(figures, Dtype::bf16, Isa::avx512bf16, 1) >=
                      best_of(figures, Dtype::f32, Isa::avx512, 1));
  }
  CHECK(agreed);
}

TEST_CASE("a calibration keeps to the CPUs and the memory it was given", "[kernels][probe]") {
  CalibrationOptions options = fast_calibration();
  options.seconds = 0.3;
  options.cpus = {allowed_cpus().front()};
  options.memory_bytes = 4 << 20;
  const CalibrationFigures figures = calibrate(options);
  REQUIRE(figures.failure.empty());
  CHECK(figures.scaling.size() == 1);
  REQUIRE_FALSE(figures.sweep.empty());
  CHECK(figures.sweep.back().bytes <= 1 << 20);
}

TEST_CASE("a team runs each member once, prepared first, and smaller teams leave the others parked",
          "[kernels][probe]") {
  const int cpu = allowed_cpus().front();
  PinnedTeam team({cpu, cpu, cpu});
  REQUIRE(team.size() == 3);
  CHECK(team.pinned());
  for (const int members : {3, 1, 2, 7, 0}) {
    int prepared[3] = {}, worked[3] = {};
    team.run(
        members, [&](int i) { ++prepared[i]; }, [&](int i) { worked[i] += prepared[i]; });
    for (int i = 0; i < 3; ++i) CHECK(worked[i] == (i < members ? 1 : 0));
  }
}

TEST_CASE("a CPU that does not exist is said, not fatal", "[kernels][probe]") {
  PinnedTeam team({1 << 20});
  CHECK(team.size() == 1);
  CHECK_FALSE(team.pinned());
}

TEST_CASE("the reference programs are the ones that stored sessions were measured with",
          "[kernels][probe]") {
  // Never change this constant without knowing that it makes all older sessions incomparable.
  CHECK(reference_programs_hash() == "7f1dc3d84869c380");
  CHECK(reference_programs_hash() == reference_programs_hash());
}

TEST_CASE("reference programs run again and again, and know their names", "[kernels][probe]") {
  if (!reference_programs_available()) BT_SKIP("the CPU lacks AVX2");
  ReferencePrograms programs(allowed_cpus());
  REQUIRE(programs.failure().empty());
  for (const std::string_view name : kReferenceProgramNames) {
    for (int i = 0; i < 3; ++i) {
      const auto seconds = programs.run(name);
      REQUIRE(seconds.has_value());
      CHECK(*seconds > 0);
    }
  }
  CHECK_FALSE(programs.run("dram").has_value());
  CHECK_FALSE(ReferencePrograms({}).failure().empty());
}

TEST_CASE("parked reference programs use no CPU", "[kernels][probe]") {
  if (!reference_programs_available()) BT_SKIP("the CPU lacks AVX2");
  ReferencePrograms programs(allowed_cpus());
  programs.run("compute");
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(cpu_seconds() - before < 0.01);
}

TEST_CASE("a burst is as long as it should be though its thread had to wait at first", "[probe]") {
  using Clock = std::chrono::steady_clock;
  int calls = 0;
  Burst burst;
  burst.work = 1;
  burst.loop = [&](int, std::int64_t repeats) {
    if (++calls == 2) std::this_thread::sleep_for(std::chrono::milliseconds(50));  // its first timed call
    const auto end = Clock::now() + std::chrono::microseconds(repeats);
    while (Clock::now() < end) continue;
  };
  PinnedTeam team({allowed_cpus().front()});
  fit(team, burst);
  CHECK(burst.repeats >= 500);  // of a microsecond; 2 ms are wanted
}

}  // namespace batchtune::probe
