// A visit: warm runs first, every sample kept, and every way in which a program may fail.
#include <cmath>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/measure/visit.h"

using namespace batchtune;

namespace {

// Run i (from 0) takes (i + 1) x `unit` on the first instance, 100 units more on each further one;
// misbehaves at run `bad_run`.
class ScriptedProgram final : public Program {
 public:
  enum class Fault {
    none,
    ending,
    bad_alloc,
    no_thread,
    exception,
    no_duration,
    nan,
    below_0,
    twice
  };
  explicit ScriptedProgram(int instances, Fault fault = Fault::none, int bad_run = 0)
      : instances_(instances), fault_(fault), bad_run_(bad_run) {}

  Outcome<RunTimes> run(int n) override {
    calls.push_back(n);
    RunTimes times;
    for (int i = 0; i < n; ++i) {
      const int number = runs++;
      if (number == bad_run_ && fault_ != Fault::none) return misbehave();
      for (int instance = 0; instance < instances_; ++instance) {
        times.seconds.push_back(unit * (number + 1 + 100 * instance));
        times.instance.push_back(instance);
      }
    }
    return times;
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{}; }
  MemoryUse memory() const override { return {}; }

  int runs = 0;
  std::vector<int> calls;  // how many runs each was of
  Seconds unit = 1;

 private:
  Outcome<RunTimes> misbehave() {
    if (fault_ == Fault::bad_alloc) throw std::bad_alloc();
    if (fault_ == Fault::no_thread)
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    if (fault_ == Fault::exception) throw std::runtime_error("the device fell off");
    if (fault_ == Fault::no_duration) return RunTimes{};
    if (fault_ == Fault::nan) return RunTimes{{std::nan("")}, {0}};
    if (fault_ == Fault::below_0) return RunTimes{{-1e-9}, {0}};
    if (fault_ == Fault::twice) return RunTimes{{1, 1}, {0, 0}};
    return tl::unexpected(Ending{TrialStatus::unsupported, "no", "", ""});
  }

  int instances_;
  Fault fault_;
  int bad_run_;
};

// What happened, in order; "." is the end of a run.
class Log final : public VisitHooks {
 public:
  void before(std::size_t visit) override { said += "before" + std::to_string(visit) + " "; }
  void before_timed(std::size_t visit) override { said += "timed" + std::to_string(visit) + " "; }
  void after_run() override { said += ". "; }
  void after(std::size_t visit) override { said += "after" + std::to_string(visit) + " "; }

  std::string said;
};

VisitRuns run_one(Program& program, int warm, int timed, Log& log, int instances = 1) {
  const VisitPlan plan{&program, warm, timed, instances};
  return run_visits({&plan, 1}, log).at(0);
}

}  // namespace

TEST_CASE("a visit keeps one sample of each run and instance, warm ones first", "[visit]") {
  ScriptedProgram program(2);
  Log log;
  const VisitRuns runs = run_one(program, 2, 3, log, 2);
  REQUIRE(runs.ending == Ending{});
  CHECK(runs.instances ==
        std::vector<std::vector<Seconds>>{{1, 2, 3, 4, 5}, {101, 102, 103, 104, 105}});
  CHECK(program.runs == 5);
  CHECK_FALSE(runs.gap);
  CHECK(log.said == "before0 . . timed0 . . . after0 ");
}

TEST_CASE("several instances make many runs in one call, so that they need not wait", "[visit]") {
  ScriptedProgram program(2);
  program.unit = 1e-6;
  Log log;
  CHECK(run_one(program, 4, 100, log, 2).instances.at(1).size() == 104);
  CHECK(program.calls == std::vector<int>{1, 3, 64, 36});
  CHECK(log.said == "before0 . . timed0 . . after0 ");
}

TEST_CASE("a call with several instances lasts some ten milliseconds, or one run", "[visit]") {
  ScriptedProgram program(2);
  program.unit = 100e-6;  // the second instance takes some 10 ms
  Log log;
  CHECK(run_one(program, 0, 6, log, 2).ending == Ending{});
  CHECK(program.calls == std::vector<int>{1, 2, 2, 1});
  program.unit = 1;
  program.calls.clear();
  CHECK(run_one(program, 0, 3, log, 2).ending == Ending{});
  CHECK(program.calls == std::vector<int>{1, 1, 1});
}

