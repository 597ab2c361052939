// See mix_words.h.
#include "tuner/search/mix_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/units.h"

namespace batchtune {
namespace {

// "1 in 1 run, 8 in 2, 12 in 3"
std::string words_of_runs(const std::vector<UserBatch>& mix, std::int64_t compiled_batch) {
  std::string words;
  for (const UserBatch& user : mix) {
    const std::int64_t runs = runs_of(user.batch, compiled_batch);
    const char* unit = !words.empty() ? "" : runs == 1 ? " run" : " runs";
    words += fmt::format("{}{} in {}{}", words.empty() ? "" : ", ", user.batch, runs, unit);
  }
  return words;
}

// Whether users' batches were run as such, and what that gave against the runs of the compiled batch.
std::string words_of_splitting(const Trial& chosen, const Conclusion& conclusion, const Facts& facts) {
  const MixService service = serve(facts.mix, chosen, conclusion.trials);
  if (service.measured) {
    const double alone = chosen.measurement->throughput_undisturbed *
                         useful_share(facts.mix, chosen.candidate.batch);
    return fmt::format("; run with these user batches, {:+.1f} % of what its own runs promise",
                       100 * (service.throughput / alone - 1));
  }
  for (const UserBatch& user : facts.mix)
    for (const Trial& trial : conclusion.trials)
      if (trial.candidate == split_into(chosen.candidate, user.batch) && !is_measured(trial) &&
          trial.ending.status != TrialStatus::ok)
        return fmt::format("; user batch {} ended {}{}{}", user.batch, name_of(trial.ending.status),
                           trial.ending.reason.empty() ? "" : ": ", trial.ending.reason);
  return "; not run with these user batches: by its own runs, without copying";
}

std::string words_of_unmeasured(const Trial& chosen, const Conclusion& conclusion, const Facts& facts) {
  std::string words;
  for (const std::int64_t batch : compiled_batches_for(facts.mix)) {
    const Candidate candidate{chosen.candidate.group, batch};
    const bool tried = std::any_of(conclusion.trials.begin(), conclusion.trials.end(),
                                   [&](const Trial& trial) { return trial.candidate == candidate; });
    if (!tried) words += fmt::format("{}{}", words.empty() ? "" : ", ", batch);
  }
  return words.empty() ? "" : fmt::format("; not measured, though it may serve this mix better: {}", words);
}

}  // namespace

std::string words_of_mix(const Trial& chosen, const Conclusion& conclusion, const Facts& facts) {
  if (facts.mix.empty()) return "";
  return fmt::format("; {} of what it computes is of use: {}",
                     format_percent(useful_share(facts.mix, chosen.candidate.batch)),
                     words_of_runs(facts.mix, chosen.candidate.batch)) +
         words_of_splitting(chosen, conclusion, facts) + words_of_unmeasured(chosen, conclusion, facts);
}

}  // namespace batchtune
