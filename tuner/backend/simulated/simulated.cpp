#include "tuner/backend/simulated/simulated.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/simulated/cost.h"
#include "tuner/backend/simulated/parameters.h"
#include "tuner/workload/opaque.h"

namespace batchtune {
namespace {

using simulated::Parameters;

constexpr int kExitCode = 3;  // of `exit=`: any that no shell or sanitizer uses
constexpr std::int64_t kOutputElements =
    256;                             // of one sample at most: enough to compare, cheap to make
constexpr double kTolerance = 1e-6;  // outputs are the same at every batch

// In [-1, 1], never 0, from seed, sample and element (splitmix64).
float output_value(std::uint64_t seed, std::int64_t sample, std::int64_t element) {
  std::uint64_t x = seed * 0x9E3779B97F4A7C15u +
                    static_cast<std::uint64_t>(sample) * 0xBF58476D1CE4E5B9u +
                    static_cast<std::uint64_t>(element) + 1;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  x ^= x >> 31;
  const double unit =
      (static_cast<double>(x >> 12) + 0.5) / static_cast<double>(std::uint64_t{1} << 52);
  return static_cast<float>(2 * unit - 1);
}

[[noreturn]] void hang() {
  for (;;) pause();
}

[[noreturn]] void die_of(int signal) {
  std::signal(signal, SIG_DFL);  // a sanitizer's own handler would turn it into an exit code
  std::raise(signal);
  std::abort();
}

// What all programs of a backend run on: its time passes while they run, and its disturbances are
// common to them.
class Machine {
 public:
  Machine(const simulated::NoiseParameters& noise, std::uint64_t seed) : noise_(noise, seed) {}

  // n runs of each instance side by side, none waiting for another. `undisturbed`: of a run, by
  // instance.
  RunTimes run(int n, const std::vector<Seconds>& undisturbed) {
    RunTimes times;
    times.clock = ClockKind::virtual_clock;
    struct Instance {
      Seconds now;
      int left;
    };
    std::vector<Instance> instances(undisturbed.size(), {now_, n});
    // In the order of their starts, since time must not fall.
    for (int left = n * static_cast<int>(instances.size()); left > 0; --left) {
      const auto next = std::min_element(
          instances.begin(), instances.end(), [](const Instance& a, const Instance& b) {
            return std::tuple(a.left == 0, a.now) < std::tuple(b.left == 0, b.now);
          });
      const auto number = static_cast<std::size_t>(next - instances.begin());
      times.seconds.push_back(undisturbed[number] * noise_.factor(next->now));
      times.instance.push_back(static_cast<int>(number));
      next->now += times.seconds.back();
      --next->left;
      now_ = std::max(now_, next->now);
    }
    return times;
  }

 private:
  simulated::Noise noise_;
  Seconds now_ = 0;
};

class SimulatedProgram final : public Program {
 public:
  SimulatedProgram(const Model& model, const Candidate& candidate, const Parameters& parameters,
                   Machine& machine)
      : machine_(machine),
        candidate_(candidate),
        parameters_(parameters),
        memory_(simulated::memory_of(model, candidate)),
        output_elements_(std::min(elements(model.ops.back().output), kOutputElements)) {
    const Seconds first = simulated::run_seconds(model, candidate, parameters);
    for (int instance = 0; instance < candidate.group.instances; ++instance)
      seconds_.push_back(first * simulated::unevenness(instance, parameters));
    layers_ = simulated::layer_seconds(model, candidate, parameters);
  }

  Outcome<RunTimes> run(int n) override {
    for (int i = 0; i < n; ++i) {
      ++runs_;
      misbehave_if_told();
    }
    return machine_.run(n, seconds_);
  }

  void set_input(std::uint64_t seed) override { seed_ = seed; }

  Outcome<std::vector<float>> read_output(std::int64_t samples) override {
    const int instances = candidate_.group.instances;
    std::vector<float> output;
    for (int instance = 0; instance < instances; ++instance) {
      const bool wrong =
          instance == instances - 1 && parameters_.wrong.fires(candidate_.batch, runs_);
      for (std::int64_t sample = 0; sample < std::min(samples, candidate_.batch); ++sample)
        for (std::int64_t element = 0; element < output_elements_; ++element)
          output.push_back(output_value(seed_, sample, element) + (wrong ? 1.0f : 0.0f));
    }
    return output;
  }

  MemoryUse memory() const override { return memory_; }
  std::optional<Seconds> prepare_seconds() const override { return parameters_.prepare; }
  Outcome<std::vector<LayerTime>> profile(int) override { return layers_; }

 private:
  void misbehave_if_told() const {
    const std::int64_t batch = candidate_.batch;
    if (parameters_.hang.fires(batch, runs_)) hang();
    if (parameters_.crash.fires(batch, runs_)) die_of(SIGSEGV);
    if (parameters_.abort.fires(batch, runs_)) die_of(SIGABRT);
    if (parameters_.exit.fires(batch, runs_)) _exit(kExitCode);
  }

