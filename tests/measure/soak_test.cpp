// What a soak makes of runs and of memory: steady, growing, tiring, and too short to say.
#include "tuner/measure/soak.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tests/measure/fault_backends.h"
#include "tests/support/catch.h"

using namespace batchtune;

namespace {

constexpr Bytes kMiB = Bytes{1} << 20;

SoakRecord record_of(int runs, const std::function<Seconds(int)>& seconds_of) {
  SoakRecord record;
  for (int i = 0; i < runs; ++i) record.add(seconds_of(i));
  return record;
}

}  // namespace

TEST_CASE("steady runs are ok, also beside a neighbour", "[soak]") {
  CHECK(judge_soak(record_of(100, [](int) { return 0.1; })) == Ending{});
  // The last two thirds are slow four times of five.
  CHECK(judge_soak(record_of(300, [](int i) { return i > 100 && i % 5 != 0 ? 0.2 : 0.1; })) ==
        Ending{});
}

TEST_CASE("a pace that falls is told of, with both figures", "[soak]") {
  const Ending ending = judge_soak(record_of(90, [](int i) { return i < 40 ? 0.1 : 0.13; }));
  CHECK(ending.status == TrialStatus::unstable);
  CHECK(ending.reason == "it slows down under sustained load");
  CHECK(ending.evidence.find("30 % more") != std::string::npos);
  CHECK(judge_soak(record_of(11, [](int i) { return 0.1 + i; })) == Ending{});  // too few to say
}

TEST_CASE("memory that grows in each quarter is told of, and one step is not", "[soak]") {
  SoakRecord record;
  record.resident = {100 * kMiB, 110 * kMiB, 120 * kMiB, 130 * kMiB};
  CHECK(judge_soak(record).reason == "its memory keeps growing under sustained load");
  record.resident = {100 * kMiB, 150 * kMiB, 150 * kMiB, 150 * kMiB};
  CHECK(judge_soak(record) == Ending{});
  record.resident = {1000 * kMiB, 1005 * kMiB, 1010 * kMiB, 1015 * kMiB};  // less than 1 % each
  CHECK(judge_soak(record) == Ending{});
  record.resident = {100 * kMiB, 200 * kMiB};  // one run covered the rest
  CHECK(judge_soak(record) == Ending{});
}

TEST_CASE("a record of a million runs keeps some thousand, in order and evenly spread", "[soak]") {
  const SoakRecord record = record_of(1000000, [](int i) { return i; });
  CHECK(record.runs.size() <= 8192);
  CHECK(record.runs.size() >= 4096);
  for (std::size_t i = 0; i < record.runs.size(); ++i)
    REQUIRE(record.runs[i] == static_cast<double>(record.stride) * static_cast<double>(i));
}

TEST_CASE("a soak runs for its seconds", "[soak]") {
  LoadReport report;
  const auto model = open_fault_backend("tiring", "")->load({}, {}, report);
  REQUIRE(model);
  const auto program = (*model)->prepare({});
  REQUIRE(program);
  int beats = 0;
  const auto soaked = soak(**program, 30, [&] { ++beats; });
  CHECK(soaked.spent >= 30);
  CHECK(soaked.runs > 20);
  CHECK(soaked.ending.status == TrialStatus::unstable);
  CHECK(beats == soaked.runs);
  CHECK(soak(**program, 0, [] {}).runs == 1);
}

TEST_CASE("a backend that reports no time soaks in real time, and one that reports none fails",
          "[soak]") {
  LoadReport report;
  const auto soaked = [&](const std::string& seconds) {
    const auto model = open_fault_backend("reports", seconds)->load({}, {}, report);
    const auto program = (*model)->prepare({});
    return soak(**program, 0.02, [] {});
  };
  CHECK(soaked("0").ending == Ending{});
  CHECK(soaked("0").runs > 1);
  for (const char* none : {"nan", "inf", "-1"}) {
    CHECK(soaked(none).ending.status == TrialStatus::failed);
    CHECK(soaked(none).runs == 0);
  }
}

namespace {

// 1 ms a run, and 10 s for starting: once for those that were announced, or for each.
class StartedProgram final : public Program {
 public:
  explicit StartedProgram(bool for_each) : for_each_(for_each) {}
  void announce(int) override { made_ = false; }
  Seconds take_extra() override { return std::exchange(extra_, 0); }
  Outcome<RunTimes> run(int) override {
    if (for_each_ || !std::exchange(made_, true)) extra_ = 10;
    return RunTimes{{0.001}, {0}};
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{}; }
  MemoryUse memory() const override { return {}; }

 private:
  bool for_each_, made_ = false;
  Seconds extra_ = 0;
};

}  // namespace

TEST_CASE("a soak takes runs that are made already, and starts no process more", "[soak]") {
  StartedProgram together(false), alone(true);
  const auto soaked = soak(together, 10.5, [] {});
  CHECK(soaked.runs > 400);
  CHECK(soaked.spent == Approx(20 + 0.001 * soaked.runs));
  CHECK(soak(alone, 10.5, [] {}).runs <= 3);
}
