// See mix.h.
#include "tuner/search/mix.h"

#include <optional>
#include <utility>

namespace batchtune {

Choice choice_of(TrialId trial, const Candidate& candidate, double rate, std::span<const UserBatch> mix,
                 const RequestTimes& times) {
  const CandidateGroup& group = candidate.group;
  const Seconds run = static_cast<double>(candidate.batch) * group.instances / rate;
  Choice choice{trial, candidate.batch, run, rate, group.backend, group.instances};
  if (mix.empty()) return choice;
  const MixService service =
      serve(mix, candidate.batch, group.instances, run, [&](std::int64_t user) -> std::optional<Seconds> {
        const auto found = times.find(split_into(candidate, user));
        return found == times.end() ? std::nullopt : std::optional(found->second);
      });
  choice.latency = service.request;
  choice.throughput = service.throughput;
  choice.useful = service.throughput / rate;
  return choice;
}

std::vector<VisitSamples> as_requests(std::vector<VisitSamples> visits, const Candidate& candidate,
                                      std::span<const UserBatch> mix) {
  if (!is_whole(candidate)) return visits;
  const auto runs = static_cast<double>(most_runs(mix, candidate.batch));
  if (runs > 1)
    for (VisitSamples& visit : visits)
      for (Seconds& run : visit) run *= runs;
  return visits;
}

}  // namespace batchtune
