// Settings that a report changes, database places, calibration figures in the words of the
// estimates.
#include <cstdlib>
#include <string>

#include "tests/support/catch.h"
#include "tuner/cli/calibration.h"
#include "tuner/cli/database.h"
#include "tuner/cli/effective_settings.h"
#include "tuner/cli/resume.h"
#include "tuner/cli/timestamp.h"
#include "tuner/workload/model_file.h"

using namespace batchtune;

namespace {

// Sets an environment variable for one test case.
class Variable {
 public:
  Variable(const char* name, const char* value)
      : name_(name), before_(std::getenv(name) ? std::getenv(name) : "") {
    if (value)
      setenv(name, value, 1);
    else
      unsetenv(name);
  }
  ~Variable() {
    if (before_.empty())
      unsetenv(name_);
    else
      setenv(name_, before_.c_str(), 1);
  }

 private:
  const char* name_;
  std::string before_;
};

Value setting(const SessionHeader& header, const std::string& name) {
  for (const Setting& known : header.settings.effective)
    if (known.name == name) return known.value;
  return {};
}

}  // namespace

TEST_CASE("the database is the option's, then $BATCHTUNE_DB's, then the data folder's", "[cli]") {
  Variable db("BATCHTUNE_DB", "/a.db"), data("XDG_DATA_HOME", "/data"), home("HOME", "/home/u");
  CHECK(database_path("/o.db")->path == "/o.db");
  CHECK_FALSE(database_path("/o.db")->create_folder);
  CHECK(database_path("")->path == "/a.db");
  CHECK_FALSE(database_path("")->create_folder);
  Variable no_db("BATCHTUNE_DB", nullptr);
  CHECK(database_path("")->path == "/data/batchtune/batchtune.db");
  CHECK(database_path("")->create_folder);
  Variable no_data("XDG_DATA_HOME", nullptr);
  CHECK(database_path("")->path == "/home/u/.local/share/batchtune/batchtune.db");
  Variable no_home("HOME", nullptr);
  CHECK(database_path("").error().kind == ErrorKind::environment);
}

TEST_CASE("limits given to a report replace those in force and say where they come from", "[cli]") {
  SessionHeader header;
  header.wishes.latency_limits = {{LatencyMetric::p50, 1}};
  header.wishes.memory_limit = 100;
  header.settings.effective = {{"memory_limit", std::int64_t{100}, "80 % of available memory"},
                               {"objective", std::string("knee"), "default"},
                               {"give_up", 0.02, "default"},
                               {"latency_limit", std::string("p50 <= 1.00 s"), "--latency-limit"}};
  TuningOptions options;
  options.latency_limits = {"p90=2s", "p99=3s"};
  options.objective = "throughput";
  const auto request = parse_tuning(options);
  REQUIRE(request.has_value());
  header.wishes = wishes_of(*request, header.wishes);
  replace_wish_settings(header, *request);
  CHECK(to_string(setting(header, "objective")) == "throughput");
  CHECK(to_string(setting(header, "memory_limit")) == "100");
  int limits = 0;
  for (const Setting& known : header.settings.effective) limits += known.name == "latency_limit";
  CHECK(limits == 1);
  CHECK(to_string(setting(header, "latency_limit")) == "p90 <= 2.00 s, p99 <= 3.00 s");
  for (const Setting& known : header.settings.effective) CHECK(known.name != "give_up");
}

TEST_CASE("a session may only go on with the settings it was started with", "[cli]") {
  const auto model = load_model("mlp");
  REQUIRE(model.has_value());
  SessionHeader stored;
  stored.number = 4;
  stored.model.name = model->name;
  stored.model.hash = model_hash(*model);
  stored.environment = {};
  TuningOptions then;
  then.batches = "1:8";
  stored.settings.requested = given_settings(then);
  TuningOptions now;
  now.batches = "1:9";
  now.seed = "3";
  now.verify = true;
  stored.label = "nightly";
  now.label = "release";
  const auto request = parse_tuning(now);
  REQUIRE(request.has_value());
  const Status status = check_resumable(stored, *request, *model);
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().wanted == "the settings of session 4");
  CHECK(status.error().found.find("--batches: 1:8 then, 1:9 now") != std::string::npos);
  CHECK(status.error().found.find("--seed: the default then, 3 now") != std::string::npos);
  CHECK(status.error().found.find("--verify: the default then, true now") != std::string::npos);
  CHECK(status.error().found.find("build.id") != std::string::npos);  // the stored one has none
  CHECK(status.error().found.find("--label: nightly then, release now") != std::string::npos);
}

TEST_CASE("calibration figures become a device with all threads, and what one thread reaches",
          "[cli]") {
  probe::CalibrationFigures figures;
  figures.cpus = {0, 1};
  const auto rate = [](double best) { return probe::Rate{best, best, 3}; };
  figures.peaks = {{kernels::Dtype::f32, kernels::Isa::avx2, 1, rate(50e9)},
                   {kernels::Dtype::f32, kernels::Isa::avx2, 2, rate(100e9)}};
  figures.levels = {{"L1", 65536, rate(400e9)}, {"DRAM", 0, rate(20e9)}};
  figures.scaling = {{1, rate(50e9), rate(1e9)}, {2, rate(100e9), rate(2e9)}};
  const Calibration calibration = calibration_from(figures);
  REQUIRE(calibration.device.peaks.size() == 1);
  CHECK(calibration.device.peaks[0].flops_per_second == 100e9);
  CHECK(calibration.device.peaks[0].isa == "avx2");
  CHECK(calibration.device.cores == 2);
  REQUIRE(calibration.device.memory_levels.size() == 2);
  CHECK(calibration.device.memory_levels[0].capacity_bytes == 65536.0);
  CHECK_FALSE(calibration.device.memory_levels[1].capacity_bytes.has_value());
  REQUIRE(calibration.scaling.size() == 1);
  REQUIRE(calibration.scaling[0].peaks.size() ==
          1);  // measured once as peak, once for scaling: kept once
  CHECK(at_threads(calibration, 1).peaks[0].flops_per_second == 50e9);
  const auto again = parse_calibration(write_calibration(calibration), "note");
  REQUIRE(again.has_value());
  CHECK(again->device.peaks[0].flops_per_second == 100e9);
}

TEST_CASE("a moment that was written down is read again, and what is none is not", "[cli]") {
  CHECK(parse_utc(utc_text(1767323045)) == std::time_t{1767323045});
  for (const char* text :
       {"", "last", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05Zx"})
    CHECK_FALSE(parse_utc(text));
}

TEST_CASE("every session has a name of its own", "[cli]") {
  const std::string uuid = random_uuid();
  CHECK(uuid.size() == 36);
  CHECK(uuid[14] == '4');
  CHECK(uuid != random_uuid());
  CHECK(utc_now().size() == 20);
}
