// What a session that tracks or extends another one visits.
#include "tuner/deploy/follow.h"

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

const CandidateGroup kGroup{"cpu", DType::f32, 2, 1, {}};

Trial trial_of(TrialId id, std::int64_t batch, double ratio, double half_width = 0.01) {
  Trial trial;
  trial.id = id;
  trial.candidate = {kGroup, batch};
  Measurement measurement;
  measurement.ratio_to_anchor = ratio;
  measurement.ratio_ci95 = Interval{ratio - half_width, ratio + half_width};
  trial.measurement = measurement;
  return trial;
}

Trial failed(TrialId id, std::int64_t batch, TrialStatus status) {
  Trial trial;
  trial.id = id;
  trial.candidate = {kGroup, batch};
  trial.ending.status = status;
  return trial;
}

// Throughput rises to batch 8 and falls behind it; batch 1 is the anchor.
Conclusion session() {
  Conclusion conclusion;
  conclusion.trials = {trial_of(1, 1, 1),      trial_of(2, 4, 0.6),   trial_of(3, 8, 0.5),
                       trial_of(4, 12, 0.505), trial_of(5, 16, 0.55), trial_of(6, 64, 0.7)};
  conclusion.trials[0].measurement->ratio_ci95.reset();
  conclusion.fronts = {{kGroup, {1, 2, 3}}};
  conclusion.verdicts.resize(1);
  conclusion.verdicts[0].trial = 3;
  return conclusion;
}

std::vector<std::int64_t> batches(const std::vector<RuledOut>& out) {
  std::vector<std::int64_t> result;
  for (const RuledOut& one : out) result.push_back(one.batch);
  return result;
}

}  // namespace

TEST_CASE("tracked are the front, the choice and its measured neighbours", "[deploy]") {
  CHECK(tracked_batches(session()) == std::vector<std::int64_t>{1, 4, 8, 12});
  Conclusion nothing = session();
  nothing.verdicts[0].trial.reset();
  CHECK(tracked_batches(nothing) == std::vector<std::int64_t>{1, 4, 8});
  CHECK(tracked_batches({}).empty());
}

TEST_CASE("a neighbour is of the same group and was measured", "[deploy]") {
  Conclusion conclusion = session();
  conclusion.trials[3].measurement.reset();          // batch 12
  conclusion.trials[4].candidate.group.threads = 1;  // batch 16
  CHECK(tracked_batches(conclusion) == std::vector<std::int64_t>{1, 4, 8, 64});
}

TEST_CASE("ruled out are batches behind the peak, where the intervals are apart", "[deploy]") {
  const auto out = ruled_out(session(), std::vector{kGroup});
  CHECK(batches(out) == std::vector<std::int64_t>{16, 64});  // 12 cannot be told from 8
  CHECK(out[0].why == "batch 8 does more samples/s");
}

TEST_CASE("a smaller batch with fewer samples/s is not ruled out: it may be the one that fits",
          "[deploy]") {
  Conclusion conclusion = session();
  conclusion.trials[1].measurement->ratio_to_anchor = 2;  // batch 4 is a hole
  conclusion.trials[1].measurement->ratio_ci95 = Interval{1.9, 2.1};
  CHECK(batches(ruled_out(conclusion, std::vector{kGroup})) ==
        std::vector<std::int64_t>{4, 16, 64});  // by batch 1, which is smaller
  conclusion.trials.erase(conclusion.trials.begin());
  CHECK(batches(ruled_out(conclusion, std::vector{kGroup})) == std::vector<std::int64_t>{16, 64});
}

TEST_CASE("wrong and unsupported batches are ruled out, what may end otherwise is not",
          "[deploy]") {
  Conclusion conclusion;
  conclusion.trials = {failed(1, 1, TrialStatus::wrong_result),
                       failed(2, 2, TrialStatus::unsupported),
                       failed(3, 3, TrialStatus::out_of_memory), failed(4, 4, TrialStatus::crashed),
                       failed(5, 5, TrialStatus::timeout)};
  const auto out = ruled_out(conclusion, std::vector{kGroup});
  CHECK(batches(out) == std::vector<std::int64_t>{1, 2});
  CHECK(out[0].why == "wrong_result");
}

TEST_CASE("a batch is ruled out only where every group rules it out", "[deploy]") {
  CandidateGroup other = kGroup;
  other.threads = 1;
  CHECK(ruled_out(session(), std::vector{kGroup, other}).empty());
}

TEST_CASE("what is left is written as --batches reads it", "[deploy]") {
  const std::vector<RuledOut> out{{4, ""}, {6, ""}, {7, ""}};
  CHECK(batches_without(out, {}, 10) == "1:3,5,8:10");
  CHECK(batches_without(out, {}, 9) == "1:3,5,8,9");
  CHECK(batches_without(out, {1, 4, 16, 17}, 0) == "1,16,17");
  CHECK(batches_without(out, {4, 6}, 0) == "");
}
