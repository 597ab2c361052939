// What outlives a session: ceilings and quiet levels as notes; and what joins a session late.
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/cli/fake_machine.h"
#include "tests/support/catch.h"
#include "tuner/cli/ceilings.h"
#include "tuner/cli/defaults.h"
#include "tuner/cli/loaded_settings.h"
#include "tuner/cli/outside_share.h"
#include "tuner/cli/quiet_notes.h"

using namespace batchtune;
namespace fs = std::filesystem;

namespace {

// A database of the test's own.
class Database {
 public:
  Database() : path_(fs::temp_directory_path() / ("bt_notes_" + std::to_string(getpid()) + ".db")) {
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

const CandidateGroup kGroup{"simulated", DType::f32, 2, 1, {}};

SessionHeader header_of(Bytes limit) {
  SessionHeader header;
  header.uuid = "u";
  header.model.hash = "0123456789abcdef";
  header.wishes.memory_limit = limit;
  DeviceInfo device;
  device.name = "simulated device";
  device.backend = "simulated";
  header.devices = {device};
  Estimate estimate;
  estimate.group = kGroup;
  header.estimates = {estimate};
  return header;
}

Boundary boundary_of(std::int64_t fits, std::int64_t fails) {
  Boundary boundary;
  boundary.group = kGroup;
  boundary.kind = BoundaryKind::probed;
  boundary.largest_fitting = fits;
  boundary.smallest_failing = fails;
  return boundary;
}

}  // namespace

TEST_CASE("a ceiling is known again for the same device, model, group and limit alone", "[cli]") {
  Database database;
  Store& store = database.store();
  const std::vector<std::string> backends{"simulated:wall=1GiB"};
  SessionHeader header = header_of(1000);
  REQUIRE(keep_ceilings(store, backends, header, {boundary_of(212, 213)}).has_value());

  const auto known = known_ceilings(store, backends, header);
  REQUIRE(known.has_value());
  REQUIRE(known->size() == 1);
  header.settings.effective = *known;
  const std::vector<Ceiling> ceilings = ceilings_of(header);
  REQUIRE(ceilings.size() == 1);
  CHECK(ceilings[0].group == kGroup);
  CHECK(ceilings[0].limit == 1000);
  CHECK(ceilings[0].fits == 212);
  CHECK(ceilings[0].fails == 213);

  CHECK(known_ceilings(store, backends, header_of(1001))->empty());
  CHECK(known_ceilings(store, {"simulated:wall=2GiB"}, header)->empty());
  SessionHeader other_model = header;
  other_model.model.hash = "fedcba9876543210";
  CHECK(known_ceilings(store, backends, other_model)->empty());
  SessionHeader other_group = header;
  other_group.estimates[0].group.threads = 1;
  CHECK(known_ceilings(store, backends, other_group)->empty());
}

TEST_CASE("a ceiling that proved different is replaced, a predicted one never kept", "[cli]") {
  Database database;
  const std::vector<std::string> backends{"simulated"};
  SessionHeader header = header_of(1000);
  Boundary predicted = boundary_of(5, 6);
  predicted.kind = BoundaryKind::predicted;
  Boundary open_end = boundary_of(5, 6);
  open_end.smallest_failing.reset();
  REQUIRE(keep_ceilings(database.store(), backends, header, {predicted, open_end}).has_value());
  CHECK(known_ceilings(database.store(), backends, header)->empty());
  for (const std::int64_t fits : {212, 190})
    REQUIRE(keep_ceilings(database.store(), backends, header, {boundary_of(fits, fits + 1)})
                .has_value());
  header.settings.effective = *known_ceilings(database.store(), backends, header);
  REQUIRE(ceilings_of(header).size() == 1);
  CHECK(ceilings_of(header)[0].fits == 190);
}

TEST_CASE("quiet levels are known again for the same CPUs", "[cli]") {
  Database database;
  Store& store = database.store();
  const QuietLevels levels{{30.5e-6, 31e-6}, {100e-6, 0.00010123456789}, {78.25e-9}};
  CHECK(known_quiet_levels(store, {0, 1}) == QuietLevels{});
  REQUIRE(keep_quiet_levels(store, {0, 1}, levels).has_value());
  CHECK(known_quiet_levels(store, {0, 1}) == levels);
  CHECK(known_quiet_levels(store, {0}) == QuietLevels{});
  CHECK(known_quiet_levels(store, {2, 3}) == QuietLevels{});
  REQUIRE(keep_quiet_levels(store, {0, 1}, {}).has_value());  // nothing learned
  CHECK(known_quiet_levels(store, {0, 1}) == levels);
}

TEST_CASE("quiet levels older than a week are forgotten", "[cli]") {
  constexpr std::time_t kDay = 24 * 3600;
  Database database;
  const QuietLevels levels{{30e-6}, {100e-6}, {}};
  REQUIRE(keep_quiet_levels(database.store(), {0}, levels).has_value());
  const std::time_t now = std::time(nullptr);
  CHECK(known_quiet_levels(database.store(), {0}, now + 6 * kDay) == levels);
  CHECK(known_quiet_levels(database.store(), {0}, now + 8 * kDay) == QuietLevels{});
}

TEST_CASE("processors of one name and different stepping have quiet levels of their own", "[cli]") {
  test::FakeMachine machine;
  const auto name = [&](const char* model, const char* stepping) {
    machine.write("/proc/cpuinfo", std::string("cpu family\t: 26\nmodel\t\t: ") + model +
                                       "\nmodel name\t: AMD EPYC\nstepping\t: " + stepping + "\n");
    return quiet_key({0, 1}, machine.root()).name;
  };
  CHECK(name("2", "1") == "family 26, model 2, stepping 1, CPUs 0,1");
  CHECK(name("2", "1") != name("2", "0"));
  CHECK(name("2", "1") != name("17", "1"));
}

TEST_CASE("settings of a load join the session's, once", "[cli]") {
  SessionHeader header = header_of(1000);
  header.settings.effective = {{"threads", std::int64_t{2}, "affinity"}};
  LoadNotice notice;
  notice.group = kGroup;
  notice.report.effective = {{"isa", std::string("avx2"), "backend"},
                             {"simulated.wall", std::int64_t{5}, "backend"}};
  CHECK(add_loaded_settings(header, notice));
  CHECK_FALSE(add_loaded_settings(header, notice));
  REQUIRE(header.settings.effective.size() == 3);
  CHECK(header.settings.effective[1].name == "simulated.isa");
  CHECK(header.settings.effective[2].name == "simulated.wall");
  notice.report.effective[0].value = std::string("avx512");
  CHECK(add_loaded_settings(header, notice));
  CHECK(header.settings.effective.size() == 3);
  CHECK(to_string(header.settings.effective[1].value) == "avx512");
}

TEST_CASE("of several groups those settings are numbered that differ", "[cli]") {
  SessionHeader header = header_of(1000);
  Estimate second = header.estimates[0];
  second.group.threads = 1;
  header.estimates.push_back(second);
  LoadNotice notice;
  notice.group = header.estimates[0].group;
  notice.report.effective = {{"isa", std::string("avx2"), "backend"},
                             {"threads", std::int64_t{2}, "backend"}};
  CHECK(add_loaded_settings(header, notice));
  notice.group = second.group;
  notice.report.effective[1].value = std::int64_t{1};
  CHECK(add_loaded_settings(header, notice));
  CHECK_FALSE(add_loaded_settings(header, notice));
  const std::vector<Setting>& effective = header.settings.effective;
  REQUIRE(effective.size() == 3);
  CHECK(effective[0].name == "simulated.isa");
  CHECK(effective[1].name == "simulated.threads");
  CHECK(effective[2].name == "simulated.threads.2");
  CHECK(effective[2].value == Value(std::int64_t{1}));
}

TEST_CASE("outside is what neither prepares, measures, probes nor watches", "[cli]") {
  std::vector<Observation> observations(3);
  Preparation preparation;
  preparation.load_seconds = 1;
  observations[0] = {preparation, 0, 2, 3.5, 0};  // 3 of 3.5 s: loading and preparing
  observations[1] = {Round{}, 3.5, 1.5, 2, 0.3};  // 1.8 of 2 s: runs and canaries
  observations[2] = {Probe{}, 5.5, 1, 2, 0};      // a probe counts whole
  CHECK(*outside_share(observations, 10) == Approx(0.32));
  CHECK_FALSE(outside_share({}, 10).has_value());
  CHECK_FALSE(outside_share(observations, 0).has_value());
}

TEST_CASE("what could take the system down is refused or marked", "[cli]") {
  TuningOptions options;
  options.memory_limit = "1048576GiB";
  const auto with = [&](const char* limiter, bool allowed, const char* backend) {
    options.limiter = limiter;
    options.allow_system_oom = allowed;
    options.backends = {backend};
    return *parse_tuning(options);
  };
  const Status refused = check_memory_limit(with("none", false, "cpu"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::bad_input);
  CHECK(refused.error().todo.find("--allow-system-oom") != std::string::npos);
  CHECK(check_memory_limit(with("none", true, "cpu")).has_value());
  CHECK(check_memory_limit(with("none", false, "simulated")).has_value());
  CHECK(check_memory_limit(with("auto", false, "cpu")).has_value());
  // A limiter does not hold what the machine does not have.
  CHECK(safe_memory(with("auto", false, "cpu"), Bytes{1} << 50).has_value());
  CHECK_FALSE(safe_memory(with("auto", false, "cpu"), 1).has_value());
  CHECK(safe_memory(with("none", false, "cpu"), 1).has_value());
  CHECK_FALSE(safe_memory(with("none", true, "cpu"), 1).has_value());
  TuningRequest by_default;  // its limit is a share of what was available a moment before
  CHECK_FALSE(safe_memory(by_default, Bytes{1} << 50).has_value());
  CHECK_FALSE(safe_memory(with("none", false, "simulated"), Bytes{1} << 50).has_value());
}
