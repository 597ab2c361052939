// Dynamic batching as it is typed: mixes, lists, contradictions.
#include "tuner/cli/user_batches.h"

#include <string>
#include <vector>

#include "tests/cli/parsed_options.h"
#include "tests/support/catch.h"
#include "tuner/cli/defaults.h"

using namespace batchtune;

namespace {

std::string mix_error(const std::string& text) {
  const auto parsed = parse_user_mix(text);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().where.find("--user-batches") == 0);
  return to_string(parsed.error());
}

bool mentions(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

using Batches = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a mix is batches with shares, ascending, that add up to one", "[cli][user_batches]") {
  const auto mix = parse_user_mix("12:30%,1:40%,8:0.3").value();
  REQUIRE(mix.size() == 3);
  CHECK(mix[0] == UserBatch{1, 0.4});
  CHECK(mix[1].batch == 8);
  CHECK(mix[2].batch == 12);
  CHECK(mix[0].share + mix[1].share + mix[2].share == Approx(1));
  CHECK(parse_user_mix("12").value() == std::vector<UserBatch>{{12, 1}});
  CHECK(parse_user_mix("12:100%").value() == std::vector<UserBatch>{{12, 1}});
  const auto thirds = parse_user_mix("1:33%,2:33%,4:33%").value();  // as people round
  CHECK(thirds[0].share == Approx(1.0 / 3));
}

TEST_CASE("what is no mix says what one is", "[cli][user_batches]") {
  CHECK(mentions(mix_error("1:40%,8:30%"), "add up to 100 %"));
  CHECK(mentions(mix_error("1:40%,8:30%"), "70 %"));
  CHECK(mentions(mix_error("1:60%,8:60%"), "120 %"));
  CHECK(mentions(mix_error("1:0%,8:100%"), "above 0"));
  CHECK(mentions(mix_error("1:-40%,8:140%"), "a share"));
  CHECK(mentions(mix_error("1:50%,1:50%"), "1 twice"));
  CHECK(mentions(mix_error("1,8"), "without a share"));
  CHECK(mentions(mix_error("1:16"), "a share"));
  CHECK(mentions(mix_error("0:100%"), "user batches with their shares"));
  CHECK(mentions(mix_error("x:100%"), "user batches with their shares"));
  CHECK(mentions(mix_error(""), "user batches with their shares"));
  CHECK(mentions(mix_error("1:50%,"), "element 2"));
  CHECK(mentions(mix_error("1:many"), "a share"));
}

TEST_CASE("a mix allows the compiled batches that can be best, and looks at each", "[cli][user_batches]") {
  TuningOptions options;
  options.user_batches = "1:40%,8:30%,12:30%";
  const TuningRequest request = requested(options);
  CHECK(request.batches == Batches{1, 2, 3, 4, 6, 8, 12});
  CHECK(strategy_of(request) == "exhaustive");
  const Wishes wishes = wishes_of(request, {});
  CHECK(wishes.user_batches == request.user_batches);
  CHECK(wishes.objective == Objective::throughput);
  options.objective = "knee";
  CHECK(wishes_of(requested(options), {}).objective == Objective::knee);
  options.batches = "4,8";  // others are not allowed
  CHECK(requested(options).batches == Batches{4, 8});
  const TuningRequest again = requested(options_from(given_settings(options)));  // --resume
  CHECK(again.user_batches == request.user_batches);
}

TEST_CASE("with a mix other strategies and a number of batches are refused", "[cli][user_batches]") {
  TuningOptions options;
  options.user_batches = "1:40%,8:60%";
  options.strategy = "doubling";
  CHECK(mentions(refused(options), "--strategy"));
  options.strategy = "exhaustive";
  CHECK(requested(options).user_batches.size() == 2);
  options.strategy.clear();
  options.max_batches = "3";
  CHECK(mentions(refused(options), "--max-batches"));
  options.max_batches.clear();
  options.user_batches = "1:40%,10000000:60%";
  options.batches = "1,2";
  CHECK(mentions(refused(options), "at most 4096 runs"));
}

TEST_CASE("a compiled batch is measured as it is and with each user batch, in every group", "[cli][user_batches]") {
  TuningOptions options;
  options.compiled_batch = "4";
  options.user_batch = "12";
  const TuningRequest one = requested(options);
  CHECK(one.batches == Batches{4});
  CHECK(one.user_batches.empty());
  CandidateGroup group;
  group.backend = "cpu";
  const auto candidates = split_candidates(one, {group});
  REQUIRE(candidates.size() == 2);
  CHECK(candidates[0] == Candidate{group, 4});
  CHECK(candidates[1].batch == 12);
  CHECK(candidates[1].group.compiled_batch == 4);
  options.user_batch.clear();
  options.user_batches = "1:16";
  options.compiled_batch = "4,8";
  CHECK(split_candidates(requested(options), {group, group}).size() == 2 * 2 * 17);
  CHECK(split_candidates({}, {group}).empty());
}

TEST_CASE("what does not go with a compiled batch is named", "[cli][user_batches]") {
  TuningOptions options;
  options.compiled_batch = "4";
  CHECK(mentions(refused(options), "--user-batch or --user-batches"));
  options.user_batch = "12";
  options.user_batches = "1:16";
  CHECK(mentions(refused(options), "one of --user-batch and --user-batches"));
  options.user_batches.clear();
  options.batches = "1,2";
  CHECK(mentions(refused(options), "--compiled-batch or --batches"));
  options.batches.clear();
  options.user_batch = "0";
  CHECK(mentions(refused(options), "at least 1"));
  options.user_batch = "1000000";
  CHECK(mentions(refused(options), "at most 4096 runs"));
  options.user_batch = "1:4000";
  options.compiled_batch = "1:4";
  CHECK(mentions(refused(options), "at most 4096 candidates"));
  options.user_batch = "12";
  options.compiled_batch = "x";
  CHECK(mentions(refused(options), "--compiled-batch, element 1"));
  options.compiled_batch.clear();
  CHECK(mentions(refused(options), "--compiled-batch with it"));
}
