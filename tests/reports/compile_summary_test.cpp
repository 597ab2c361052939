// What a report says of compilers.
#include "reports/compile_summary.h"

#include <nlohmann/json.hpp>

#include "tests/reports/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Observation prepared(std::int64_t batch, std::optional<Seconds> waited,
                     std::vector<std::int64_t> compiled = {}) {
  Preparation preparation;
  preparation.trial = static_cast<TrialId>(batch);
  preparation.candidate.batch = batch;
  preparation.first_run = 0.01;
  preparation.compile_seconds = waited;
  preparation.compiled = std::move(compiled);
  Observation observation;
  observation.what = preparation;
  observation.device_time = waited.value_or(0) + 1;
  return observation;
}

SessionRecord record_of(std::vector<Observation> observations) {
  SessionRecord record;
  record.observations = std::move(observations);
  return record;
}

}  // namespace

TEST_CASE("compilations are counted by who needed them, and what was ready is told apart",
          "[reports][compiles]") {
  SessionRecord record = record_of({prepared(1, 240, {4}), prepared(4, 0), prepared(8, 0),
                                    prepared(16, 60), prepared(8, 0), prepared(1, 0)});
  record.header.settings.effective.push_back({"max_compiles", std::int64_t{6}, "default"});
  Observation failed = prepared(64, std::nullopt);
  std::get<Preparation>(failed.what).first_run.reset();
  std::get<Preparation>(failed.what).ending = {TrialStatus::out_of_memory, "no", "NCC", "compile"};
  record.observations.push_back(failed);
  const auto summary = summarise_compiles(record);
  REQUIRE(summary);
  CHECK(summary->used == 4);  // 1, 8, 16, 64
  CHECK(summary->limit == 6);
  CHECK(summary->waited == 300);
  CHECK(summary->in_background == 1);
  CHECK(summary->from_cache == 1);
  CHECK(compile_words(*summary) ==
        "4 compilations of at most 6, 300 s waited for; 1 ready when needed, from the "
        "background; 1 program compiled before");
}

TEST_CASE("a session that compiled nothing says nothing of compilers", "[reports][compiles]") {
  CHECK_FALSE(summarise_compiles(record_of({prepared(1, std::nullopt)})));
  TuneReport report = full_report();
  const auto json = nlohmann::json::parse(json_report({report}, false, false));
  CHECK_FALSE(json["session"].contains("compiles"));
  report.record.observations.push_back(prepared(1, 240));
  const auto compiled = nlohmann::json::parse(json_report({report}, false, false));
  CHECK(compiled["session"]["compiles"]["used"] == 1);
  CHECK(compiled["session"]["compiles"]["limit"].is_null());
  CHECK(text_report(report, {}).find("1 compilation, ") != std::string::npos);
}
