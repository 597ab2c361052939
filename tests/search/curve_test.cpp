// The model of the curve: what looks at some batches say of others.
#include "tuner/search/curve.h"

#include <algorithm>
#include <cmath>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"

using namespace batchtune;

namespace {

// Of a run that takes `fixed` and `sample` for each of its samples.
Estimate guess(double fixed, double sample) {
  Estimate estimate;
  estimate.group = test_group();
  estimate.batch = 8;
  for (std::int64_t batch = 1; batch <= 256; batch = batch < 8 ? batch + 1 : batch * 5 / 4) {
    PointEstimate point;
    point.batch = batch;
    point.computing = sample * static_cast<double>(batch);
    point.overhead = fixed;
    point.latency = point.computing + point.overhead;
    point.throughput = static_cast<double>(batch) / point.latency;
    estimate.curve.push_back(point);
  }
  return estimate;
}

std::vector<Candidate> candidates(std::initializer_list<std::int64_t> batches) {
  std::vector<Candidate> result;
  for (const std::int64_t batch : batches) result.push_back({test_group(), batch});
  return result;
}

Look look(std::int64_t batch, double rate, double error = 0.005) {
  return {static_cast<TrialId>(batch), {test_group(), batch}, std::log(rate), error, 0.03, false};
}

// What takes `fixed` + `sample` x batch seconds.
double rate_of(std::int64_t batch, double fixed, double sample) {
  return static_cast<double>(batch) / (fixed + sample * static_cast<double>(batch));
}

}  // namespace

TEST_CASE("a look makes its neighbours surer than batches far away", "[search][curve]") {
  const std::vector<Estimate> groups = {guess(0.001, 0.001)};
  const std::vector<Look> looks = {look(1, 500), look(8, 880)};
  const CurveView view = CurveModel(groups, looks).view(candidates({8, 9, 12, 64}));
  CHECK(view.mean[0] == Approx(std::log(880)).margin(0.01));
  CHECK(view.deviation[0] < view.deviation[1]);
  CHECK(view.deviation[1] < view.deviation[2]);
  CHECK(view.deviation[2] < view.deviation[3]);
}

TEST_CASE("the roofline's factors are corrected by what was seen", "[search][curve]") {
  const std::vector<Estimate> groups = {guess(0.001, 0.001)};
  std::vector<Look> looks;
  for (const std::int64_t batch : {1, 2, 4, 16})
    looks.push_back(look(batch, rate_of(batch, 0.010, 0.002)));
  const CurveModel curve(groups, looks);
  CHECK(curve.correction().overhead.factor() == Approx(10).epsilon(0.15));
  CHECK(curve.correction().compute.factor() == Approx(2).epsilon(0.15));
  CHECK(curve.trust() > 0.5);
  const CurveView view = curve.view(candidates({64}));
  CHECK(view.mean[0] == Approx(std::log(rate_of(64, 0.010, 0.002))).margin(0.1));
}

TEST_CASE("a roofline that looks contradict is trusted less", "[search][curve]") {
  const std::vector<Estimate> groups = {guess(0.010, 0.001)};
  const std::vector<Look> as_guessed = {look(1, rate_of(1, 0.01, 0.001)),
                                        look(4, rate_of(4, 0.01, 0.001)),
                                        look(16, rate_of(16, 0.01, 0.001))};
  const std::vector<Look> falling = {look(1, 900), look(2, 880),  look(4, 870),
                                     look(8, 500), look(16, 300), look(64, 290)};
  CHECK(CurveModel(groups, falling).trust() < CurveModel(groups, as_guessed).trust());
}

TEST_CASE("a batch that is slow by itself says little of its neighbours", "[search][curve]") {
  const std::vector<Estimate> groups = {guess(0.001, 0.001)};
  std::vector<Look> looks;
  for (const std::int64_t batch : {4, 6, 7, 9, 10, 16})
    looks.push_back(look(batch, rate_of(batch, 0.001, 0.001)));
  looks.push_back(look(8, 0.8 * rate_of(8, 0.001, 0.001)));
  const CurveView view = CurveModel(groups, looks).view(candidates({11}));
  CHECK(view.mean[0] == Approx(std::log(rate_of(11, 0.001, 0.001))).margin(0.03));
}

TEST_CASE("what batches lose that are no multiples of a tile is expected of others too",
          "[search][curve]") {
  const std::vector<Estimate> groups = {guess(0.0001, 0.001)};
  std::vector<Look> looks;
  for (const std::int64_t batch : {8, 16, 24, 32}) looks.push_back(look(batch, 1000));
  for (const std::int64_t batch : {9, 12, 20, 28})
    looks.push_back(look(
        batch, 1000.0 * static_cast<double>(batch) / static_cast<double>((batch + 7) / 8 * 8)));
  const CurveView view = CurveModel(groups, looks).view(candidates({33, 40}));
  CHECK(view.mean[0] < view.mean[1] - 0.05);
}

TEST_CASE("a batch slower than both its neighbours is a hole, unless tiles explain it",
          "[search][curve]") {
  const std::vector<Estimate> groups = {guess(0.0001, 0.001)};
  const std::vector<Look> looks =
      leading({look(12, 1000), look(14, 700), look(16, 1000)}, test_group().backend);
  REQUIRE(looks.size() == 3);
  CHECK(std::count_if(looks.begin(), looks.end(), [](const Look& each) {
          return each.hole && each.candidate.batch == 14;
        }) == 1);
  std::vector<Look> tiled;
  for (const std::int64_t batch : {7, 8, 9, 14, 16, 18, 24, 30, 32})
    tiled.push_back(look(
        batch, 1000.0 * static_cast<double>(batch) / static_cast<double>((batch + 7) / 8 * 8)));
  const CurveModel curve(groups, leading(tiled, test_group().backend));
  CHECK(curve.cause().find("multiples of 8") != std::string::npos);
  const CurveView view = curve.view(candidates({39, 40, 41}));
  CHECK(view.mean[2] < view.mean[1] - 0.05);
}

TEST_CASE("a flat curve leaves little to hope for between the looks", "[search][curve]") {
  const std::vector<Estimate> groups = {guess(0.0001, 0.001)};
  std::vector<Look> looks;
  for (const std::int64_t batch : {1, 2, 4, 8, 12, 24, 48, 96})
    looks.push_back(look(batch, 1000, 0.006));
  const CurveView view = CurveModel(groups, looks).view(candidates({6, 18, 33, 70}));
  for (const double deviation : view.deviation) CHECK(deviation < 0.01);
}

TEST_CASE("draws are the same for the same seed, and as many as asked for", "[search][curve]") {
  const std::vector<Estimate> groups = {guess(0.001, 0.001)};
  const std::vector<Look> looks = {look(1, 500), look(8, 880)};
  const CurveModel curve(groups, looks);
  const auto draws = curve.draws(candidates({1, 2, 8}), 100, 7);
  CHECK(draws.size() >= 100);
  CHECK(draws == curve.draws(candidates({1, 2, 8}), 100, 7));
  CHECK(draws != curve.draws(candidates({1, 2, 8}), 100, 8));
}

TEST_CASE("without an estimate the curve is still guessed to level off", "[search][curve]") {
  Estimate none;
  none.group = test_group();
  none.batch = 12;
  const std::vector<Estimate> groups = {none};
  const std::vector<Look> looks = {look(12, 750)};
  const CurveView view = CurveModel(groups, looks).view(candidates({1, 12, 48}));
  CHECK(view.mean[0] < view.mean[1]);
  CHECK(view.mean[2] > view.mean[1]);
}
