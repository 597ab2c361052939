// A visit: warm runs first, every sample kept, and every way in which a program may fail.
#include <new>
#include <stdexcept>
#include <system_error>

#include "tests/support/catch.h"
#include "tuner/measure/visit.h"

using namespace batchtune;

namespace {

// Run i (from 0) takes i + 1 seconds on each instance, plus 100 per instance; misbehaves at run
// `bad_run`.
class ScriptedProgram final : public Program {
 public:
  enum class Fault { none, ending, bad_alloc, no_thread, exception, no_duration };
  explicit ScriptedProgram(int instances, Fault fault = Fault::none, int bad_run = 0)
      : instances_(instances), fault_(fault), bad_run_(bad_run) {}

  Outcome<RunTimes> run(int n) override {
    REQUIRE(n == 1);
    const int number = runs++;
    if (number == bad_run_ && fault_ != Fault::none) return misbehave();
    RunTimes times;
    for (int instance = 0; instance < instances_; ++instance) {
      times.seconds.push_back(number + 1 + 100 * instance);
      times.instance.push_back(instance);
    }
    return times;
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{}; }
  MemoryUse memory() const override { return {}; }

  int runs = 0;

 private:
  Outcome<RunTimes> misbehave() {
    if (fault_ == Fault::bad_alloc) throw std::bad_alloc();
    if (fault_ == Fault::no_thread)
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    if (fault_ == Fault::exception) throw std::runtime_error("the device fell off");
    if (fault_ == Fault::no_duration) return RunTimes{};
    return tl::unexpected(Ending{TrialStatus::unsupported, "no", "", ""});
  }

  int instances_;
  Fault fault_;
  int bad_run_;
};

}  // namespace

TEST_CASE("a visit keeps one sample of each run and instance, warm ones first", "[visit]") {
  ScriptedProgram program(2);
  int beats = 0;
  const auto samples = run_visit(program, 2, 3, [&] { ++beats; });
  REQUIRE(samples);
  CHECK(*samples == std::vector<std::vector<Seconds>>{{1, 2, 3, 4, 5}, {101, 102, 103, 104, 105}});
  CHECK(program.runs == 5);
  CHECK(beats == 5);
}

TEST_CASE("visits can follow each other a thousand times", "[visit]") {
  ScriptedProgram program(1);
  for (int i = 0; i < 1000; ++i) REQUIRE(run_visit(program, 0, 1, [] {})->at(0).size() == 1);
  CHECK(program.runs == 1000);
}

TEST_CASE("a failure in a warm or a timed run ends the visit, and the next visit works",
          "[visit]") {
  using Fault = ScriptedProgram::Fault;
  const std::pair<Fault, TrialStatus> faults[] = {{Fault::ending, TrialStatus::unsupported},
                                                  {Fault::bad_alloc, TrialStatus::out_of_memory},
                                                  {Fault::no_thread, TrialStatus::out_of_memory},
                                                  {Fault::exception, TrialStatus::failed},
                                                  {Fault::no_duration, TrialStatus::failed}};
  for (const auto& [fault, status] : faults)
    for (const int bad_run : {0, 1, 2, 4}) {
      ScriptedProgram program(1, fault, bad_run);
      const auto samples = run_visit(program, 2, 3, [] {});
      REQUIRE_FALSE(samples);
      CHECK(samples.error().status == status);
      CHECK(samples.error().reason != "");
      CHECK(program.runs == bad_run + 1);
      ScriptedProgram good(1);
      CHECK(run_visit(good, 1, 1, [] {}).has_value());
    }
}
