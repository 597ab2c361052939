#include "tuner/backend/simulated/simulated.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/simulated/cost.h"
#include "tuner/backend/simulated/costs.h"
#include "tuner/backend/simulated/machine.h"
#include "tuner/backend/simulated/parameters.h"
#include "tuner/backend/simulated/program_cache.h"
#include "tuner/workload/opaque.h"

namespace batchtune {
namespace {

using simulated::Machine;
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

Ending out_of_memory(Bytes wanted, Bytes of) {
  return {TrialStatus::out_of_memory, "the simulated device's memory is too small",
          "account: wanted " + format_bytes(static_cast<double>(wanted)) + " of " +
              format_bytes(static_cast<double>(of)),
          "device"};
}

// What preparing a program came to.
struct Ready {
  simulated::Costs costs;
  MemoryUse memory;
  Bytes wall = 0;                  // passed: its first run finds no room
  Seconds seconds = 0;             // of preparing, compiling included
  std::optional<Seconds> compile;  // of these
};

class SimulatedProgram final : public Program {
 public:
  SimulatedProgram(const Model& model, const Candidate& candidate, const Parameters& parameters,
                   Machine& machine, Ready ready)
      : machine_(machine),
        candidate_(candidate),
        parameters_(parameters),
        ready_(std::move(ready)),
        output_elements_(std::min(elements(model.ops.back().output), kOutputElements)) {}

  Outcome<RunTimes> run(int n) override {
    if (const Bytes wanted = ready_.memory.total(); wanted > ready_.wall)
      return tl::unexpected(out_of_memory(wanted, ready_.wall));
    for (int i = 0; i < n; ++i) {
      ++runs_;
      misbehave_if_told();
    }
    return machine_.run(n, ready_.costs.runs);
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

  MemoryUse memory() const override { return ready_.memory; }
  std::optional<Seconds> prepare_seconds() const override { return ready_.seconds; }
  std::optional<Seconds> compile_seconds() const override { return ready_.compile; }
  Outcome<std::vector<LayerTime>> profile(int) override { return ready_.costs.layers; }

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
  Ready ready_;
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

// Each program is accounted alone: several of them in one worker do not fill the device.
class SimulatedModel final : public LoadedModel {
 public:
  SimulatedModel(const Model& model, const Parameters& parameters, const LoadOptions& options,
                 std::shared_ptr<Machine> machine)
      : model_(model),
        parameters_(parameters),
        wall_(std::min(simulated::wall_of(options.group, parameters),
                       options.account_limit.value_or(kNoLimit))),
        limit_(std::min(simulated::said_memory_of(options.group, parameters),
                        options.account_limit.value_or(kNoLimit))),
        load_seconds_(simulated::load_seconds(model, options.group.dtype, parameters)),
        cache_(parameters.cache),
        machine_(std::move(machine)) {}

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  double output_tolerance() const override { return kTolerance; }

  // Batches of the group that need no compiling, ascending.
  std::vector<std::int64_t> take_over_compiled(const CandidateGroup& group) {
    if (!parameters_.compiles()) return {};
    std::vector<std::int64_t> batches =
        cache_.batches(simulated::device_name(parameters_), model_, group);
    batches.insert(batches.end(), parameters_.compiled.begin(), parameters_.compiled.end());
    std::sort(batches.begin(), batches.end());
    batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
    for (const std::int64_t batch : batches) machine_->compiler.add_compiled(program_of({group, batch}));
    return batches;
  }

  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    if (auto refused = refusal_of(candidate)) return tl::unexpected(std::move(*refused));
    Ready ready;
    ready.memory = simulated::account_of(model_, candidate, parameters_);
    ready.wall = wall_;
    ready.compile = wait_for_compiler(candidate);
    ready.seconds = parameters_.prepare + ready.compile.value_or(0);
    ready.costs = simulated::costs_of(model_, candidate, parameters_);
    return std::make_unique<SimulatedProgram>(model_, candidate, parameters_, *machine_,
                                              std::move(ready));
  }

  void compile_ahead(const Candidate& candidate) override {
    const auto seconds = simulated::compile_seconds(model_, candidate, parameters_);
    if (!seconds || refusal_of(candidate)) return;
    machine_->compiler.compile_ahead(program_of(candidate), *seconds, machine_->now());
    keep_finished();
  }

 private:
  static constexpr Bytes kNoLimit = std::numeric_limits<Bytes>::max();

  std::string program_of(const Candidate& candidate) const {
    return simulated::program_of(simulated::device_name(parameters_), model_, candidate);
  }

  std::optional<Ending> refusal_of(const Candidate& candidate) const {
    if (candidate.batch < 1) return runtime::unsupported("a batch is at least 1");
    if (const std::string why = simulated::why_unsupported(candidate.group, parameters_);
        !why.empty())
      return runtime::unsupported(why);
    const Bytes wanted = simulated::account_of(model_, candidate, parameters_).total();
    if (wanted > limit_) return out_of_memory(wanted, limit_);
    return std::nullopt;
  }

  // The device stands still meanwhile.
  std::optional<Seconds> wait_for_compiler(const Candidate& candidate) {
    const auto seconds = simulated::compile_seconds(model_, candidate, parameters_);
    if (!seconds) return std::nullopt;
    const Seconds waited =
        machine_->compiler.wait_for(program_of(candidate), *seconds, machine_->now());
    machine_->wait(waited + parameters_.prepare);
    keep_finished();
    return waited;
  }

  void keep_finished() {
    for (const std::string& program : machine_->compiler.take_finished(machine_->now()))
      cache_.keep(program);
  }

  Model model_;
  Parameters parameters_;
  Bytes wall_, limit_;  // what there is; what is refused at once
  Seconds load_seconds_;
  simulated::ProgramCache cache_;
  std::shared_ptr<Machine> machine_;  // shared: a model may outlive its backend
};

void report_settings(const Parameters& parameters, const LoadOptions& options, LoadReport& report) {
  const auto add = [&](const char* name, Value value) {
    report.effective.push_back({name, std::move(value), "backend"});
  };
  const Bytes wall = simulated::wall_of(options.group, parameters);
  add("simulated.wall", std::int64_t{std::min(wall, options.account_limit.value_or(wall))});
  if (parameters.accelerator) add("simulated.device", parameters.accelerator->name);
  if (parameters.compiles()) add("simulated.compilers", std::int64_t{parameters.compilers});
}

class SimulatedBackend final : public Backend {
 public:
  explicit SimulatedBackend(Parameters parameters) : parameters_(std::move(parameters)) {}