  Machine& machine_;
  Candidate candidate_;
  Parameters parameters_;
  std::vector<Seconds> seconds_;  // of an undisturbed run, by instance
  std::vector<LayerTime> layers_;  // of the first instance's
  MemoryUse memory_;
  std::int64_t output_elements_;
  std::uint64_t seed_ = 1;
  int runs_ = 0;
};

// What it runs for a model whose operations cannot be read: always the same, of the size of a small
// image network.
Model stand_in(const Model& opaque) {
  constexpr int kOps = 20;
  constexpr double kFlops = 1e9, kWeights = 1e7;
  constexpr std::int64_t kElements = 1'000'000;
  Model model;
  model.name = opaque.name;
  for (int i = 0; i < kOps; ++i) {
    Op op;
    op.name = "stand-in " + std::to_string(i);
    op.kind = OpKind::foreign;
    op.flops = kFlops / kOps;
    op.weight_elements = kWeights / kOps;
    op.output = {kElements / kOps};
    model.ops.push_back(std::move(op));
  }
  model.output = model.ops.back().name;
  return model;
}

Ending out_of_memory(Bytes wanted, Bytes of) {
  return {TrialStatus::out_of_memory, "the simulated device's memory is too small",
          "account: wanted " + format_bytes(static_cast<double>(wanted)) + " of " +
              format_bytes(static_cast<double>(of)),
          "device"};
}

// Each program is accounted alone: several of them in one worker do not fill the device.
class SimulatedModel final : public LoadedModel {
 public:
  SimulatedModel(const Model& model, const Parameters& parameters, Bytes wall,
                 std::shared_ptr<Machine> machine)
      : model_(model), parameters_(parameters), wall_(wall), machine_(std::move(machine)) {}

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return parameters_.load; }
  double output_tolerance() const override { return kTolerance; }

  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    if (candidate.batch < 1) return tl::unexpected(runtime::unsupported("a batch is at least 1"));
    const Bytes wanted = simulated::memory_of(model_, candidate).total();
    if (wanted > wall_) return tl::unexpected(out_of_memory(wanted, wall_));
    return std::make_unique<SimulatedProgram>(model_, candidate, parameters_, *machine_);
  }

 private:
  Model model_;
  Parameters parameters_;
  Bytes wall_;
  std::shared_ptr<Machine> machine_;  // shared: a model may outlive its backend
};

class SimulatedBackend final : public Backend {
 public:
  explicit SimulatedBackend(const Parameters& parameters) : parameters_(parameters) {}

  DeviceInfo describe() override {
    DeviceInfo device;
    device.name = "simulated device";
    device.backend = "simulated";
    device.version = "1";
    for (const DType dtype : kDTypes) {
      const double speedup = 4.0 / static_cast<double>(size_of(dtype));
      device.peaks.push_back(
          {dtype, "", parameters_.rate * speedup, FigureOrigin::catalogue, "simulated"});
    }
    device.memory_levels.push_back({"DRAM", static_cast<double>(parameters_.wall),
                                    parameters_.rate / simulated::kFlopsPerWeightByte,
                                    FigureOrigin::catalogue, "simulated"});
    device.memory_bytes = static_cast<double>(parameters_.wall);
    device.simulated = true;
    return device;
  }

  Outcome<std::unique_ptr<LoadedModel>> load(const Model& given, const LoadOptions& options,
                                             LoadReport& report) override {
    const Model model = is_opaque(given) ? stand_in(given) : given;
    Parameters parameters = parameters_;
    if (!options.parameters.empty()) {
      const auto own = simulated::parse_parameters(options.parameters);
      if (!own) return tl::unexpected(Ending{TrialStatus::failed, to_string(own.error()), "", ""});
      parameters = *own;
    }
    const Bytes wall = std::min(parameters.wall, options.account_limit.value_or(parameters.wall));
    const Bytes weights = simulated::weights_of(model, options.group.dtype);
    if (weights > wall) return tl::unexpected(out_of_memory(weights, wall));
    report.effective.push_back({"simulated.wall", std::int64_t{wall}, "backend"});
    if (!machine_) machine_ = std::make_shared<Machine>(parameters.noise, options.seed);
    return std::make_unique<SimulatedModel>(model, parameters, wall, machine_);
  }

 private:
  Parameters parameters_;
  std::shared_ptr<Machine> machine_;  // made by the first load, which brings the seed
};

}  // namespace

Result<std::unique_ptr<Backend>> create_simulated_backend(const std::string& parameters) {
  BT_TRY(parsed, simulated::parse_parameters(parameters));
  return std::make_unique<SimulatedBackend>(parsed);
}

}  // namespace batchtune
