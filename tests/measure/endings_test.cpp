// The whole table of endings: from what was seen of a dead worker to status, evidence and place.
#include "tuner/measure/endings.h"

#include <csignal>
#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

constexpr Bytes kGiB = Bytes{1} << 30;
using How = EndingEvidence::How;

int exit_status(int code) {
  return code << 8;
}

// Killed by SIGKILL in the first run of batch 8, with 2 of 16 GiB taken and nothing counted.
EndingEvidence killed() {
  EndingEvidence seen;
  seen.wait_status = SIGKILL;
  seen.last = {Phase::first_run, 5, 8, 12};
  seen.peak_resident = 2 * kGiB;
  seen.limiter_kills = 0;
  seen.system_kills = 0;
  seen.memory_stall = 0.01;
  seen.available = 16 * kGiB;
  return seen;
}

struct Row {
  const char* what;
  EndingEvidence seen;
  TrialStatus status;
  const char* evidence;  // begins with it
  const char* where;
  bool killed, unexplained;
};

template <typename Change>
EndingEvidence with(EndingEvidence seen, Change change) {
  change(seen);
  return seen;
}

std::vector<Row> table() {
  using E = EndingEvidence;
  constexpr auto oom = TrialStatus::out_of_memory;
  constexpr auto crashed = TrialStatus::crashed;
  const auto silent = [](E& e) { e.how = How::silent, e.silence = 60; };
  return {
      {"a kill under the limit", with(killed(), [](E& e) { e.limiter_kills = 2; }), oom,
       "cgroup_oom_kill: 2 ", "device", true, false},
      {"both counters rose: its own limit",
       with(killed(),
            [](E& e) {
              e.limiter_kills = 1;
              e.system_kills = 1;
            }),
       oom, "cgroup_oom_kill", "device", true, false},
      {"a kill of the machine's", with(killed(), [](E& e) { e.system_kills = 1; }), oom,
       "system_oom (probable)", "host", true, false},
      {"nearly all memory taken", with(killed(), [](E& e) { e.peak_resident = 15 * kGiB; }), oom,
       "inferred: it held 15.0 GiB of 16.0 GiB free", "host", true, false},
      {"nearly all memory, but its parent's",
       with(killed(), [](E& e) { e.peak_resident = 15 * kGiB, e.at_most = true; }), crashed,
       "signal 9", "", true, true},
      {"tasks waited for memory", with(killed(), [](E& e) { e.memory_stall = 0.5; }), oom,
       "inferred: tasks waited", "host", true, false},
      {"nothing counted", killed(), crashed, "signal 9 (Killed): unknown SIGKILL", "", true, true},
      {"nothing to be counted with",
       with(killed(),
            [](E& e) {
              e.limiter_kills = e.system_kills = std::nullopt;
              e.memory_stall = std::nullopt;
              e.available = std::nullopt;
            }),
       crashed, "signal 9 (Killed): unknown SIGKILL", "", true, true},
      {"pressure, but it was timing",
       with(killed(),
            [](E& e) {
              e.memory_stall = 5;
              e.peak_resident = 15 * kGiB;
              e.last.phase = Phase::timed;
            }),
       crashed, "signal 9", "", true, true},
      {"a crash beside somebody else's kill",
       with(killed(),
            [](E& e) {
              e.wait_status = SIGSEGV;
              e.system_kills = 1;
            }),
       crashed, "signal 11", "", false, false},
      {"SIGBUS", with(killed(), [](E& e) { e.wait_status = SIGBUS; }), crashed, "signal 7", "",
       false, false},
      {"abort, with a core's flag", with(killed(), [](E& e) { e.wait_status = SIGABRT | 0x80; }),
       crashed, "signal 6", "", false, false},
      {"exit", with(killed(), [](E& e) { e.wait_status = exit_status(3); }), crashed, "exit code 3",
       "", false, false},
      {"exit without a fault", with(killed(), [](E& e) { e.wait_status = 0; }), crashed,
       "exit code 0", "", false, false},
      {"silence", with(killed(), silent), TrialStatus::timeout, "killed after 60", "", true, false},
      {"silence beside the machine's kill",
       with(killed(),
            [&](E& e) {
              silent(e);
              e.system_kills = 1;
            }),
       TrialStatus::timeout, "killed after 60", "", true, false},
      {"garbage", with(killed(), [](E& e) { e.how = How::garbage, e.detail = "a frame of 5"; }),
       TrialStatus::failed, "a frame of 5", "", false, false},
      {"a closed channel", with(killed(), [](E& e) { e.how = How::deaf; }), TrialStatus::failed,
       "while it lived", "", false, false},
  };
}

}  // namespace

TEST_CASE("each kind of evidence gives its own ending", "[endings]") {
  for (const Row& row : table()) {
    INFO(row.what);
    const Judgement judgement = judge(row.seen);
    INFO(judgement.ending.evidence);
    CHECK(judgement.ending.status == row.status);
    CHECK(judgement.ending.evidence.rfind(row.evidence, 0) == 0);
    CHECK(judgement.ending.where == row.where);
    CHECK(judgement.killed == row.killed);
    CHECK(judgement.unexplained == row.unexplained);
    CHECK_FALSE(judgement.ending.reason.empty());
    CHECK(judgement.ending.evidence.find("batch 8") != std::string::npos);
    CHECK(judgement.ending.evidence.find("peak resident") != std::string::npos);
  }
}

TEST_CASE("memory is inferred in exactly the phases that take memory", "[endings]") {
  for (int number = 0; number <= static_cast<int>(Phase::soak); ++number) {
    EndingEvidence seen = killed();
    seen.last.phase = static_cast<Phase>(number);
    seen.peak_resident = 15 * kGiB;
    const bool taking = seen.last.phase == Phase::loading || seen.last.phase == Phase::preparing ||
                        seen.last.phase == Phase::first_run || seen.last.phase == Phase::checking ||
                        seen.last.phase == Phase::soak;
    CHECK((judge(seen).ending.status == TrialStatus::out_of_memory) == taking);
  }
}

TEST_CASE("the last seen phase names the batch where there is one", "[endings]") {
  EndingEvidence seen = killed();
  seen.last = {Phase::preparing, 1, 8, 1};
  CHECK(last_seen(seen) == ", last seen preparing batch 8, peak resident 2.00 GiB");
  seen.at_most = true;
  CHECK(last_seen(seen) == ", last seen preparing batch 8, peak resident at most 2.00 GiB");
  seen.last = {Phase::loading, 0, 0, 1};
  seen.peak_resident = 0;
  CHECK(last_seen(seen) == ", last seen loading the model");
}
