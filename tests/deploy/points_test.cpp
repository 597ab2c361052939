// Which sessions are current, and the points they give.
#include "tuner/deploy/points.h"

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

SessionHeader header_of(std::int64_t number, const std::string& model = "mlp") {
  SessionHeader header;
  header.number = number;
  header.command = "tune";
  header.started_at = "2026-01-02T03:04:05Z";
  header.model.name = model;
  header.model.hash = "abcd";
  header.devices.resize(1);
  header.devices[0].backend = "cpu";
  header.devices[0].name = "A CPU, 2 CPUs";
  header.estimates.resize(1);
  header.estimates[0].group = {"cpu", DType::f32, 2, 1, {}};
  header.wishes.memory_limit = 1000 + number;  // follows what is free
  return header;
}

std::vector<std::int64_t> numbers(const std::vector<SessionHeader>& finished) {
  std::vector<std::int64_t> result;
  for (const Current& current : current_points(finished)) result.push_back(current.session);
  return result;
}

}  // namespace

TEST_CASE("the newest session of a question is current, whatever the order", "[deploy]") {
  CHECK(current_points({}).empty());
  CHECK(numbers({header_of(1), header_of(3), header_of(2)}) == std::vector<std::int64_t>{3});
  CHECK(numbers({header_of(1, "b"), header_of(2, "a")}) == std::vector<std::int64_t>{2, 1});
}

TEST_CASE("dims, device, data types, objective and limits make another question", "[deploy]") {
  const SessionHeader base = header_of(1);
  const auto is_other = [&](auto change) {
    SessionHeader other = header_of(2);
    change(other);
    return numbers({base, other}).size() == 2;
  };
  CHECK_FALSE(is_other([](SessionHeader&) {}));
  CHECK(is_other([](SessionHeader& h) { h.estimates[0].group.dims = {{"seq", 384}}; }));
  CHECK(is_other([](SessionHeader& h) { h.devices[0].name = "Another CPU, 2 CPUs"; }));
  CHECK(is_other([](SessionHeader& h) {
    h.settings.requested = {{"backend", std::string("cpu:pin=1"), "--backend"}};
  }));
  CHECK(is_other([](SessionHeader& h) { h.estimates[0].group.dtype = DType::bf16; }));
  CHECK(is_other([](SessionHeader& h) { h.wishes.objective = Objective::throughput; }));
  CHECK(is_other([](SessionHeader& h) { h.wishes.give_up = 0.05; }));
  CHECK(is_other([](SessionHeader& h) { h.wishes.latency_limits = {{LatencyMetric::p99, 0.02}}; }));
  CHECK(is_other([](SessionHeader& h) {
    h.settings.requested = {{"memory_limit", std::string("1GiB"), "--memory-limit"}};
  }));
  CHECK_FALSE(is_other([](SessionHeader& h) { h.wishes.precision = 0.1; }));
  CHECK_FALSE(is_other([](SessionHeader& h) { h.estimates[0].group.threads = 1; }));
  CHECK_FALSE(is_other([](SessionHeader& h) {
    h.settings.requested = {{"batches", std::string("1,2"), "--batches"}};
  }));
}

TEST_CASE("the order of latency limits is no part of the question", "[deploy]") {
  SessionHeader one = header_of(1), two = header_of(2);
  one.wishes.latency_limits = {{LatencyMetric::p50, 0.01}, {LatencyMetric::p99, 0.02}};
  two.wishes.latency_limits = {{LatencyMetric::p99, 0.02}, {LatencyMetric::p50, 0.01}};
  CHECK(numbers({one, two}) == std::vector<std::int64_t>{2});
}

TEST_CASE("a session with two devices is current for each that no newer one answers for",
          "[deploy]") {
  SessionHeader both = header_of(1);
  both.devices.push_back(both.devices[0]);
  both.devices[1].backend = "other";
  both.estimates.push_back(both.estimates[0]);
  both.estimates[1].group.backend = "other";
  const auto points = current_points(std::vector{both, header_of(2)});
  REQUIRE(points.size() == 2);
  CHECK(points[0].session == 2);
  CHECK(points[0].backend == "cpu");
  CHECK(points[1].session == 1);
  CHECK(points[1].backend == "other");
}

TEST_CASE("a point says what the verdict of its backend says", "[deploy]") {
  SessionRecord record;
  record.header = header_of(7);
  record.header.simulated = true;
  record.header.settings.requested = {{"backend", std::string("cpu:pin=1"), "--backend"}};
  Conclusion conclusion;
  conclusion.trials.resize(2);
  conclusion.trials[0].id = 1;
  conclusion.trials[1].id = 2;
  conclusion.trials[1].candidate.batch = 8;
  conclusion.verdicts.resize(2);
  conclusion.verdicts[0].backend = "other";
  conclusion.verdicts[0].trial = 1;
  conclusion.verdicts[1].backend = "cpu";
  conclusion.verdicts[1].trial = 2;
  const DeploymentPoint point = point_of(record, conclusion, "cpu");
  CHECK(point.session == 7);
  CHECK(point.model == "mlp");
  CHECK(point.model_hash == "abcd");
  CHECK(point.backend == "cpu:pin=1");
  CHECK(point.device == "A CPU, 2 CPUs");
  CHECK(point.simulated);
  CHECK_FALSE(point.wishes.memory_limit);  // nobody asked for one
  REQUIRE(point.trial);
  CHECK(point.trial->candidate.batch == 8);
  CHECK(point.proven);

  LimitVerdict limit;
  limit.decision = LimitDecision::unproven;
  conclusion.trials[1].limits = {limit};
  CHECK_FALSE(point_of(record, conclusion, "cpu").proven);

  conclusion.verdicts[1].trial.reset();
  conclusion.verdicts[1].nothing_fits = NothingFits{1, "p50 31 ms, 1.55 x the limit", {}};
  const DeploymentPoint none = point_of(record, conclusion, "cpu");
  CHECK_FALSE(none.trial);
  CHECK(none.gap == "p50 31 ms, 1.55 x the limit");
}
