#include "tuner/deploy/follow.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace batchtune {

const Trial* find_trial(const Conclusion& conclusion, TrialId id) {
  for (const Trial& trial : conclusion.trials)
    if (trial.id == id) return &trial;
  return nullptr;
}

namespace {

void add_neighbours(std::set<std::int64_t>& batches, const Conclusion& conclusion,
                    const Trial& chosen) {
  std::optional<std::int64_t> below, above;
  for (const Trial& trial : conclusion.trials) {
    const std::int64_t batch = trial.candidate.batch;
    if (!trial.measurement || trial.candidate.group != chosen.candidate.group) continue;
    if (batch < chosen.candidate.batch) below = std::max(batch, below.value_or(batch));
    if (batch > chosen.candidate.batch) above = std::min(batch, above.value_or(batch));
  }
  if (below) batches.insert(*below);
  if (above) batches.insert(*above);
}

// Why this trial can never be chosen; "" where it may be.
std::string why_out(const Conclusion& conclusion, const Trial& trial) {
  const TrialStatus status = trial.ending.status;
  if (status == TrialStatus::wrong_result || status == TrialStatus::unsupported)
    return std::string(name_of(status));
  if (!trial.measurement || !trial.measurement->ratio_ci95) return "";
  const Trial* better = nullptr;
  for (const Trial& other : conclusion.trials) {
    if (!other.measurement || other.candidate.group != trial.candidate.group ||
        other.candidate.batch >= trial.candidate.batch || other.ending.status != TrialStatus::ok)
      continue;
    // The anchor is 1 without an interval.
    const auto& interval = other.measurement->ratio_ci95;
    const double slowest = interval ? interval->high : other.measurement->ratio_to_anchor;
    if (slowest >= trial.measurement->ratio_ci95->low) continue;
    if (better == nullptr ||
        other.measurement->ratio_to_anchor < better->measurement->ratio_to_anchor)
      better = &other;
  }
  return better ? fmt::format("batch {} does more samples/s", better->candidate.batch) : "";
}

// "1:3" for a run of neighbours, "1,2" for two.
std::string run_text(std::int64_t first, std::int64_t last) {
  if (first == last) return fmt::to_string(first);
  return fmt::format("{}{}{}", first, last == first + 1 ? "," : ":", last);
}

}  // namespace

std::vector<std::int64_t> tracked_batches(const Conclusion& conclusion) {
  std::set<std::int64_t> batches;
  for (const Front& front : conclusion.fronts)
    for (const TrialId id : front.trials)
      if (const Trial* trial = find_trial(conclusion, id)) batches.insert(trial->candidate.batch);
  for (const Verdict& verdict : conclusion.verdicts) {
    const Trial* chosen = verdict.trial ? find_trial(conclusion, *verdict.trial) : nullptr;
    if (chosen == nullptr) continue;
    batches.insert(chosen->candidate.batch);
    add_neighbours(batches, conclusion, *chosen);
  }
  return {batches.begin(), batches.end()};
}

std::vector<RuledOut> ruled_out(const Conclusion& conclusion,
                                std::span<const CandidateGroup> groups) {
  std::map<std::int64_t, std::pair<std::size_t, std::string>> out;  // in how many groups, and why
  for (const CandidateGroup& group : groups)
    for (const Trial& trial : conclusion.trials) {
      if (trial.candidate.group != group) continue;
      const std::string why = why_out(conclusion, trial);
      if (why.empty()) continue;
      auto& [count, words] = out[trial.candidate.batch];
      ++count;
      words = why;
    }
  std::vector<RuledOut> everywhere;
  for (const auto& [batch, reason] : out)
    if (reason.first == groups.size()) everywhere.push_back({batch, reason.second});
  return everywhere;
}

std::string batches_without(const std::vector<RuledOut>& out,
                            const std::vector<std::int64_t>& asked, std::int64_t largest) {
  const auto is_out = [&](std::int64_t batch) {
    return std::any_of(out.begin(), out.end(),
                       [&](const RuledOut& ruled) { return ruled.batch == batch; });
  };
  std::vector<std::int64_t> left = asked;
  if (asked.empty())
    for (std::int64_t batch = 1; batch <= largest; ++batch) left.push_back(batch);
  std::erase_if(left, is_out);
  std::string text;
  for (std::size_t begin = 0; begin < left.size();) {
    std::size_t end = begin + 1;
    while (end < left.size() && left[end] == left[end - 1] + 1) ++end;
    text += (text.empty() ? "" : ",") + run_text(left[begin], left[end - 1]);
    begin = end;
  }
  return text;
}

}  // namespace batchtune
