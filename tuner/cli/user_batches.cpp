#include "tuner/cli/user_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tuner/core/units.h"
#include "tuner/core/user_batches.h"

namespace batchtune {
namespace {

constexpr char kMixOption[] = "--user-batches";
constexpr char kMixGrammar[] = "user batches with their shares, such as 1:40%,8:30%,12:30%";
constexpr double kRounding = 0.015;     // of shares that were typed in whole percent
constexpr std::int64_t kMostRuns = 4096;  // of one request, and candidates of one session: more is a slip of the pen

Result<UserBatch> parse_user_batch(const std::string& text, int element, bool alone) {
  const std::string where = fmt::format("{}, element {}", kMixOption, element);
  const std::size_t colon = text.find(':');
  const std::string batch = text.substr(0, colon);
  const auto parsed = parse_batches(batch, where);
  if (!parsed || parsed->size() != 1) return bad_input(kMixGrammar, "'" + text + "'", where);
  if (colon == std::string::npos) {
    if (alone) return UserBatch{parsed->front(), 1};
    return bad_input(kMixGrammar, "'" + text + "' without a share", where);
  }
  const auto share = parse_fraction(text.substr(colon + 1), where);
  if (!share)
    return bad_input("a share of the requests from 0 to 100 %, such as 40% or 0.4", "'" + text.substr(colon + 1) + "'",
                     where);
  if (*share <= 0) return bad_input("a share above 0", text.substr(colon + 1), where, "Leave that batch out");
  return UserBatch{parsed->front(), *share};
}

Status check_runs(std::int64_t user_batch, std::int64_t compiled_batch, const char* where) {
  const std::int64_t runs = runs_of(user_batch, compiled_batch);
  if (runs <= kMostRuns) return {};
  return bad_input(fmt::format("a user batch of at most {} runs", kMostRuns),
                   fmt::format("{} in {} runs of {}", user_batch, runs, compiled_batch), where);
}

// Of `measure`: what is compiled, and what is split into it.
Status parse_split(const TuningOptions& options, TuningRequest& request) {
  const std::string& users = options.user_batch.empty() ? options.user_batches : options.user_batch;
  if (!options.user_batch.empty() && !options.user_batches.empty())
    return bad_input("one of --user-batch and --user-batches", "both", "--user-batch", "Leave one of the two out");
  if (options.compiled_batch.empty())
    return bad_input("--compiled-batch with it", "none", "--user-batch", "Say what is compiled: --compiled-batch 4");
  if (users.empty())
    return bad_input("--user-batch or --user-batches with it, such as 12 or 1:16", "neither", "--compiled-batch");
  if (!options.batches.empty())
    return bad_input("--compiled-batch or --batches", "both", "--batches", "Leave one of the two out");
  BT_TRY(compiled, parse_batches(options.compiled_batch, "--compiled-batch"));
  BT_TRY(split, parse_batches(users, options.user_batch.empty() ? kMixOption : "--user-batch"));
  BT_TRY_VOID(check_runs(split.back(), compiled.front(), kMixOption));
  const auto candidates = static_cast<std::int64_t>(compiled.size() * (split.size() + 1));
  if (candidates > kMostRuns)
    return bad_input(fmt::format("at most {} candidates", kMostRuns), fmt::to_string(candidates), kMixOption);
  request.compiled_batches = compiled;
  request.split_batches = split;
  request.batches = std::move(compiled);
  return {};
}

Status parse_mix(const TuningOptions& options, TuningRequest& request) {
  BT_TRY(mix, parse_user_mix(options.user_batches));
  if (!options.strategy.empty() && options.strategy != "exhaustive")
    return bad_input("the strategy exhaustive with --user-batches, which leaves a handful of compiled batches",
                     "--strategy " + options.strategy, "--strategy", "Leave one of the two out");
  if (!options.max_batches.empty())
    return bad_input("--user-batches or --max-batches", "both", "--max-batches",
                     "Give --batches with the compiled batches that are allowed");
  if (request.batches.empty()) request.batches = compiled_batches_for(mix);
  BT_TRY_VOID(check_runs(mix.back().batch, request.batches.front(), kMixOption));
  request.user_batches = std::move(mix);
  return {};
}

}  // namespace

void add_user_mix_option(Arguments& arguments, TuningOptions& options) {
  arguments.value(kMixOption, options.user_batches,
                  "what users send, with its shares: 1:40%,8:30%,12:30%; recommends the batch to compile that "
                  "serves these with dynamic batching");
}

void add_split_options(Arguments& arguments, TuningOptions& options) {
  arguments.value("--compiled-batch", options.compiled_batch,
                  "dynamic batching: the batch that is compiled, or a list; user batches are split into runs of it, "
                  "the last one padded");
  arguments.value("--user-batch", options.user_batch, "what a user sends, with --compiled-batch");
  arguments.value(kMixOption, options.user_batches, "the same as a list: 1,8,12 or 1:16");
}

Result<std::vector<UserBatch>> parse_user_mix(const std::string& text) {
  std::vector<std::string> elements;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(',', begin);
    elements.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  std::vector<UserBatch> mix;
  double sum = 0;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    BT_TRY(user, parse_user_batch(elements[i], static_cast<int>(i) + 1, elements.size() == 1));
    for (const UserBatch& known : mix)
      if (known.batch == user.batch)
        return bad_input("each user batch once", fmt::format("{} twice", user.batch), kMixOption,
                         "Add their shares up");
    mix.push_back(user);
    sum += user.share;
  }
  if (std::abs(sum - 1) > kRounding)
    return bad_input("shares that add up to 100 %", format_percent(sum), kMixOption);
  for (UserBatch& user : mix) user.share /= sum;
  std::sort(mix.begin(), mix.end(), [](const UserBatch& a, const UserBatch& b) { return a.batch < b.batch; });
  return mix;
}

Status parse_user_batches(const TuningOptions& options, TuningRequest& request) {
  if (!options.compiled_batch.empty() || !options.user_batch.empty()) return parse_split(options, request);
  return options.user_batches.empty() ? Status{} : parse_mix(options, request);
}

std::vector<Candidate> split_candidates(const TuningRequest& request, const std::vector<CandidateGroup>& groups) {
  std::vector<Candidate> candidates;
  for (const CandidateGroup& group : groups)
    for (const std::int64_t compiled : request.compiled_batches) {
      candidates.push_back({group, compiled});
      for (const std::int64_t user : request.split_batches)
        candidates.push_back(split_into({group, compiled}, user));
    }
  return candidates;
}

}  // namespace batchtune
