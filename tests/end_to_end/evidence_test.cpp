// What a session says of its own figures: promises with their confidence, sustained load, ceilings
// that are remembered, limiters and verification, and what doctor finds.
#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/isa.h"
#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"
#include "tuner/cli/calibration.h"
#include "tuner/cli/host.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

Finished tune(const Arguments& more) {
  Arguments all{"tune", "mlp", "--backend", "simulated", "--threads", "2"};
  all.insert(all.end(), more.begin(), more.end());
  return run(all);
}

Json tune_json(Arguments more, int code) {
  more.insert(more.end(), {"--format", "json"});
  const Finished finished = tune(more);
  INFO(finished.err);
  CHECK(finished.code == code);
  return Json::parse(finished.out);
}

std::int64_t ask_database(const std::string& query) {
  sqlite3* handle = nullptr;
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_open(std::getenv("BATCHTUNE_DB"), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_prepare_v2(handle, query.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
  const std::int64_t answer = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  return answer;
}

void change_database(const std::string& statement) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(std::getenv("BATCHTUNE_DB"), &handle) == SQLITE_OK);
  CHECK(sqlite3_exec(handle, statement.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(sqlite3_changes(handle) == 1);
  sqlite3_close(handle);
}

std::int64_t probes_of(int session) {
  return ask_database("SELECT count(*) FROM observation WHERE kind = 'probe' AND session = " +
                      std::to_string(session));
}

// So that the CPU need not be calibrated, which takes 15 s: its figures play no part here.
void calibrated_database() {
  using namespace batchtune;
  fresh_database();
  probe::CalibrationFigures figures;
  for (int cpu = 0; cpu < cpu_share().usable; ++cpu) figures.cpus.push_back(cpu);
  const auto threads = static_cast<int>(figures.cpus.size());
  const auto rate = [](double best) { return probe::Rate{best, best, 3}; };
  for (const kernels::Isa isa : kernels::kAllIsas)
    figures.peaks.push_back({kernels::Dtype::f32, isa, threads, rate(100e9)});
  figures.levels = {{"DRAM", 0, rate(20e9)}};
  figures.scaling = {{threads, rate(100e9), rate(2e9)}};
  auto store = Store::open(std::getenv("BATCHTUNE_DB"), false);
  REQUIRE(store.has_value());
  REQUIRE(store_calibration(**store, calibration_from(figures)).has_value());
}

Finished tune_cpu(const Arguments& more) {
  Arguments all{"tune",           "mlp", "--batches", "1,2", "--budget", "1s",
                "--probe-budget", "3s",  "--soak",    "0s",  "--format", "json"};
  all.insert(all.end(), more.begin(), more.end());
  return run(all);
}

Json limit_of(const Json& document, int batch) {
  for (const Json& trial : document.at("trials"))
    if (trial.at("batch") == batch) return trial.at("limits").at(0);
  FAIL("no trial of batch " << batch);
  return {};
}

}  // namespace

TEST_CASE("before a session with percentile limits its cost is said", "[end_to_end]") {
  fresh_database();
  const Finished finished = tune({"--batches", "1,2", "--latency-limit", "p99=10s"});
  CHECK(finished.err.find("p99 at 99 % needs >= 459 samples, about ") != std::string::npos);
  CHECK(tune({"--batches", "1,2"}).err.find("samples") == std::string::npos);
  CHECK(tune({"--batches", "1,2", "--latency-limit", "p99=10s", "--quiet"}).err.empty());
}

TEST_CASE("a promise that the budget does not prove is unproven, with its confidence",
          "[end_to_end]") {
  fresh_database();
  const Json document =
      tune_json({"--batches", "2", "--latency-limit", "p99.9=10s", "--budget", "2s"}, 3);
  CHECK(document.at("best").at("proven") == false);
  const Json limit = limit_of(document, 2);
  CHECK(limit.at("decision") == "unproven");
  CHECK(limit.at("samples") > 0);
  CHECK(limit.at("confidence").is_number());
  const Finished text = run({"report", "last"});
  CHECK(text.code == 3);
  CHECK(text.out.find("confidence") != std::string::npos);
}

TEST_CASE("several limits at once: all must be kept", "[end_to_end]") {
  fresh_database();
  const Json kept = tune_json({"--batches", "1,2", "--latency-limit", "p50=10s", "--latency-limit",
                               "p90=10s", "--budget", "20s"},
                              0);
  CHECK(kept.at("best").at("proven") == true);
  CHECK(kept.at("trials")[0].at("limits").size() == 2);
  const Json broken = tune_json({"--batches", "1,2", "--latency-limit", "p50=10s",
                                 "--latency-limit", "p90=1us", "--budget", "20s"},
                                1);
  CHECK(broken.at("best").is_null());
}

TEST_CASE("settings of measuring are in force with their origins", "[end_to_end]") {
  fresh_database();
  const std::string text = unwrapped(tune({"--batches", "1,2", "--budget", "20s"}).out);
  CHECK(text.find("soak 2.00 s (a tenth of --budget)") != std::string::npos);
  CHECK(text.find("limiter auto (default)") != std::string::npos);
  const Json document = tune_json({"--batches", "1,2", "--budget", "20s", "--precision", "3%",
                                   "--soak", "0s", "--limiter", "account", "--verify"},
                                  0);
  const Json& effective = document.at("settings").at("effective");
  CHECK(effective.at("precision") == 0.03);
  CHECK(effective.at("soak") == 0);
  CHECK(effective.at("limiter") == "account");
  CHECK(effective.at("verify") == true);
  CHECK(effective.contains("simulated.wall"));  // known only after loading
}

TEST_CASE("the recommended batch is soaked, and its headroom stated", "[end_to_end]") {
  fresh_database();
  const Json document =
      tune_json({"--batches", "1,2,4", "--soak", "3s", "--memory-limit", "80MiB"}, 0);
  const Json verdict = document.at("verdicts")[0];
  REQUIRE(verdict.at("soaked").is_object());
  CHECK(verdict.at("soaked").at("seconds") >= 3.0);
  CHECK(verdict.at("headroom") > 0);
  CHECK(unwrapped(run({"report", "last"}).out).find("soaked 3") != std::string::npos);
  const Json without =
      tune_json({"--batches", "1,2,4", "--soak", "0s", "--memory-limit", "80MiB"}, 0);
  CHECK(without.at("verdicts")[0].at("soaked").is_null());
}

TEST_CASE("a ceiling is remembered and verified by no more probes than finding it took",
          "[end_to_end]") {
  fresh_database();
  const Arguments settings{"--memory-limit", "80MiB", "--budget", "5s", "--soak", "0s"};
  const Json first = tune_json(settings, 0), second = tune_json(settings, 0);
  CHECK(second.at("boundaries")[0].at("largest_fitting") ==
        first.at("boundaries")[0].at("largest_fitting"));
  CHECK(probes_of(2) <= probes_of(1));  // the first guess is exact on this device
  CHECK_FALSE(first.at("settings").at("effective").contains("ceiling.1"));
  const std::string ceiling = second.at("settings").at("effective").at("ceiling.1");
  CHECK(ceiling.starts_with(
      std::to_string(first.at("boundaries")[0].at("largest_fitting").get<int>()) + " fits"));
}

TEST_CASE("a remembered ceiling is where the next session begins to probe", "[end_to_end]") {
  fresh_database();
  const Arguments settings{"--memory-limit", "80MiB", "--budget", "5s", "--soak", "0s"};
  const Json first = tune_json(settings, 0);
  const std::int64_t largest = first.at("boundaries")[0].at("largest_fitting");
  const std::int64_t noted = largest - 4;  // off by a few batches: the first guess is exact here
  change_database("UPDATE note SET content = json_set(content, '$.fits', " + std::to_string(noted) +
                  ", '$.fails', " + std::to_string(noted + 1) + ") WHERE kind = 'ceiling'");
  const Json second = tune_json(settings, 0);
  // Batch 1, the recommended one and twice that are probed first, for the memory that a batch
  // needs.
  const int best = second.at("best").at("batch");
  CHECK(ask_database("SELECT batch FROM probe JOIN observation ON observation.id = observation "
                     "WHERE session = 2 AND batch NOT IN (1, " +
                     std::to_string(best) + ", " + std::to_string(2 * best) +
                     ") ORDER BY observation.id LIMIT 1") == noted);
  CHECK(second.at("boundaries")[0].at("largest_fitting") == largest);
}

TEST_CASE("measure stops by the rule that was named", "[end_to_end]") {
  fresh_database();
  const Finished finished =
      run({"measure", "mlp", "--backend", "simulated", "--threads", "2", "--batches", "1,2",
           "--stop", "time", "--quiet", "--format", "json"});
  CHECK(finished.code == 0);
  CHECK(finished.err.empty());
  const Json document = Json::parse(finished.out);
  CHECK(document.at("settings").at("effective").at("stop") == "time");
}

TEST_CASE("a limit that nothing holds is refused before anything is measured", "[end_to_end]") {
  calibrated_database();
  const Finished finished = tune_cpu({"--memory-limit", "1000TiB", "--limiter", "none"});
  CHECK(finished.code == 2);
  CHECK(finished.err.find("--allow-system-oom") != std::string::npos);
  CHECK(ask_database("SELECT count(*) FROM session") == 0);
}

TEST_CASE("outputs hold against the reference kernels, and the tool's own cost is kept",
          "[end_to_end]") {
  calibrated_database();
  const Finished finished = tune_cpu({"--verify"});
  INFO(finished.err);
  CHECK(finished.code == 0);
  const Json document = Json::parse(finished.out);
  for (const Json& trial : document.at("trials")) CHECK(trial.at("status") != "wrong_result");
  CHECK(document.at("settings").at("effective").contains("cpu.pinned"));
  const Json overhead = document.at("session").at("overhead");
  REQUIRE(overhead.is_object());
  CHECK(overhead.at("in_interval").is_number());
  CHECK(overhead.at("outside_share") > 0);
  CHECK(overhead.at("outside_share") < 1);
  CHECK(ask_database("SELECT count(*) FROM note WHERE kind = 'quiet'") == 1);
}

TEST_CASE("a boundary under a limit on address space is a band", "[end_to_end]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  BT_SKIP("RLIMIT_AS: sanitizers reserve terabytes of address space");
#else
  calibrated_database();
  const Finished finished =
      run({"tune", "shufflenet-v2", "--batches", "1:65536:x2", "--budget", "1s", "--probe-budget", "60s",
           "--memory-limit", "100MiB", "--limiter", "rlimit", "--soak", "0s", "--format", "json"});
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  const Json boundary = Json::parse(finished.out).at("boundaries")[0];
  CHECK(boundary.at("limiter") == "rlimit");
  CHECK(boundary.at("exact") == false);
  CHECK(boundary.at("largest_fitting") < boundary.at("smallest_failing"));
#endif
}

TEST_CASE("estimate refuses too many threads before it calibrates", "[end_to_end]") {
  fresh_database();
  const Finished finished = run({"estimate", "mlp", "--threads", "1000"});
  CHECK(finished.code == 2);
  CHECK(finished.err.find("measuring the peaks") == std::string::npos);
}

TEST_CASE("doctor is quick when asked to be, and needs no database", "[end_to_end]") {
  fresh_database();
  const Finished finished = run({"doctor", "--seconds", "0.3", "--format", "json"});
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  const Json document = Json::parse(finished.out);
  CHECK(document.at("schema_version") == 1);
  CHECK(document.at("command") == "doctor");
  CHECK(document.at("look").at("bursts") > 0);
  std::vector<std::string> keys;
  for (const Json& finding : document.at("findings")) keys.push_back(finding.at("key"));
  for (const char* key : {"cpu.governor", "cpu.smt", "memory.huge_pages", "database.path",
                          "library.sqlite", "backend.cpu"}) {
    INFO(key);
    CHECK(std::count(keys.begin(), keys.end(), key) == 1);
  }
  CHECK(document.at("overhead").at("in_interval").is_number());
  CHECK(run({"doctor", "--seconds", "0", "--format", "csv"}).code == 0);
  CHECK(run({"doctor", "--seconds", "soon"}).code == 2);
  CHECK(run({"list", "sessions"}).code == 4);  // no database was made
}

TEST_CASE("the stop rules are listed with what can be set in each", "[end_to_end]") {
  const Finished finished = run({"list", "rules", "--format", "json"});
  REQUIRE(finished.code == 0);
  const Json rules = Json::parse(finished.out).at("rules");
  CHECK(std::any_of(rules.begin(), rules.end(),
                    [](const Json& rule) { return rule.at("name") == "interval"; }));
  CHECK_FALSE(rules[0].at("parameters").empty());
}
