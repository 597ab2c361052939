// The arithmetic of dynamic batching, held against counting.
#include "tuner/core/user_batches.h"

#include <algorithm>
#include <random>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

using Mix = std::vector<UserBatch>;

Trial trial_of(TrialId id, std::int64_t compiled_batch, std::int64_t batch, Seconds latency) {
  Trial trial;
  trial.id = id;
  trial.candidate.batch = batch;
  trial.candidate.group.compiled_batch = compiled_batch;
  trial.measurement = Measurement{};
  trial.measurement->undisturbed = latency;
  return trial;
}

}  // namespace

TEST_CASE("the guide's example: 12 images on a compiled batch of 4 are three full runs", "[core][user_batches]") {
  CHECK(runs_of(12, 4) == 3);
  CHECK(useful_share(12, 4) == 1);
  CHECK(runs_of(13, 4) == 4);
  CHECK(useful_share(13, 4) == Approx(13.0 / 16));
  CHECK(runs_of(1, 4) == 1);
  CHECK(useful_share(1, 4) == 0.25);
}

TEST_CASE("the useful share of a mix is of all that its requests compute", "[core][user_batches]") {
  const Mix mix{{1, 0.4}, {8, 0.3}, {12, 0.3}};
  CHECK(samples_of_request(mix) == Approx(6.4));
  CHECK(useful_share(mix, 4) == Approx(6.4 / (4 * (0.4 + 0.3 * 2 + 0.3 * 3))));
  CHECK(useful_share(mix, 1) == Approx(1));
  CHECK(most_runs(mix, 4) == 3);
  CHECK(useful_share(Mix{}, 4) == 1);
  CHECK(most_runs(Mix{}, 4) == 1);
  CHECK(to_string(mix) == "1 (40 %), 8 (30 %), 12 (30 %)");
}

TEST_CASE("any other compiled batch makes as many runs of every request as a smaller one of the few",
          "[core][user_batches]") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Mix mix;
    for (int i = 0; i < 1 + round % 4; ++i) mix.push_back({std::uniform_int_distribution<int>(1, 60)(random), 0.25});
    const auto few = compiled_batches_for(mix);
    CHECK(few.front() == 1);
    CHECK(std::is_sorted(few.begin(), few.end()));
    for (std::int64_t batch = 1; batch <= 70; ++batch) {
      const std::int64_t instead = *(std::upper_bound(few.begin(), few.end(), batch) - 1);
      for (const UserBatch& user : mix) CHECK(runs_of(user.batch, batch) == runs_of(user.batch, instead));
    }
    // None of the few is in vain: with the next smaller one some request takes a run more.
    for (std::size_t i = 1; i < few.size(); ++i)
      CHECK(std::any_of(mix.begin(), mix.end(), [&](const UserBatch& user) {
        return runs_of(user.batch, few[i]) < runs_of(user.batch, few[i - 1]);
      }));
  }
}

TEST_CASE("a mix is served by the runs of the compiled batch until its user batches were run", "[core][user_batches]") {
  const Mix mix{{1, 0.5}, {8, 0.5}};
  std::vector<Trial> trials{trial_of(1, 0, 4, 0.010), trial_of(2, 4, 1, 0.011)};
  const MixService promised = serve(mix, trials[0], trials);
  CHECK_FALSE(promised.measured);
  CHECK(promised.request == Approx(0.5 * 0.010 + 0.5 * 0.020));
  CHECK(promised.longest == Approx(0.020));
  CHECK(promised.throughput == Approx(4.5 / 0.015));
  trials.push_back(trial_of(3, 4, 8, 0.022));
  const MixService measured = serve(mix, trials[0], trials);
  CHECK(measured.measured);
  CHECK(measured.request == Approx(0.5 * 0.011 + 0.5 * 0.022));
  CHECK(measured.longest == Approx(0.022));
  CHECK(measured.throughput == Approx(4.5 / 0.0165));
}

TEST_CASE("throughput is of all instances, the time of a request of one", "[core][user_batches]") {
  const Mix mix{{4, 1}};
  CHECK(serve(mix, 4, 2, 0.010).throughput == Approx(800));
  CHECK(serve(mix, 4, 2, 0.010).request == Approx(0.010));
}
