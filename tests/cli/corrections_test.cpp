// What sessions carry to each other of the roofline, in a database of the test's own.
#include "tuner/cli/corrections.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "tests/support/catch.h"
#include "tuner/estimate/correction.h"

using namespace batchtune;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kBackends{"simulated"};

class Database {
 public:
  Database()
      : path_(fs::temp_directory_path() / ("bt_corrections_" + std::to_string(getpid()) + ".db")) {
    fs::remove(path_);
    auto store = Store::open(path_, false);
    REQUIRE(store.has_value());
    store_ = std::move(*store);
  }
  ~Database() {
    store_.reset();
    fs::remove(path_);
  }
  Store& store() { return *store_; }

 private:
  fs::path path_;
  std::unique_ptr<Store> store_;
};

// Weights are moved once a batch, and each sample is computed.
Estimate estimate_of(int threads) {
  Estimate estimate;
  estimate.group = {"simulated", DType::f32, threads, 1, {}};
  for (std::int64_t batch = 1; batch <= 64; batch *= 2) {
    PointEstimate point;
    point.batch = batch;
    point.computing = 0.001 * static_cast<double>(batch);
    point.moving = 0.004;
    point.latency = point.computing + point.moving;
    point.throughput = static_cast<double>(batch) / point.latency;
    point.memory = 10.0 * static_cast<double>(batch);
    estimate.curve.push_back(point);
  }
  estimate.batch = 64;
  return estimate;
}

SessionHeader header_of() {
  SessionHeader header;
  header.number = 7;
  DeviceInfo device;
  device.name = "simulated device";
  device.backend = "simulated";
  device.peaks = {{DType::f32, "", 1e9, FigureOrigin::measured, ""}};
  header.devices = {device};
  header.estimates = {estimate_of(1), estimate_of(2)};
  return header;
}

// As if the group's computing took `times` as long.
std::vector<Trial> trials_of(const Estimate& estimate, double times) {
  std::vector<Trial> trials;
  for (const PointEstimate& point : estimate.curve) {
    Trial trial;
    trial.id = static_cast<TrialId>(trials.size() + 1);
    trial.candidate = {estimate.group, point.batch};
    trial.measurement.emplace();
    trial.measurement->undisturbed = times * point.computing + point.moving;
    trials.push_back(trial);
  }
  return trials;
}

void learn(Store& store, const SessionHeader& header, const std::vector<Trial>& trials) {
  REQUIRE(keep_corrections(store, kBackends, header, trials).has_value());
}

std::vector<Setting> known(const Store& store, const SessionHeader& header) {
  const auto settings = known_corrections(store, kBackends, header);
  REQUIRE(settings.has_value());
  return *settings;
}

}  // namespace

TEST_CASE("what a session learned moves the next search, not its estimates", "[cli]") {
  Database database;
  SessionHeader header = header_of();
  header.wishes.memory_limit = 170;
  header.estimates[1].batch = 16;
  CHECK(known(database.store(), header).empty());
  learn(database.store(), header, trials_of(header.estimates[1], 40));

  header.settings.effective = known(database.store(), header);
  REQUIRE(header.settings.effective.size() == 1);
  const Setting& setting = header.settings.effective[0];
  CHECK(setting.name == "roofline.2");
  CHECK(setting.origin == "corrected by session 7");
  CHECK(correction_of(header, 1).compute.factor() == Approx(40).epsilon(0.1));
  const Estimate begun = corrected_estimates(header)[1];
  CHECK(begun.batch < 16);
  CHECK(to_string(setting.value)
            .ends_with(": the search begins at batch " + std::to_string(begun.batch)));
  CHECK(header.estimates[1].batch == 16);
}

TEST_CASE("each split keeps its own correction", "[cli]") {
  Database database;
  SessionHeader header = header_of();
  std::vector<Trial> trials = trials_of(header.estimates[0], 3);
  const auto more = trials_of(header.estimates[1], 8);
  trials.insert(trials.end(), more.begin(), more.end());
  learn(database.store(), header, trials);
  header.settings.effective = known(database.store(), header);
  CHECK(correction_of(header, 0).compute.factor() == Approx(3).epsilon(0.1));
  CHECK(correction_of(header, 1).compute.factor() == Approx(8).epsilon(0.1));

  learn(database.store(), header, trials);  // the roofline is what it was: so are its factors
  header.settings.effective = known(database.store(), header);
  CHECK(correction_of(header, 1).compute.factor() == Approx(8).epsilon(0.1));
}

TEST_CASE("a correction does not outlive the figures of its device", "[cli]") {
  Database database;
  SessionHeader header = header_of();
  learn(database.store(), header, trials_of(header.estimates[0], 3));
  CHECK(known(database.store(), header).size() == 1);
  SessionHeader calibrated = header;
  calibrated.devices[0].peaks[0].flops_per_second = 2e9;
  CHECK(known(database.store(), calibrated).empty());
  header.devices[0].version = "2";
  CHECK(known(database.store(), header).empty());
}

TEST_CASE("what factors do not explain is not kept", "[cli]") {
  Database database;
  const SessionHeader header = header_of();
  auto trials = trials_of(header.estimates[0], 3);
  for (std::size_t i = 0; i < trials.size(); i += 2) trials[i].measurement->undisturbed *= 2;
  learn(database.store(), header, trials);
  trials = trials_of(header.estimates[0], 3);
  trials[2].measurement->undisturbed = 0;
  learn(database.store(), header, trials);
  trials[2].measurement->undisturbed = std::numeric_limits<double>::quiet_NaN();
  learn(database.store(), header, trials);
  trials.resize(2);  // fewer than there are factors
  learn(database.store(), header, trials);
  CHECK(known(database.store(), header).empty());
}

TEST_CASE("a damaged note is passed over", "[cli]") {
  Database database;
  Store& store = database.store();
  const SessionHeader header = header_of();
  learn(store, header, trials_of(header.estimates[0], 3));
  Note note = store.notes("roofline", "simulated, simulated device")->at(0);
  for (const char* content :
       {"null", "[1]", R"({"compute":null,"memory":0,"overhead":0,"session":1})",
        R"({"compute":"1","memory":0,"overhead":0,"session":1})",
        R"({"compute":900,"memory":0,"overhead":0,"session":1})",
        R"({"compute":1,"memory":0,"overhead":0,"session":"u"})", R"({"compute":1})"}) {
    note.content = content;
    REQUIRE(store.put_note(note).has_value());
    CHECK(known(store, header).empty());
  }
  learn(store, header, trials_of(header.estimates[0], 3));
  CHECK(known(store, header).size() == 1);
}
