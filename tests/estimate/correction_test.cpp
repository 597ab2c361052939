// Factors on the roofline's parts, fitted to measured latencies.
#include "tuner/estimate/correction.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

// Weights are moved once a batch, each sample is computed, and there are overheads.
std::vector<PointEstimate> curve() {
  std::vector<PointEstimate> points;
  for (std::int64_t batch = 1; batch <= 64; batch *= 2) {
    PointEstimate point;
    point.batch = batch;
    point.computing = 0.001 * static_cast<double>(batch);
    point.moving = 0.004;
    point.overhead = 0.0001;
    point.latency = point.computing + point.moving + point.overhead;
    point.throughput = static_cast<double>(batch) / point.latency;
    points.push_back(point);
  }
  return points;
}

// As if computing took three times as long, and moving twice.
std::vector<MeasuredLatency> measured() {
  std::vector<MeasuredLatency> latencies;
  for (const PointEstimate& point : curve())
    latencies.push_back(
        {point.batch, 3 * point.computing + 2 * point.moving + point.overhead, 0.01});
  return latencies;
}

}  // namespace

TEST_CASE("factors are found where the batches tell them apart", "[estimate][correction]") {
  const Correction found = fit_correction(curve(), measured(), no_correction());
  CHECK(found.compute.factor() == Approx(3).epsilon(0.05));
  CHECK(found.memory.factor() == Approx(2).epsilon(0.1));
  CHECK(found.compute.low() < 3);
  CHECK(found.compute.high() > 3);
  CHECK(found.residual < 0.01);
}

TEST_CASE("what no batch tells stays as the roofline says, and uncertain",
          "[estimate][correction]") {
  const Correction found = fit_correction(curve(), measured(), no_correction());
  CHECK(found.overhead.factor() == Approx(1).epsilon(0.5));
  CHECK(found.overhead.error > 1);
}

TEST_CASE("one latency that does not fit hardly moves the factors", "[estimate][correction]") {
  auto latencies = measured();
  latencies[3].latency *= 3;
  const Correction found = fit_correction(curve(), latencies, no_correction());
  CHECK(found.compute.factor() == Approx(3).epsilon(0.2));
}

TEST_CASE("without measurements the factors are the prior's", "[estimate][correction]") {
  const Correction found = fit_correction(curve(), {}, no_correction());
  CHECK(found.compute.factor() == 1);
  CHECK(found.compute.error == Approx(kUsualError));
}

TEST_CASE("a corrected estimate has the corrected curve and its knee", "[estimate][correction]") {
  Estimate estimate;
  estimate.curve = curve();
  estimate.batch = 64;
  Correction correction = no_correction();
  correction.compute.log = std::log(3);
  correct(estimate, correction, 0.02);
  CHECK(estimate.curve[0].latency == Approx(0.003 + 0.004 + 0.0001));
  CHECK(estimate.curve[0].throughput == Approx(1 / 0.0071));
  CHECK(estimate.batch == 64);
}

TEST_CASE("a corrected estimate begins at a batch that keeps the memory limit",
          "[estimate][correction]") {
  Estimate estimate;
  estimate.curve = curve();
  for (PointEstimate& point : estimate.curve)
    point.memory = 10.0 * static_cast<double>(point.batch);
  Correction correction = no_correction();
  correction.memory.log = std::log(10);
  Estimate without = estimate;
  correct(without, correction, 0.02);
  CHECK(without.batch == 64);
  correct(estimate, correction, 0.02, 170);
  CHECK(estimate.batch == 16);
  CHECK(estimate.bound == Bound::memory);
  CHECK(estimate.curve.size() == 7);
}

TEST_CASE("a session's settings tell its corrected estimates again", "[estimate][correction]") {
  SessionHeader header;
  header.estimates.resize(2);
  for (Estimate& estimate : header.estimates) estimate.curve = curve();
  Correction correction = no_correction();
  correction.compute.log = std::log(3);
  header.settings.effective = {{correction_setting(1), shown(correction) + ": and more", "here"}};
  const auto corrected = corrected_estimates(header);
  CHECK(corrected[0].curve[0].latency == header.estimates[0].curve[0].latency);
  CHECK(corrected[1].curve[0].computing == Approx(3 * header.estimates[1].curve[0].computing));
  CHECK(correction_of(header, 0).compute.log == 0);
  CHECK(correction_of(header, 1).compute.factor() == Approx(3));
}

TEST_CASE("a curve that does not say its parts is told apart without changing its latency",
          "[estimate][correction]") {
  std::vector<PointEstimate> points = curve();
  for (PointEstimate& point : points) point.computing = point.moving = point.overhead = 0;
  tell_parts_apart(points);
  for (const PointEstimate& point : points)
    CHECK(point.computing + point.moving == Approx(point.latency));
}

TEST_CASE("between its points a curve is straight, beyond them samples cost alike",
          "[estimate][correction]") {
  const auto points = curve();
  CHECK(read_curve(points, 3, 1).latency == Approx(0.003 + 0.0041));
  CHECK(read_curve(points, 128, 1).computing == Approx(0.128));
  CHECK(read_curve(points, 128, 1).overhead == Approx(0.0001));
}
