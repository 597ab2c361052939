// See text_verdict.h.
#include "reports/text_verdict.h"

#include <fmt/format.h>
#include <algorithm>
#include <vector>

#include "reports/dynamic_batch.h"
#include "reports/text/words.h"
#include "reports/text_trials.h"
#include "tuner/core/inferentia.h"
#include "tuner/core/units.h"

namespace batchtune::text {
namespace {

std::string prices_words(const Wishes& wishes) {
  std::vector<std::string> prices;
  for (const auto& [backend, price] : wishes.prices)
    prices.push_back(
        fmt::format("{}{} an hour", backend.empty() ? "" : backend + " ", format_number(price, 3)));
  return prices.empty() ? "no price is known" : joined(prices, ", ");
}

std::string objective_words(const Wishes& wishes) {
  switch (wishes.objective) {
    case Objective::knee:
      return fmt::format("knee (the smallest batch within {} of the best throughput)",
                         format_percent(wishes.give_up));
    case Objective::throughput:
      return "throughput";
    case Objective::latency:
      return "latency (the lowest" +
             (wishes.throughput_floor
                  ? fmt::format(" with {} samples/s)", format_number(*wishes.throughput_floor, 3))
                  : std::string(")"));
    case Objective::cost:
      return "cost of a million inferences (" + prices_words(wishes) + ")";
  }
  return "?";
}

}  // namespace

std::string wishes_words(const Wishes& wishes) {
  std::vector<std::string> parts{objective_words(wishes)};
  if (!wishes.user_batches.empty()) parts.push_back("of user batches " + to_string(wishes.user_batches));
  for (const LatencyLimit& limit : wishes.latency_limits) parts.push_back(to_string(limit));
  parts.push_back(wishes.memory_limit
                      ? "memory limit " + format_bytes(static_cast<double>(*wishes.memory_limit))
                      : "no memory limit");
  return joined(parts, "; ");
}

std::string alike_words(const TuneReport& report, const Verdict& verdict) {
  std::vector<std::string> labels;
  bool all_larger = true;
  for (const TrialId id : verdict.indistinguishable)
    if (const Trial* trial = find_trial(report.conclusion, id)) {
      labels.push_back(label_of(report, trial->candidate));
      all_larger &= trial->candidate.batch > verdict.batch;
    }
  if (labels.empty()) return "";
  const bool is_one = labels.size() == 1;
  constexpr std::size_t kMost = 3;
  if (labels.size() > kMost + 1) {
    const std::string more = fmt::format("{} more", labels.size() - kMost);
    labels.resize(kMost);
    labels.push_back(more);
  }
  std::string words = joined(labels, ", ") + " cannot be told apart from it";
  if (all_larger)
    words += is_one ? ": the smaller is recommended" : ": the smallest is recommended";
  return words;
}

std::string stability_words(const Verdict& verdict) {
  if (!verdict.stability) return "";
  std::string words =
      fmt::format("chosen in {} of resamplings", format_percent(*verdict.stability));
  if (verdict.expected_regret)
    words += fmt::format(", expected regret {}", format_percent(*verdict.expected_regret));
  return words;
}

std::optional<double> price_of_million(const Trial& trial, const Wishes& wishes) {
  const auto price = price_of(wishes, trial.candidate.group.backend);
  if (!price || !trial.measurement || trial.measurement->throughput_undisturbed <= 0)
    return std::nullopt;
  return batchtune::price_of_million(*price, users_throughput(trial, wishes));
}

int pipeline_cores(const TuneReport& report, const Verdict& verdict) {
  const SessionHeader& header = report.record.header;
  const Wishes& wishes = header.wishes;
  const bool strict = !wishes.latency_limits.empty() || wishes.objective == Objective::latency;
  const bool there = std::any_of(header.devices.begin(), header.devices.end(), [&](const DeviceInfo& device) {
    return device.backend == verdict.backend && is_inferentia(device.name);
  });
  return strict && there ? batchtune::pipeline_cores(header.model.dense_parameters) : 0;
}

std::string pipeline_words(const TuneReport& report, const Verdict& verdict) {
  if (pipeline_cores(report, verdict) == 0) return "";
  return "where latency is strict, " + pipeline_words(report.record.header.model.dense_parameters);
}

std::string cost_words(const TuneReport& report, const Verdict& verdict) {
  const Trial* trial = verdict.trial ? find_trial(report.conclusion, *verdict.trial) : nullptr;
  const auto cost =
      trial ? price_of_million(*trial, report.record.header.wishes) : std::optional<double>();
  return cost ? format_number(*cost, 3) + " for a million inferences" : "";
}

}  // namespace batchtune::text
