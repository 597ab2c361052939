#include "tuner/backend/conformance/checking_backend.h"

#include <utility>

namespace batchtune::conformance {
namespace {

constexpr char kPrefix[] = "check=";
constexpr char kSetting[] = "verdict";

// Nothing is left of a checked rule but its finding.
class CheckedModel final : public LoadedModel {
 public:
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  double output_tolerance() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate&) override {
    return tl::unexpected(Ending{TrialStatus::unsupported, "this process checks a rule", "", ""});
  }
};

class CheckingBackend final : public Backend {
 public:
  CheckingBackend(const Rule& rule, std::unique_ptr<Backend> checked)
      : rule_(rule), checked_(std::move(checked)) {}

  DeviceInfo describe() override { return checked_->describe(); }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override {
    const Finding finding = rule_.check({*checked_, model, options});
    report.effective.push_back({kSetting, std::string(name_of(finding.verdict)), finding.seen});
    return std::make_unique<CheckedModel>();
  }

 private:
  const Rule& rule_;
  std::unique_ptr<Backend> checked_;
};

}  // namespace

std::string checking_spec(const Rule& rule, const std::string& spec) {
  return std::string(kPrefix) + rule.name + "/" + spec;
}

std::optional<Result<std::unique_ptr<Backend>>> open_checking(const std::string& spec,
                                                              const Open& open) {
  if (!spec.starts_with(kPrefix)) return std::nullopt;
  const std::size_t begin = sizeof(kPrefix) - 1, slash = spec.find('/', begin);
  const Rule* rule = find_rule(spec.substr(begin, slash - begin));
  if (slash == std::string::npos || rule == nullptr || rule->check == nullptr)
    return bad_input("a rule and a backend", "\"" + spec + "\"");
  Result<std::unique_ptr<Backend>> checked = open(spec.substr(slash + 1));
  if (!checked) return checked;
  return std::make_unique<CheckingBackend>(*rule, std::move(*checked));
}

std::optional<Finding> finding_in(const LoadReport& report) {
  for (const Setting& setting : report.effective)
    if (setting.name == kSetting)
      for (const Verdict verdict : kVerdicts)
        if (setting.value == Value(std::string(name_of(verdict))))
          return Finding{verdict, setting.origin};
  return std::nullopt;
}

}  // namespace batchtune::conformance
