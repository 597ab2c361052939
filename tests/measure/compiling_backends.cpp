#include "tests/measure/compiling_backends.h"

#include <algorithm>
#include <set>

namespace batchtune {
namespace {

constexpr Seconds kWhole = 60, kRest = 20;

class CompiledProgram final : public Program {
 public:
  CompiledProgram(std::int64_t batch, Seconds waited) : batch_(batch), waited_(waited) {}
  Outcome<RunTimes> run(int n) override {
    const auto count = static_cast<std::size_t>(n);
    return RunTimes{std::vector<Seconds>(count, 0.001), std::vector<int>(count, 0),
                    ClockKind::virtual_clock};
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t samples) override {
    return std::vector<float>(static_cast<std::size_t>(std::min(samples, batch_)), 1);
  }
  MemoryUse memory() const override { return {}; }
  std::optional<Seconds> prepare_seconds() const override { return 1 + waited_; }
  std::optional<Seconds> compile_seconds() const override { return waited_; }

 private:
  std::int64_t batch_;
  Seconds waited_;
};

class CompilingModel final : public LoadedModel {
 public:
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 5; }
  double output_tolerance() const override { return 1e-3; }
  void compile_ahead(const Candidate& candidate) override { begun_.insert(candidate.batch); }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    const std::int64_t batch = candidate.batch;
    const bool known = !compiled_.insert(batch).second;
    const Seconds waited = known ? 0 : begun_.contains(batch) ? kRest : kWhole;
    return std::make_unique<CompiledProgram>(batch, waited);
  }

 private:
  std::set<std::int64_t> compiled_{4}, begun_;
};

class CompilingBackend final : public Backend {
 public:
  DeviceInfo describe() override {
    DeviceInfo device;
    device.compiles_elsewhere = true;
    return device;
  }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model&, const LoadOptions&,
                                             LoadReport& report) override {
    report.compiled = {4};
    return std::make_unique<CompilingModel>();
  }
};

}  // namespace

std::unique_ptr<Backend> open_compiling_backend(const std::string& name) {
  return name == "compiling" ? std::make_unique<CompilingBackend>() : nullptr;
}

}  // namespace batchtune
