// What is typed and what it means: batch lists, units, limits, contradictions.
#include "tuner/cli/options.h"

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

using Batches = std::vector<std::int64_t>;

std::string error_of(const std::string& batches) {
  const auto parsed = parse_batches(batches);
  REQUIRE_FALSE(parsed.has_value());
  return to_string(parsed.error());
}

Error tuning_error(TuningOptions options) {
  const auto parsed = parse_tuning(options);
  REQUIRE_FALSE(parsed.has_value());
  return parsed.error();
}

}  // namespace

TEST_CASE("batch lists are sorted and hold each batch once", "[cli]") {
  CHECK(parse_batches("8") == Batches{8});
  CHECK(parse_batches("32,1,8,8") == Batches{1, 8, 32});
  CHECK(parse_batches("1:4") == Batches{1, 2, 3, 4});
  CHECK(parse_batches("4:4") == Batches{4});
  CHECK(parse_batches("1:64:x2") == Batches{1, 2, 4, 8, 16, 32, 64});
  CHECK(parse_batches("1:70:x2") == Batches{1, 2, 4, 8, 16, 32, 64});
  CHECK(parse_batches("8:32:8") == Batches{8, 16, 24, 32});
  CHECK(parse_batches("8:31:8") == Batches{8, 16, 24});
  CHECK(parse_batches("1,2:6:2,100:300:x3") == Batches{1, 2, 4, 6, 100, 300});
}

TEST_CASE("an absurd batch is a batch, and a range up to the largest number ends", "[cli]") {
  CHECK(parse_batches("1000000000000") == Batches{1000000000000});
  const auto doubling = parse_batches("1:1099511627776:x2");
  REQUIRE(doubling.has_value());
  CHECK(doubling->size() == 41);
  CHECK(parse_batches("1:1099511627776:1099511627775") == Batches{1, 1099511627776});
}

TEST_CASE("a bad batch list says which element is bad and what was wanted", "[cli]") {
  CHECK(error_of("0").find("at least 1, found 0 (--batches, element 1)") != std::string::npos);
  CHECK(error_of("1,-3").find("found -3 (--batches, element 2)") != std::string::npos);
  CHECK(error_of("").find("batches as 1,8,32") != std::string::npos);
  CHECK(error_of("1,,2").find("element 2") != std::string::npos);
  CHECK(error_of("eight").find("'eight'") != std::string::npos);
  CHECK(error_of("1.5").find("'1.5'") != std::string::npos);
  CHECK(error_of("8k").find("'8k'") != std::string::npos);
  for (const char* text : {"1099511627777", "9223372036854775807", "99999999999999999999"})
    CHECK(error_of(text).find("at most 1099511627776") != std::string::npos);
  CHECK(error_of("8:1").find("a range that goes up") != std::string::npos);
  CHECK(error_of("1:8:x1").find("a factor of at least 2") != std::string::npos);
  CHECK(error_of("1:8:0").find("at least 1") != std::string::npos);
  CHECK(error_of("1:2:3:4").find("'1:2:3:4'") != std::string::npos);
  CHECK(error_of("1:1000000").find("Give a step") != std::string::npos);
}

TEST_CASE("what is not given stays absent, so that defaults are known as such", "[cli]") {
  const auto request = parse_tuning({});
  REQUIRE(request.has_value());
  CHECK(request->given.empty());
  CHECK_FALSE(request->objective.has_value());
  CHECK_FALSE(request->memory_limit.has_value());
  CHECK(request->instances.empty());
  CHECK_FALSE(request->auto_instances);
  CHECK(request->batches.empty());
}

TEST_CASE("values with units become numbers", "[cli]") {
  TuningOptions options;
  options.backends = {"simulated:wall=2GiB,hang=16"};
  options.dtypes = "f32,bf16";
  options.threads = "1,2";
  options.instances = "1,2";
  options.latency_limits = {"p50=20ms", "p99.9=1.5s"};
  options.memory_limit = "2GiB";
  options.give_up = "5%";
  options.budget = "2m";
  options.timeout = "500ms";
  options.seed = "7";
  options.precision = "0.5%";
  options.soak = "0s";
  options.limiter = "rlimit";
  const auto request = parse_tuning(options);
  REQUIRE(request.has_value());
  CHECK(*request->precision == Approx(0.005));
  CHECK(request->soak == 0.0);
  CHECK(request->limiter == LimiterWish::rlimit);
  CHECK(request->backends == std::vector<std::string>{"simulated:wall=2GiB,hang=16"});
  CHECK(request->dtypes == std::vector{DType::f32, DType::bf16});
  CHECK(request->threads == std::vector{1, 2});
  CHECK(request->instances == std::vector{1, 2});
  REQUIRE(request->latency_limits.size() == 2);
  CHECK(request->latency_limits[0] == LatencyLimit{LatencyMetric::p50, 0.02});
  CHECK(request->latency_limits[1] == LatencyLimit{LatencyMetric::p99_9, 1.5});
  CHECK(request->memory_limit == Bytes{2} << 30);
  CHECK(*request->give_up == Approx(0.05));
  CHECK(*request->budget == Approx(120));
  CHECK(*request->timeout == Approx(0.5));
  CHECK(request->seed == 7U);
}

