// Whole models on the cpu backend: GFLOP/s, the share of the processor's peak for the instruction
// set in use, and where the time goes. Minima over repetitions, since the machine is shared.
//   bench_models MODEL DTYPE BATCH [THREADS [ISA]]      bench_models resnet-50 bf16 4 2
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>

#include "kernels/probe/calibration.h"
#include "tuner/backend/cpu/cpu_backend.h"
#include "tuner/backend/cpu/program.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

using namespace batchtune;

namespace {

constexpr double kSeconds = 5;         // of repetitions
constexpr std::size_t kHotSpots = 15;  // operations shown

struct Arguments {
  std::string model;
  DType dtype = DType::f32;
  std::int64_t batch = 1;
  int threads = 1;
  std::string isa;
};

int fail(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return 2;
}

double peak_of(const Arguments& arguments, const std::string& isa) {
  const auto figures = probe::calibrate(probe::fast_calibration());
  double peak = 0;
  for (const auto& figure : figures.peaks)
    if (name_of(arguments.dtype) == kernels::name_of(figure.dtype) &&
        kernels::name_of(figure.isa) == isa && figure.threads == arguments.threads)
      peak = std::max(peak, figure.flops.best);
  return peak;
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Fewest seconds of each operation over repetitions, and of the whole run.
struct Times {
  std::map<OpIndex, double> operations;
  double whole = 1e30;
  double processor = 1e30;  // of all threads, for a whole run
};

Times measure(cpu::CpuProgram& program) {
  Times times;
  const double end = steady_seconds() + kSeconds;
  for (int i = 0; i < 3 || steady_seconds() < end; ++i) {
    const double start = processor_seconds();
    times.whole = std::min(times.whole, program.run(1)->seconds[0]);
    times.processor = std::min(times.processor, processor_seconds() - start);
    program.run_stepwise([&](OpIndex op, Seconds seconds) {
      const auto known = times.operations.emplace(op, seconds).first;
      known->second = std::min(known->second, seconds);
    });
  }
  return times;
}

void print_hot_spots(const Model& model, const Times& times, std::int64_t batch) {
  std::map<std::string, std::pair<double, double>> kinds;  // seconds, FLOP
  std::vector<std::pair<double, OpIndex>> order;
  double total = 0;
  for (const auto& [index, seconds] : times.operations) {
    const Op& op = model.ops[static_cast<std::size_t>(index)];
    auto& kind =
        kinds[op.kind == OpKind::foreign ? op.operation : std::string(name_of(op.kind))];
    kind.first += seconds;
    kind.second += work_of(model, op).flops * static_cast<double>(batch);
    order.emplace_back(seconds, index);
    total += seconds;
  }
  std::printf("  sum of operations %.3f ms\n", 1e3 * total);
  for (const auto& [kind, figures] : kinds)
    std::printf("  %-20s %9.3f ms %5.1f %%  %8.1f GFLOP/s\n", kind.c_str(), 1e3 * figures.first,
                100 * figures.first / total, 1e-9 * figures.second / figures.first);
  std::sort(order.rbegin(), order.rend());
  order.resize(std::min(order.size(), kHotSpots));
  for (const auto& [seconds, index] : order) {
    const Op& op = model.ops[static_cast<std::size_t>(index)];
    const double flops = work_of(model, op).flops * static_cast<double>(batch);
    std::printf("    %-28s %9.3f ms  %8.1f GFLOP/s\n", op.name.c_str(), 1e3 * seconds,
                1e-9 * flops / seconds);
  }
}

int run(const Arguments& arguments) {
  const Result<Model> model = load_model(arguments.model);
  if (!model) return fail(to_string(model.error()));
  cpu::CpuBackend backend;
  LoadOptions options;
  options.group = {
      .backend = "cpu", .dtype = arguments.dtype, .threads = arguments.threads, .dims = {}};
  options.isa = arguments.isa;
  LoadReport report;
  auto loaded = backend.load(*model, options, report);
  if (!loaded) return fail(loaded.error().reason + "; " + loaded.error().evidence);
  for (const std::string& name : report.refuted_kernels) std::printf("refuted: %s\n", name.c_str());
  auto program = cpu::CpuProgram::prepare(static_cast<cpu::CpuModel&>(**loaded), arguments.batch);
  if (!program) return fail(program.error().reason + "; " + program.error().evidence);
  (*program)->set_input(options.seed);

  const std::string isa = to_string(report.effective[0].value);
  const double peak = peak_of(arguments, isa);
  const Times times = measure(**program);
  const double rate =
      summarise(*model).flops_per_sample * static_cast<double>(arguments.batch) / times.whole;
  const MemoryUse memory = (*program)->memory();
  std::printf(
      "%s %s batch %lld, %d threads, %s: %.3f ms, %.2f samples/s, %.1f GFLOP/s = %.1f %% of %.1f\n",
      arguments.model.c_str(), std::string(name_of(arguments.dtype)).c_str(),
      static_cast<long long>(arguments.batch), arguments.threads, isa.c_str(), 1e3 * times.whole,
      static_cast<double>(arguments.batch) / times.whole, 1e-9 * rate, 100 * rate / peak,
      1e-9 * peak);
  const double used = times.processor / arguments.threads;
  std::printf("  processor time %.3f ms per thread: %.1f %%\n", 1e3 * used,
              100 * rate / peak * times.whole / used);
  std::printf("  load %.2f s; weights %.1f, activations %.1f, workspace %.1f MB\n",
              (*loaded)->load_seconds(), 1e-6 * static_cast<double>(memory.weights),
              1e-6 * static_cast<double>(memory.activations),
              1e-6 * static_cast<double>(memory.workspace));
  print_hot_spots(static_cast<cpu::CpuModel&>(**loaded).model(), times, arguments.batch);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return fail("usage: bench_models MODEL DTYPE BATCH [THREADS [ISA]]");
  Arguments arguments;
  arguments.model = argv[1];
  const auto dtype = parse_dtype(argv[2]);
  if (!dtype) return fail("DTYPE: f32 or bf16");
  arguments.dtype = *dtype;
  arguments.batch = std::atoll(argv[3]);
  arguments.threads = argc > 4 ? std::atoi(argv[4]) : cpu::read_host().cpus;
  if (argc > 5) arguments.isa = argv[5];
  return run(arguments);
}
