// See bench_environment.h.
#include "tests/experiments/bench_environment.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "kernels/probe/pinned_team.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/reference_backend.h"
#include "tuner/statistics/location.h"
#include "tuner/workload/zoo.h"

namespace batchtune::experiments {
namespace {

class RepeatedProgram final : public Program {
 public:
  RepeatedProgram(std::unique_ptr<Program> inner, std::int64_t times)
      : inner_(std::move(inner)), times_(times) {}

  Outcome<RunTimes> run(int n) override {
    RunTimes all;
    for (int i = 0; i < n; ++i) {
      Seconds sum = 0;
      for (std::int64_t k = 0; k < times_; ++k) {
        const auto once = inner_->run(1);
        if (!once) return once;
        sum += once->seconds.front();
      }
      all.seconds.push_back(sum);
      all.instance.push_back(0);
    }
    return all;
  }
  void set_input(std::uint64_t seed) override { inner_->set_input(seed); }
  // The same work again and again: every sample of every batch has the same output.
  Outcome<std::vector<float>> read_output(std::int64_t samples) override {
    const auto one = inner_->read_output(1);
    if (!one) return one;
    std::vector<float> all;
    for (std::int64_t i = 0; i < std::min(samples, times_); ++i)
      all.insert(all.end(), one->begin(), one->end());
    return all;
  }
  MemoryUse memory() const override { return inner_->memory(); }

 private:
  std::unique_ptr<Program> inner_;
  std::int64_t times_;
};

class RepeatedModel final : public LoadedModel {
 public:
  explicit RepeatedModel(std::unique_ptr<LoadedModel> inner) : inner_(std::move(inner)) {}
  bool shares_weights() const override { return inner_->shares_weights(); }
  Seconds load_seconds() const override { return inner_->load_seconds(); }
  double output_tolerance() const override { return inner_->output_tolerance(); }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    Candidate inner = candidate;
    inner.group.backend = "cpu";
    inner.batch = kInnerBatch;
    auto program = inner_->prepare(inner);
    if (!program) return program;
    return std::make_unique<RepeatedProgram>(std::move(*program), candidate.batch);
  }

 private:
  std::unique_ptr<LoadedModel> inner_;
};

class RepeatBackend final : public Backend {
 public:
  explicit RepeatBackend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}
  DeviceInfo describe() override { return inner_->describe(); }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override {
    LoadOptions of_inner = options;
    of_inner.group.backend = "cpu";
    auto loaded = inner_->load(model, of_inner, report);
    if (!loaded) return loaded;
    return std::make_unique<RepeatedModel>(std::move(*loaded));
  }

 private:
  std::unique_ptr<Backend> inner_;
};

Result<std::unique_ptr<Backend>> open(const std::string& spec) {
  if (spec != kRepeatBackend) return open_worker_backend(spec);
  BT_TRY(inner, open_backend("cpu"));
  return std::make_unique<RepeatBackend>(std::move(inner));
}

int cpus() {
  return static_cast<int>(probe::allowed_cpus().size());
}

}  // namespace

std::optional<int> serve_as_worker(int argc, char** argv) {
  if (argc < 2 || std::strcmp(argv[1], kWorkerCommand) != 0) return std::nullopt;
  return run_worker({open, kernels_of_backend, make_canaries});
}

WorkerMeasurerOptions options_for(const std::string& model, const std::string& backend,
                                  std::uint64_t seed) {
  WorkerMeasurerOptions options;
  options.model = require(build_zoo_model(model));
  options.backends = {{backend, "", MemoryKind::account, "", {}}};
  options.seed = seed;
  options.reference_threads = cpus();
  options.canary_cpus = cpus();
  return options;
}

CandidateGroup group_of(const std::string& backend) {
  return {backend, DType::f32, cpus(), 1, {}};
}

void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

void prepare(Measurer& measurer, TrialId trial, const Candidate& candidate) {
  const Observation observation = require(measurer.prepare(trial, candidate));
  const Ending& ending = std::get<Preparation>(observation.what).ending;
  if (ending.status != TrialStatus::ok) fail(ending.reason + "; " + ending.evidence);
}

Round round_of(Measurer& measurer, const RoundRequest& request, Seconds* device_time) {
  const Observation observation = require(measurer.run_round(request));
  if (device_time != nullptr) *device_time += observation.device_time;
  const Round& round = std::get<Round>(observation.what);
  if (!round.failures.empty()) fail(round.failures.front().ending.reason);
  return round;
}

Seconds timed_median(const Visit& visit) {
  return median(std::span(visit.seconds).subspan(static_cast<std::size_t>(visit.warm)));
}

const Visit* visit_of(const Round& round, TrialId trial) {
  const auto found = std::find_if(
      round.visits.begin(), round.visits.end(),
      [&](const Visit& visit) { return visit.trial == trial && visit.reference.empty(); });
  return found == round.visits.end() ? nullptr : &*found;
}

}  // namespace batchtune::experiments
