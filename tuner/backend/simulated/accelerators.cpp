// The built-in accelerators. Figures of hardware are published ones, their pages in the comments; where nothing is
// published the figure is an assumption and says so. They make a device that behaves like its kind: no figure that
// comes out of it says anything of the real one.
#include <algorithm>
#include <array>

#include "tuner/backend/simulated/accelerator.h"

namespace batchtune::simulated {
namespace {

constexpr double kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;
constexpr double kTera = 1e12, kGiga = 1e9;

// Seeded, small and always there: a device that has its machine to itself. All assumed.
NoiseParameters machine_noise() {
  NoiseParameters noise;
  noise.jitter = 0.004;
  noise.wander = 0.003;
  noise.wander_seconds = 20;
  noise.drift = 0.0002;
  noise.spikes = 0.002;
  noise.spike_factor = 1.6;
  return noise;
}

// What all of AWS's have in common. Pages of the AWS Neuron documentation, SDK 2.32 (2026-08-21): the NKI guide's
// architecture pages (128 x 128 array, up to 512 moving rows, 16 DMA engines, 128 partitions), device-memory (96 MB of
// micro-code a core, scratch in pages of 64 MB since runtime 2.33). Assumed: everything under "assumed".
Accelerator neuron_core() {
  Accelerator core;
  core.memory_page = 64 * kMiB;
  core.code = 96e6;
  core.instruction = 64;
  core.array_rows = core.array_columns = 128;
  core.moving_rows = 512;
  core.vector_lanes = 128;
  core.dma_engines = 16;
  core.dma_transfer = 64 * kKiB;
  // Assumed. A published latency of 0.83 ms for ResNet-50 at batch 1 on inf2 leaves room for overheads of this size; a
  // compilation of ResNet-50 takes some four minutes with them.
  core.stationary_cycles = 64;
  core.dma_latency = 2e-6;
  core.overlap = 0.8;
  core.sharing = 0.06;
  core.run_overhead = 180e-6;
  core.operation_overhead = 1.5e-6;
  core.compile_base = 40;
  core.compile_operation = 2.7;
  core.compile_instruction = 40e-6;
  core.load_base = 1.5;
  core.load_rate = 2e9;
  core.prepare = 0.8;
  core.noise = machine_noise();
  return core;
}

// inf1-arch and neuron-core-v1: 4 cores, 64 TFLOPS, 8 GiB at 50 GiB/s that all cores share; FP16 and BF16 alone.
// A core can address all of the memory, and shares it with those that are in use: the wall moves with their number. Its
// on-chip memory and clock are not published: assumed, the clock so that the array reaches the 16 TFLOPS of a core.
Accelerator inferentia() {
  Accelerator device = neuron_core();
  device.name = "inferentia";
  device.description = "Inferentia as inf1 has it: 4 cores (v1) that share one memory";
  device.arithmetic = {{DType::bf16, 16 * kTera, 1}, {DType::f16, 16 * kTera, 1}};
  device.said_memory = 8 * kGiB;
  device.said_bandwidth = 12.5 * kGiB;
  device.cores = device.cores_per_memory = 4;
  device.memory = 7.6 * kGiB;
  device.array_hertz = 0.49e9;
  device.vector_hertz = 0.7e9;
  device.on_chip = 8 * kMiB;
  device.dma_rate = 20e9;
  device.sharing = 0.35;
  device.run_overhead = 250e-6;
  return device;
}

// trn1-arch, NKI trainium_inferentia2_arch: 2 cores (v2), 92 TFLOPS at 2.8 GHz, FP32 at a quarter, SBUF 24 MiB a core,
// 16 GiB and 410 GB/s a core. The wall: 15.855 GB were taken when a core gave no more (issue 1014 of aws-neuron-sdk),
// read as 10^9 bytes, which is an assumption. So is the clock of the vector lanes.
Accelerator trn1() {
  Accelerator device = neuron_core();
  device.name = "trn1";
  device.description = "Trainium as trn1 has it: 2 cores (v2)";
  device.arithmetic = {{DType::bf16, 92 * kTera, 1},
                       {DType::f16, 92 * kTera, 1},
                       {DType::tf32, 92 * kTera, 1},
                       {DType::fp8, 92 * kTera, 1},
                       {DType::f32, 23 * kTera, 4}};
  device.said_memory = 16 * kGiB;
  device.said_bandwidth = 410 * kGiga;
  device.cores = 2;
  device.memory = 15.855e9;
  device.array_hertz = 2.8e9;
  device.vector_hertz = 0.96e9;
  device.on_chip = 24 * kMiB;
  device.dma_rate = 370 * kGiga;
  return device;
}

// inf2-arch: the core of trn1 in a smaller machine. Assumed: a faster way from the host, a slower compiler.
Accelerator inf2() {
  Accelerator device = trn1();
  device.name = "inf2";
  device.description = "Inferentia2 as inf2 has it: 2 cores (v2)";
  device.run_overhead = 150e-6;
  device.compile_operation = 3.2;
  return device;
}

// trn2-arch, NKI trainium2_arch, as one program sees two cores joined (LNC=2, the default): 4 of these, each 158 TFLOPS
// at 2.4 GHz, SBUF 2 x 28 MiB, a bank of 24 GiB at 725 GB/s of which some 22 GiB could be allocated (measured by a
// third party). Two cores joined are an array of twice the columns here.
Accelerator trn2() {
  Accelerator device = neuron_core();
  device.name = "trn2";
  device.description = "Trainium2 as trn2 has it: 4 logical cores (2 x v3 each)";
  device.arithmetic = {{DType::bf16, 158 * kTera, 1},
                       {DType::f16, 158 * kTera, 1},
                       {DType::tf32, 158 * kTera, 1},
                       {DType::fp8, 316 * kTera, 0.5},
                       {DType::f32, 40 * kTera, 4}};
  device.said_memory = 24 * kGiB;
  device.said_bandwidth = 725 * kGiga;
  device.cores = 4;
  device.memory = 22 * kGiB;
  device.array_columns = 256;
  device.array_hertz = 2.4e9;
  device.vector_lanes = 256;
  device.vector_hertz = 0.96e9;
  device.on_chip = 56 * kMiB;
  device.dma_rate = 640 * kGiga;
  device.dma_engines = 32;
  return device;
}

// trn3-arch, neuron-core-v4: as trn2, with 36 GiB at 1225 GB/s, SBUF 2 x 32 MiB, and FP8 at four times BF16's rate.
// Assumed: of 36 GiB as large a part can be allocated as of trn2's 24.
Accelerator trn3() {
  Accelerator device = trn2();
  device.name = "trn3";
  device.description = "Trainium3 as trn3 has it: 4 logical cores (2 x v4 each)";
  device.arithmetic = {{DType::bf16, 158 * kTera, 1},
                       {DType::f16, 158 * kTera, 1},
                       {DType::tf32, 158 * kTera, 1},
                       {DType::fp8, 630 * kTera, 0.25},
                       {DType::f32, 40 * kTera, 4}};
  device.said_memory = 36 * kGiB;
  device.said_bandwidth = 1225 * kGiga;
  device.memory = 33 * kGiB;
  device.on_chip = 64 * kMiB;
  device.dma_rate = 1080 * kGiga;
  return device;
}

}  // namespace

std::span<const Accelerator> accelerators() {
  static const std::array<Accelerator, 5> all{inferentia(), inf2(), trn1(), trn2(), trn3()};
  return all;
}

const Accelerator* find_accelerator(std::string_view name) {
  for (const Accelerator& device : accelerators())
    if (device.name == name) return &device;
  return nullptr;
}

const Arithmetic* arithmetic_of(const Accelerator& device, DType dtype) {
  const auto found = std::find_if(device.arithmetic.begin(), device.arithmetic.end(),
                                  [&](const Arithmetic& one) { return one.dtype == dtype; });
  return found == device.arithmetic.end() ? nullptr : &*found;
}

DeviceInfo describe(const Accelerator& device) {
  constexpr char kSource[] = "what the simulated device says of itself";
  DeviceInfo info;
  info.name = "simulated " + device.name + ", one core of " + std::to_string(device.cores);
  info.backend = "simulated";
  info.version = "formula 1";
  for (const Arithmetic& one : device.arithmetic)
    info.peaks.push_back({one.dtype, "", one.said_flops, FigureOrigin::catalogue, kSource});
  info.memory_levels.push_back(
      {"HBM", device.said_memory, device.said_bandwidth, FigureOrigin::catalogue, kSource});
  info.memory_bytes = device.said_memory;
  info.simulated = true;
  info.default_dtype = device.arithmetic.front().dtype;
  info.compiles_elsewhere = true;
  return info;
}

}  // namespace batchtune::simulated
