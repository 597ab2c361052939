#include "tuner/cli/reference_backend.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/probe/canary.h"
#include "kernels/probe/pinned_team.h"
#include "kernels/probe/reference_programs.h"
#include "tuner/backend/backend_list.h"
#include "tuner/backend/conformance/checking_backend.h"
#include "tuner/cli/neuron_environment.h"
#include "tuner/cli/openmp.h"
#include "tuner/cli/runtimes.h"
#include "tuner/measure/worker.h"

namespace batchtune {
namespace {

static_assert(std::ranges::equal(kReferencePrograms, probe::kReferenceProgramNames, {},
                                 [](const char* name) { return std::string_view(name); }),
              "measure and kernels/probe must name the same reference programs");

tl::unexpected<Ending> failed(std::string reason) {
  return tl::unexpected<Ending>(Ending{TrialStatus::failed, std::move(reason), "", ""});
}

std::vector<int> first_cpus(int count) {
  std::vector<int> cpus = probe::allowed_cpus();
  cpus.resize(std::min(cpus.size(), static_cast<std::size_t>(std::max(1, count))));
  return cpus;
}

class ReferenceProgram final : public Program {
 public:
  ReferenceProgram(probe::ReferencePrograms& programs, std::string name)
      : programs_(programs), name_(std::move(name)) {}

  Outcome<RunTimes> run(int n) override {
    RunTimes times;
    for (int i = 0; i < n; ++i) {
      const auto seconds = programs_.run(name_);
      if (!seconds)
        return failed("the reference program '" + name_ + "' did not run: " + programs_.failure());
      times.seconds.push_back(*seconds);
      times.instance.push_back(0);
    }
    return times;
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{}; }
  MemoryUse memory() const override { return {}; }

 private:
  probe::ReferencePrograms& programs_;
  std::string name_;
};

class LoadedReference final : public LoadedModel {
 public:
  LoadedReference(probe::ReferencePrograms& programs, std::string name)
      : programs_(programs), name_(std::move(name)) {}

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate&) override {
    return std::make_unique<ReferenceProgram>(programs_, name_);
  }
  double output_tolerance() const override { return 0; }

 private:
  probe::ReferencePrograms& programs_;
  std::string name_;
};

// Does nothing, between two readings of the clock like those of the cpu backend's programs.
class NullProgram final : public Program {
 public:
  Outcome<RunTimes> run(int n) override {
    RunTimes times;
    times.seconds.reserve(static_cast<std::size_t>(n));
    times.instance.assign(static_cast<std::size_t>(n), 0);
    for (int i = 0; i < n; ++i) {
      const Seconds start = steady_seconds();
      times.seconds.push_back(steady_seconds() - start);
    }
    return times;
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{}; }
  MemoryUse memory() const override { return {}; }

 private:
  static Seconds steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

class LoadedNull final : public LoadedModel {
 public:
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate&) override {
    return std::make_unique<NullProgram>();
  }
  double output_tolerance() const override { return 0; }
};

class ReferenceBackend final : public Backend {
 public:
  DeviceInfo describe() override {
    DeviceInfo device;
    device.name = kReferenceBackend;
    device.backend = kReferenceBackend;
    return device;
  }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model&, const LoadOptions& options,
                                             LoadReport&) override {
    if (options.parameters == kNullProgram) return std::make_unique<LoadedNull>();
    if (!probe::reference_programs_available()) return failed("this CPU lacks AVX2 with FMA");
    if (std::ranges::find(kReferencePrograms, options.parameters) == std::end(kReferencePrograms))
      return failed("there is no reference program '" + options.parameters + "'");
    if (!programs_) programs_.emplace(first_cpus(options.group.threads));
    if (!programs_->failure().empty()) return failed(programs_->failure());
    return std::make_unique<LoadedReference>(*programs_, options.parameters);
  }

 private:
  std::optional<probe::ReferencePrograms> programs_;  // threads and memory that both names share
};

class CpuCanaries final : public Canaries {
 public:
  explicit CpuCanaries(int cpus) : team_(first_cpus(cpus)) {}
  bool possible() const { return team_.failure().empty(); }
  CanaryReading burst() override {
    probe::CanaryBurst burst = team_.burst();
    return {std::move(burst.compute), std::move(burst.cache), burst.clock_hz,
            std::move(burst.exchange), std::move(burst.compute_cycles)};
  }

 private:
  probe::CanaryTeam team_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_worker_backend(const std::string& spec) {
  if (split_backend_spec(spec).name == kReferenceBackend)
    return std::make_unique<ReferenceBackend>();
  const auto open = [](const std::string& named) -> Result<std::unique_ptr<Backend>> {
    BT_TRY(complete, with_neuron_environment(named));
    return open_backend(with_openmp_spinning(with_library_of_environment(complete)));
  };
  if (auto checking = conformance::open_checking(spec, open)) return std::move(*checking);
  return open(spec);
}

std::unique_ptr<Canaries> make_canaries(int cpus) {
  auto canaries = std::make_unique<CpuCanaries>(cpus);
  if (!canaries->possible()) return nullptr;
  return canaries;
}

std::string reference_hash() {
  return probe::reference_programs_available() ? probe::reference_programs_hash() : "";
}

}  // namespace batchtune
