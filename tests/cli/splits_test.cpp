// How the CPUs are split where --instances and --threads say much, little or nothing.
#include "tuner/cli/splits.h"

#include <unistd.h>

#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "storage/store.h"
#include "tests/support/catch.h"
#include "tuner/cli/effective_settings.h"
#include "tuner/cli/host.h"
#include "tuner/cli/session_plan.h"
#include "tuner/core/value.h"
#include "tuner/workload/model_file.h"

using namespace batchtune;

namespace {

constexpr int kAnyNumber = std::numeric_limits<int>::max();

TuningRequest request_of(const std::string& instances, const std::string& threads,
                         const std::string& backend = "simulated") {
  TuningOptions options;
  options.backends = {backend};
  options.instances = instances;
  options.threads = threads;
  const auto request = parse_tuning(options);
  REQUIRE(request.has_value());
  return *request;
}

std::string splits(const std::string& instances, const std::string& threads, int cpus, int most) {
  std::string text;
  for (const Split& split : splits_of(request_of(instances, threads), cpus, most))
    text += (text.empty() ? "" : ", ") + std::to_string(split.instances) + "x" +
            std::to_string(split.threads);
  return text;
}

std::string splits(const std::string& instances, const std::string& threads, int cpus) {
  return splits(instances, threads, cpus, cpus);
}

Setting setting(const std::vector<Setting>& settings, const std::string& name) {
  for (const Setting& known : settings)
    if (known.name == name) return known;
  return {};
}

Estimate estimate_of(int instances, int threads) {
  Estimate estimate;
  estimate.group.backend = "simulated";
  estimate.group.instances = instances;
  estimate.group.threads = threads;
  return estimate;
}

std::vector<Setting> settings_of(const std::string& instances, const std::string& threads,
                                 std::vector<Estimate> estimates) {
  SessionHeader header;
  header.estimates = std::move(estimates);
  return effective_settings(request_of(instances, threads), {}, header, "");
}

}  // namespace

TEST_CASE("by default every divisor of the number of CPUs is a split", "[cli][splits]") {
  CHECK(splits("", "", 1) == "1x1");
  CHECK(splits("", "", 2) == "1x2, 2x1");
  CHECK(splits("", "", 6) == "1x6, 2x3, 3x2, 6x1");
  CHECK(splits("auto", "", 6) == splits("", "", 6));
  CHECK(splits("", "", 7) == "1x7, 7x1");
}

TEST_CASE("instances that are given share the CPUs", "[cli][splits]") {
  CHECK(splits("1", "", 4) == "1x4");
  CHECK(splits("1,2", "", 4) == "1x4, 2x2");
  CHECK(splits("3", "", 8) == "3x2");
}

TEST_CASE("threads that are given have one instance, unless more are asked for", "[cli][splits]") {
  CHECK(splits("", "2", 4) == "1x2");
  CHECK(splits("", "1,4", 4) == "1x1, 1x4");
  CHECK(splits("auto", "1", 4) == "1x1, 2x1, 4x1");
  CHECK(splits("auto", "1,2", 4) == "1x1, 2x1, 4x1, 1x2, 2x2");
  CHECK(splits("2", "2", 4) == "2x2");
}

TEST_CASE("of pairs those that need more than there is are left out", "[cli][splits]") {
  CHECK(splits("1,2", "1,2", 2) == "1x1, 2x1, 1x2");
  CHECK(splits("2", "2", 2) == "");
  CHECK(splits("1,2", "1,2", 2, kAnyNumber) == "1x1, 2x1, 1x2, 2x2");
}

TEST_CASE("numbers that fit nowhere are refused, but not by a simulated device", "[cli][splits]") {
  const int cpus = cpu_share().usable;
  const std::string all = std::to_string(cpus), more = std::to_string(cpus + 1);
  CHECK(check_splits(request_of("", "", "cpu")));
  CHECK(check_splits(request_of("1," + all, "1", "cpu")));
  CHECK(check_splits(request_of(all, "", "cpu")));
  const std::pair<std::string, std::string> fitting_nowhere[] = {
      {more, ""}, {"", more}, {more, "1"}, {"1," + more, "1"}, {"1", "1," + more}};
  for (const auto& [instances, threads] : fitting_nowhere) {
    INFO(instances << " x " << threads);
    const Status status = check_splits(request_of(instances, threads, "cpu"));
    REQUIRE_FALSE(status);
    CHECK(status.error().wanted.find("at most " + all + " threads in all") == 0);
    CHECK(check_splits(request_of(instances, threads)));
  }
}

TEST_CASE("settings name the splits, and where they come from", "[cli][splits]") {
  const auto one = settings_of("", "2", {estimate_of(1, 2)});
  CHECK(setting(one, "threads").value == Value(std::int64_t{2}));
  CHECK(setting(one, "threads").origin == "--threads");
  CHECK(setting(one, "instances").value == Value(std::int64_t{1}));
  CHECK(setting(one, "instances").origin == "default");
  const auto both = settings_of("", "", {estimate_of(1, 2), estimate_of(2, 1)});
  CHECK(setting(both, "threads").value == Value(std::string("2, 1")));
  CHECK(setting(both, "threads").origin == cpu_share().origin + ", shared by the instances");
  CHECK(setting(both, "instances").value == Value(std::string("1, 2")));
  CHECK(setting(both, "instances").origin == "default");
  CHECK(setting(settings_of("auto", "", {estimate_of(2, 1)}), "instances").origin == "--instances");
}

TEST_CASE("a session from before splits were searched goes on with its one group",
          "[cli][splits]") {
  const auto path =
      std::filesystem::temp_directory_path() / ("bt_splits_" + std::to_string(getpid()) + ".db");
  const auto store = Store::open(path, false);
  REQUIRE(store.has_value());
  std::filesystem::remove(path);
  const auto model = load_model("mlp");
  REQUIRE(model.has_value());
  SessionHeader header;  // requested neither --instances nor --threads
  header.command = "tune";
  header.simulated = true;
  header.strategy = "doubling";
  header.estimates = {estimate_of(1, 2)};
  const auto plan = make_plan(request_of("", ""), *model, header, **store);
  REQUIRE(plan.has_value());
  REQUIRE(plan->problem.groups.size() == 1);
  CHECK(plan->problem.groups[0].group == header.estimates[0].group);
}
