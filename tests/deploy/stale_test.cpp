// What makes a session stale, and what does not.
#include "tuner/deploy/stale.h"

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

DeviceInfo device_of(const std::string& version) {
  DeviceInfo device;
  device.backend = "cpu";
  device.name = "A CPU, 2 CPUs";
  device.version = version;
  return device;
}

SessionHeader session() {
  SessionHeader header;
  header.model.hash = "abcd";
  header.devices = {device_of("1.0")};
  header.environment = {{"cpu.model", std::string("A CPU")},
                        {"cpu.affinity", std::int64_t{2}},
                        {"cpu.quota", Value()},
                        {"kernel", std::string("Linux 6.1")},
                        {"driver.neuron", std::string("2.10")},
                        {"version", std::string("0.1.0")},
                        {"build.id", std::string("aa")}};
  return header;
}

Present present() {
  return {session().environment, "abcd", device_of("1.0"), ""};
}

void set(Environment& environment, const std::string& name, const Value& value) {
  for (auto& [key, old] : environment)
    if (key == name) old = value;
}

}  // namespace

TEST_CASE("nothing is stale where nothing has changed", "[deploy]") {
  const Staleness staleness = staleness_of(session(), "cpu", present());
  CHECK(staleness.reasons.empty());
  CHECK(staleness.unchecked.empty());
}

TEST_CASE("each change is a reason in words, then and now", "[deploy]") {
  const auto reasons = [](auto change) {
    Present now = present();
    change(now);
    return staleness_of(session(), "cpu", now).reasons;
  };
  using Reasons = std::vector<std::string>;
  CHECK(reasons([](Present& now) { now.model_hash = "ef01"; }) ==
        Reasons{"model: abcd then, ef01 now"});
  CHECK(reasons([](Present& now) { now.device = device_of("2.0"); }) ==
        Reasons{"runtime: 1.0 then, 2.0 now"});
  CHECK(reasons([](Present& now) { now.device->name = "B"; }) ==
        Reasons{"device: A CPU, 2 CPUs then, B now"});
  CHECK(reasons([](Present& now) { set(now.environment, "cpu.model", std::string("B")); }) ==
        Reasons{"CPU: A CPU then, B now"});
  CHECK(reasons([](Present& now) { set(now.environment, "cpu.quota", 1.5); }) ==
        Reasons{"CPU quota: none then, 1.50000 now"});
  CHECK(reasons([](Present& now) { set(now.environment, "driver.neuron", std::string("2.11")); }) ==
        Reasons{"driver: 2.10 then, 2.11 now"});
  CHECK(reasons([](Present& now) {
          now.environment.emplace_back("driver.other", std::string("1"));
        }) == Reasons{"driver: none then, 1 now"});
  CHECK(reasons([](Present& now) {
          set(now.environment, "version", std::string("0.2.0"));
          set(now.environment, "build.id", std::string("bb"));
        }) == Reasons{"batchtune: 0.1.0 then, 0.2.0 now", "build of batchtune: aa then, bb now"});
  CHECK(reasons([](Present& now) {
          now.device.reset();
          now.device_failure = "no such library";
        }) == Reasons{"device: A CPU, 2 CPUs then, cannot be opened now (no such library)"});
}

TEST_CASE("a new kernel of the operating system makes nothing stale", "[deploy]") {
  Present now = present();
  set(now.environment, "kernel", std::string("Linux 6.2"));
  CHECK(staleness_of(session(), "cpu", now).reasons.empty());
}

TEST_CASE("a simulated device depends on no CPU, but on the tool", "[deploy]") {
  SessionHeader then = session();
  then.simulated = true;
  Present now = present();
  set(now.environment, "cpu.model", std::string("B"));
  set(now.environment, "driver.neuron", std::string("2.11"));
  CHECK(staleness_of(then, "cpu", now).reasons.empty());
  set(now.environment, "build.id", std::string("bb"));
  CHECK(staleness_of(then, "cpu", now).reasons.size() == 1);
}

TEST_CASE("what could not be looked at is named, and is no reason", "[deploy]") {
  Present now = present();
  now.model_hash.reset();
  now.device.reset();
  const Staleness staleness = staleness_of(session(), "cpu", now);
  CHECK(staleness.reasons.empty());
  CHECK(staleness.unchecked == std::vector<std::string>{"model", "device"});
}