TEST_CASE("an instance that is not heard of fails the visit", "[visit]") {
  for (const int instances : {1, 3}) {
    ScriptedProgram program(2);
    Log log;
    CHECK(run_one(program, 1, 2, log, instances).ending.status == TrialStatus::failed);
  }
}

TEST_CASE("visits of a share come in order, nothing but hooks between, and gaps are told",
          "[visit]") {
  ScriptedProgram first(1), second(1);
  Log log;
  const VisitPlan plans[] = {{&first, 0, 2}, {&second, 1, 1}, {&first, 0, 1}};
  const auto runs = run_visits(plans, log);
  REQUIRE(runs.size() == 3);
  CHECK(log.said == "before0 timed0 . . after0 before1 . timed1 . after1 before2 timed2 . after2 ");
  CHECK(runs[2].instances == std::vector<std::vector<Seconds>>{{3}});
  CHECK_FALSE(runs[0].gap);
  CHECK(runs[1].gap > 0);
  CHECK(runs[2].gap > 0);
  CHECK(run_visits({}, log).empty());
}

TEST_CASE("visits can follow each other a thousand times, in one share and in many", "[visit]") {
  ScriptedProgram program(1);
  Log log;
  for (int i = 0; i < 1000; ++i) REQUIRE(run_one(program, 0, 1, log).instances.at(0).size() == 1);
  const std::vector<VisitPlan> plans(1000, VisitPlan{&program, 0, 1});
  for (const VisitRuns& runs : run_visits(plans, log)) REQUIRE(runs.instances.at(0).size() == 1);
  CHECK(program.runs == 2000);
}

TEST_CASE("a failure in a warm or a timed run ends the visit, and the next visit works",
          "[visit]") {
  using Fault = ScriptedProgram::Fault;
  const std::pair<Fault, TrialStatus> faults[] = {{Fault::ending, TrialStatus::unsupported},
                                                  {Fault::bad_alloc, TrialStatus::out_of_memory},
                                                  {Fault::no_thread, TrialStatus::out_of_memory},
                                                  {Fault::exception, TrialStatus::failed},
                                                  {Fault::no_duration, TrialStatus::failed},
                                                  {Fault::nan, TrialStatus::failed},
                                                  {Fault::below_0, TrialStatus::failed}};
  for (const auto& [fault, status] : faults)
    for (const int bad_run : {0, 1, 2, 4}) {
      ScriptedProgram program(1, fault, bad_run), good(1);
      Log log;
      const VisitPlan plans[] = {{&program, 2, 3}, {&good, 1, 1}};
      const auto runs = run_visits(plans, log);
      CHECK(runs[0].ending.status == status);
      CHECK(runs[0].ending.reason != "");
      CHECK(runs[0].instances.empty());
      CHECK(program.runs == bad_run + 1);
      CHECK(runs[1].ending == Ending{});
      CHECK(good.runs == 2);
    }
}

TEST_CASE("a visit has one duration of each run and instance, or failed", "[visit]") {
  ScriptedProgram program(1, ScriptedProgram::Fault::twice, 1);
  Log log;
  CHECK(run_one(program, 1, 2, log).ending.status == TrialStatus::failed);
}

namespace {

// Makes its runs at the first of those that were announced, as a started process does.
class StartedProgram final : public Program {
 public:
  void announce(int runs) override { announced.push_back(runs); }
  Seconds take_extra() override { return std::exchange(extra_, 0); }
  Outcome<RunTimes> run(int) override {
    extra_ += 0.25;
    return RunTimes{{1}, {0}};
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{}; }
  MemoryUse memory() const override { return {}; }

  std::vector<int> announced;

 private:
  Seconds extra_ = 0;
};

}  // namespace

TEST_CASE("a visit announces its runs and tells what passed beside them", "[visit]") {
  StartedProgram program;
  const VisitPlan plans[] = {{&program, 1, 3, 1}, {&program, 0, 2, 1}};
  Log log;
  const std::vector<VisitRuns> runs = run_visits(plans, log);
  CHECK(program.announced == std::vector<int>{4, 2});
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].extra == Approx(1.0));
  CHECK(runs[1].extra == Approx(0.5));
}