TEST_CASE("instances can be left to batchtune", "[cli]") {
  TuningOptions options;
  options.instances = "auto";
  const auto request = parse_tuning(options);
  REQUIRE(request.has_value());
  CHECK(request->instances.empty());
  CHECK(request->auto_instances);
}

TEST_CASE("settings as given make the same request again", "[cli]") {
  TuningOptions options;
  options.backends = {"simulated:wall=2GiB"};
  options.dtypes = "bf16";
  options.batches = "1:8";
  options.latency_limits = {"p50=20ms", "max=1s"};
  options.memory_limit = "512MiB";
  options.boundary = "probed";
  options.seed = "3";
  options.stop = "rounds";
  options.verify = true;
  options.allow_system_oom = true;
  const std::vector<Setting> given = given_settings(options);
  CHECK(given_settings(options_from(given)) == given);
  const auto again = parse_tuning(options_from(given));
  REQUIRE(again.has_value());
  CHECK(again->batches.size() == 8);
  CHECK(again->latency_limits.size() == 2);
  CHECK(again->boundary == BoundaryWish::probed);
  CHECK(again->stop == "rounds");
  CHECK(again->verify);
  CHECK(again->allow_system_oom);
}

TEST_CASE("each bad value is refused with its option's name", "[cli]") {
  struct Case {
    std::string TuningOptions::*member;
    const char* value;
    const char* where;
  };
  const Case cases[] = {
      {&TuningOptions::dtypes, "f33", "--dtype"},
      {&TuningOptions::dtypes, "f32,", "--dtype"},
      {&TuningOptions::dtypes, "f32,f32", "--dtype"},
      {&TuningOptions::threads, "0", "--threads"},
      {&TuningOptions::threads, "two", "--threads"},
      {&TuningOptions::threads, "99999", "--threads"},
      {&TuningOptions::instances, "-1", "--instances"},
      {&TuningOptions::instances, "2,2", "--instances"},
      {&TuningOptions::instances, "1,auto", "--instances"},
      {&TuningOptions::memory_limit, "2", "--memory-limit"},
      {&TuningOptions::memory_limit, "0B", "--memory-limit"},
      {&TuningOptions::memory_limit, "-1GiB", "--memory-limit"},
      {&TuningOptions::objective, "fastest", "--objective"},
      {&TuningOptions::give_up, "2", "--give-up"},
      {&TuningOptions::boundary, "guessed", "--boundary"},
      {&TuningOptions::strategy, "luck", "--strategy"},
      {&TuningOptions::budget, "60", "--budget"},
      {&TuningOptions::budget, "0s", "--budget"},
      {&TuningOptions::timeout, "soon", "--timeout"},
      {&TuningOptions::precision, "0%", "--precision"},
      {&TuningOptions::precision, "2", "--precision"},
      {&TuningOptions::soak, "30", "--soak"},
      {&TuningOptions::soak, "-1s", "--soak"},
      {&TuningOptions::limiter, "ulimit", "--limiter"},
      {&TuningOptions::stop, "never", "--stop"},
      {&TuningOptions::seed, "-1", "--seed"},
      {&TuningOptions::mode, "training", "--mode"},
  };
  for (const Case& bad : cases) {
    TuningOptions options;
    options.*bad.member = bad.value;
    INFO(bad.where << " " << bad.value);
    const Error error = tuning_error(options);
    CHECK(error.where == bad.where);
    CHECK(error.kind == ErrorKind::bad_input);
    CHECK_FALSE(error.wanted.empty());
    CHECK_FALSE(error.found.empty());
  }
}

TEST_CASE("contradictions are refused", "[cli]") {
  TuningOptions options;
  options.objective = "throughput";
  options.give_up = "5%";
  CHECK(tuning_error(options).where == "--give-up");

  options = {};
  options.latency_limits = {"p50=20ms", "p50=30ms"};
  CHECK(tuning_error(options).wanted == "one limit for each metric");

  options = {};
  options.backends = {"simulated", "simulated:wall=1GiB"};
  CHECK(tuning_error(options).where == "--backend");

  OutputOptions output{.format = "json", .quiet = true};
  CHECK_FALSE(parse_format(output).has_value());
  output.format = "xml";
  CHECK_FALSE(parse_format(output).has_value());
}

TEST_CASE("new limits replace old ones, and what is not given stays", "[cli]") {
  Wishes base;
  base.latency_limits = {{LatencyMetric::p50, 1}};
  base.memory_limit = 1000;
  base.give_up = 0.1;
  TuningOptions options;
  options.latency_limits = {"p90=2s"};
  const auto request = parse_tuning(options);
  REQUIRE(request.has_value());
  const Wishes wishes = wishes_of(*request, base);
  REQUIRE(wishes.latency_limits.size() == 1);
  CHECK(wishes.latency_limits[0].metric == LatencyMetric::p90);
  CHECK(wishes.memory_limit == 1000);
  CHECK(wishes.give_up == 0.1);
}
