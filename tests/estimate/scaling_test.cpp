// Figures for fewer threads than all, from a calibration.
#include "tests/support/catch.h"
#include "tuner/estimate/device_file.h"

using namespace batchtune;

namespace {

// Four CPUs on two cores: two threads get nearly all of the compute.
Calibration four_cpus() {
  Calibration out;
  out.device.name = "four";
  out.device.cores = 4;
  out.device.memory_bytes = 8e9;
  out.device.peaks = {{.dtype = DType::f32, .isa = "avx2", .flops_per_second = 200, .source = ""},
                      {.dtype = DType::bf16, .isa = "amx", .flops_per_second = 1000, .source = ""}};
  out.device.memory_levels = {
      {.name = "L2", .capacity_bytes = 4e6, .bytes_per_second = 400, .source = ""},
      {.name = "DRAM", .capacity_bytes = 8e9, .bytes_per_second = 30, .source = ""}};
  ThreadFigures one{
      .threads = 1, .peaks = {out.device.peaks[0]}, .memory_levels = out.device.memory_levels};
  one.peaks[0].flops_per_second = 100;
  one.memory_levels[0].bytes_per_second = 100;
  one.memory_levels[0].capacity_bytes = 1e6;
  one.memory_levels[1].bytes_per_second = 20;
  ThreadFigures two = one;
  two.threads = 2;
  two.peaks[0].flops_per_second = 190;
  out.scaling = {one, two};
  return out;
}

}  // namespace

TEST_CASE("measured thread counts give the measured figures", "[estimate][scaling]") {
  const DeviceInfo one = at_threads(four_cpus(), 1);
  CHECK(one.peaks[0].flops_per_second == Approx(100));
  CHECK(one.memory_levels[0].bytes_per_second == Approx(100));
  CHECK(one.memory_levels[0].capacity_bytes == Approx(1e6));
  CHECK(one.memory_levels[1].bytes_per_second == Approx(20));
  CHECK(one.memory_levels[1].capacity_bytes == 8e9);
  CHECK(one.memory_bytes == 8e9);
  CHECK(one.cores == 1);
  CHECK(at_threads(four_cpus(), 2).peaks[0].flops_per_second == Approx(190));
}

TEST_CASE("between measured thread counts figures lie on a line", "[estimate][scaling]") {
  CHECK(at_threads(four_cpus(), 3).peaks[0].flops_per_second == Approx(195));
}

TEST_CASE("a figure measured with all threads only is taken in proportion", "[estimate][scaling]") {
  CHECK(at_threads(four_cpus(), 1).peaks[1].flops_per_second == Approx(250));
  CHECK(at_threads(four_cpus(), 3).peaks[1].flops_per_second == Approx(750));
}

TEST_CASE("thread counts outside the machine are clamped", "[estimate][scaling]") {
  CHECK(at_threads(four_cpus(), 4).peaks[0].flops_per_second == 200);
  CHECK(at_threads(four_cpus(), 400).peaks[0].flops_per_second == 200);
  CHECK(at_threads(four_cpus(), 0).peaks[0].flops_per_second == Approx(100));
  CHECK(at_threads(four_cpus(), -5).cores == 1);
}

TEST_CASE(
    "the scaling summary is that of the fastest peak measured on one thread, and of main memory",
    "[estimate][scaling]") {
  const ScalingSummary scaling = scaling_of(four_cpus());
  REQUIRE(scaling.compute);  // f32: bf16 was not measured on one thread
  CHECK(*scaling.compute == Approx(2.0));
  CHECK(*scaling.bandwidth == Approx(1.5));
  Calibration bare = four_cpus();
  bare.scaling.clear();
  CHECK_FALSE(scaling_of(bare).compute);
}
