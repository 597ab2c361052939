#include "tuner/core/user_batches.h"

#include <algorithm>
#include <set>

namespace batchtune {

std::int64_t runs_of(std::int64_t user_batch, std::int64_t compiled_batch) {
  return (user_batch - 1) / compiled_batch + 1;
}

std::int64_t most_runs(std::span<const UserBatch> mix, std::int64_t compiled_batch) {
  std::int64_t most = 1;
  for (const UserBatch& user : mix) most = std::max(most, runs_of(user.batch, compiled_batch));
  return most;
}

double useful_share(std::int64_t user_batch, std::int64_t compiled_batch) {
  return static_cast<double>(user_batch) /
         (static_cast<double>(runs_of(user_batch, compiled_batch)) * static_cast<double>(compiled_batch));
}

double useful_share(std::span<const UserBatch> mix, std::int64_t compiled_batch) {
  if (mix.empty()) return 1;
  double computed = 0;
  for (const UserBatch& user : mix)
    computed += user.share * static_cast<double>(runs_of(user.batch, compiled_batch));
  return samples_of_request(mix) / (computed * static_cast<double>(compiled_batch));
}

double samples_of_request(std::span<const UserBatch> mix) {
  double samples = 0;
  for (const UserBatch& user : mix) samples += user.share * static_cast<double>(user.batch);
  return samples;
}

std::vector<std::int64_t> compiled_batches_for(std::span<const UserBatch> mix) {
  std::set<std::int64_t> batches;
  for (const UserBatch& user : mix)  // from one value of ceil(u / k) to the next smaller one
    for (std::int64_t batch = user.batch;;) {
      batches.insert(batch);
      if (batch == 1) break;
      batch = runs_of(user.batch, runs_of(user.batch, batch - 1));
    }
  return {batches.begin(), batches.end()};
}

std::string to_string(std::span<const UserBatch> mix) {
  std::string text;
  for (const UserBatch& user : mix)
    text += (text.empty() ? "" : ", ") + std::to_string(user.batch) + " (" + format_percent(user.share) + ")";
  return text;
}

MixService serve(std::span<const UserBatch> mix, std::int64_t compiled_batch, int instances, Seconds run,
                 const RequestTime& measured) {
  MixService service;
  service.measured = measured && std::all_of(mix.begin(), mix.end(), [&](const UserBatch& user) {
    return measured(user.batch).has_value();
  });
  for (const UserBatch& user : mix) {
    const Seconds request = service.measured
                                ? *measured(user.batch)
                                : static_cast<double>(runs_of(user.batch, compiled_batch)) * run;
    service.request += user.share * request;
    service.longest = std::max(service.longest, request);
  }
  if (service.request > 0) service.throughput = instances * samples_of_request(mix) / service.request;
  return service;
}

Candidate split_into(const Candidate& compiled, std::int64_t user_batch) {
  Candidate candidate{compiled.group, user_batch};
  candidate.group.compiled_batch = compiled.batch;
  return candidate;
}

const Trial* measured_trial(std::span<const Trial> trials, const Candidate& candidate) {
  const auto found = std::find_if(trials.begin(), trials.end(), [&](const Trial& trial) {
    return trial.measurement && trial.candidate == candidate;
  });
  return found == trials.end() ? nullptr : &*found;
}

MixService serve(std::span<const UserBatch> mix, const Trial& compiled, std::span<const Trial> trials) {
  return serve(mix, compiled.candidate.batch, compiled.candidate.group.instances, compiled.measurement->undisturbed,
               [&](std::int64_t user_batch) -> std::optional<Seconds> {
                 const Trial* trial = measured_trial(trials, split_into(compiled.candidate, user_batch));
                 return trial ? std::optional(trial->measurement->undisturbed) : std::nullopt;
               });
}

}  // namespace batchtune