  DeviceInfo describe() override { return simulated::description_of(parameters_); }

  Outcome<std::unique_ptr<LoadedModel>> load(const Model& given, const LoadOptions& options,
                                             LoadReport& report) override {
    const Model model = is_opaque(given) ? stand_in(given) : given;
    Parameters parameters = parameters_;
    if (!options.parameters.empty()) {
      auto own = simulated::parse_parameters(options.parameters);
      if (!own) return tl::unexpected(Ending{TrialStatus::failed, to_string(own.error()), "", ""});
      parameters = std::move(*own);
    }
    if (const std::string why = simulated::why_unsupported(options.group, parameters); !why.empty())
      return tl::unexpected(runtime::unsupported(why));
    const Bytes whole = simulated::wall_of(options.group, parameters);
    const Bytes wall = std::min(whole, options.account_limit.value_or(whole));
    const Bytes weights = simulated::weights_of(model, options.group.dtype);
    if (weights > wall) return tl::unexpected(out_of_memory(weights, wall));
    report_settings(parameters, options, report);
    if (!machine_)
      machine_ = std::make_shared<Machine>(parameters.noise, parameters.compilers, options.seed);
    auto loaded = std::make_unique<SimulatedModel>(model, parameters, options, machine_);
    report.compiled = loaded->take_over_compiled(options.group);
    return loaded;
  }

 private:
  Parameters parameters_;
  std::shared_ptr<Machine> machine_;  // made by the first load, which brings the seed
};

}  // namespace

Result<std::unique_ptr<Backend>> create_simulated_backend(const std::string& parameters) {
  BT_TRY(parsed, simulated::parse_parameters(parameters));
  return std::make_unique<SimulatedBackend>(std::move(parsed));
}

bool names_accelerator(std::string_view parameters) {
  const std::string_view first = parameters.substr(0, parameters.find(','));
  return !first.empty() && first.find('=') == std::string_view::npos;
}

}  // namespace batchtune
