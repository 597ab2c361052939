// What measuring tells: a preparation, a round or a memory probe. An observation is what the
// strategy is told, what the store keeps (one transaction each, in order), and what --resume tells
// again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/core/units.h"

namespace batchtune {

enum class TrialStatus {
  ok,
  unstable,       // measured, but too noisy to rank; kept and marked
  out_of_memory,  // by account, allocator, limit or device: see the evidence
  timeout,
  crashed,
  unsupported,   // the backend cannot do this candidate at all
  wrong_result,  // the output differs from the batch-1 output: never a fast number
  failed,        // anything else, with the reason
};
inline constexpr TrialStatus kTrialStatuses[] = {
    TrialStatus::ok,           TrialStatus::unstable, TrialStatus::out_of_memory,
    TrialStatus::timeout,      TrialStatus::crashed,  TrialStatus::unsupported,
    TrialStatus::wrong_result, TrialStatus::failed};
std::string_view name_of(TrialStatus status);
std::optional<TrialStatus> parse_trial_status(std::string_view text);

// How something ended other than ok. `where` is "device", "host" or "compile" for out_of_memory.
struct Ending {
  TrialStatus status = TrialStatus::ok;
  std::string reason;    // in words; empty only when ok
  std::string evidence;  // "account: wanted 3.1 GiB of 2.0 GiB", "signal 11", "no beat for 60 s"
  std::string where;

  bool operator==(const Ending&) const = default;
};

// Bytes a program needs and how they are known.
enum class MemoryKind { account, rss, device };
std::string_view name_of(MemoryKind kind);
struct MemoryUse {
  Bytes weights = 0;
  Bytes activations = 0;
  Bytes workspace = 0;
  MemoryKind kind = MemoryKind::account;

  Bytes total() const { return weights + activations + workspace; }
  bool operator==(const MemoryUse&) const = default;
};

// A session's number for a candidate, from 1 in the order of first preparation. 0: none.
using TrialId = int;

struct Preparation {
  TrialId trial = 0;
  Candidate candidate;
  Ending ending;
  Seconds prepare_seconds = 0;  // without loading weights
  Seconds load_seconds = 0;     // > 0 only for the preparation that loaded the weights
  std::optional<Seconds>
      first_run;  // seconds of the checked first run; nullopt when it did not run
  std::optional<MemoryUse>
      memory;  // as the racing worker accounts it; the solo probe's is reported
  // Of prepare_seconds, waited for the compiler; 0: it was compiled before. nullopt: the backend does not compile.
  std::optional<Seconds> compile_seconds;
  std::vector<std::int64_t> compiled;  // batches of the group found compiled when the model was loaded
};

// What the machine was like around one visit; what could not be read is absent.
struct HostState {
  // Seconds of a fixed burst on each of the session's CPUs, the slower of the one before and the
  // one after the visit: register arithmetic alone, and reads of a block that lies in the last
  // cache. Empty: no canaries ran.
  std::vector<Seconds> compute_canary, cache_canary;
  std::vector<double> compute_cycles;  // of the former, which its seconds leave open where the clock
                                       // wanders; empty: not known
  // Of a cache line's round trip between neighbouring CPUs (the first two, the next two, ...): long
  // when a hypervisor has put them on cores that share no cache. Empty also for one CPU.
  std::vector<Seconds> exchange_canary;
  std::optional<double> clock_hz;  // of the slowest CPU: a chain of known cycles over its time
  // Of the worker process during the visit.
  std::optional<std::int64_t> involuntary_switches, minor_faults, major_faults;
  // Of the machine during the worker's turn: share of the time in which some task waited for a CPU
  // (PSI), seconds stolen from all CPUs by the hypervisor, 1-minute load average.
  std::optional<double> cpu_pressure, load;
  std::optional<Seconds> steal;
  std::optional<double> parked_cpu;  // CPUs that workers used while they should have been parked

  bool operator==(const HostState&) const = default;
};

// A few consecutive runs of one program. Exactly one of `trial` and `reference` says of which.
struct Visit {
  TrialId trial = 0;
  std::string reference;  // name of a reference program ("compute", "cache"), else ""
  int position = 0;       // in its round, from 0
  int instance = 0;       // with k instances: k visits share a position
  int warm = 0;           // the first `warm` of `seconds` are warm-up
  // A canary beside it was slower than in quiet moments, some task waited for a CPU in a quarter of
  // the turn, or parked workers used more than 5 % of a CPU.
  bool disturbed = false;
  std::optional<HostState> host;
  std::vector<Seconds> seconds;  // one per run, in order, warm ones first

  bool operator==(const Visit&) const = default;
};

struct RoundFailure {
  TrialId trial = 0;
  Ending ending;

  bool operator==(const RoundFailure&) const = default;
};

// Visits to several candidates in random order within about 2 s. Rounds are what is stored.
struct Round {
  std::vector<Visit> visits;
  std::vector<RoundFailure>
      failures;  // candidates that ended in this round: they are not visited again

  bool operator==(const Round&) const = default;
};

enum class LimiterKind { none, account, rlimit, cgroup, device };
std::string_view name_of(LimiterKind kind);

// Memory that a limiter cannot see: it went to swap or was read back from disk.
struct Spill {
  Bytes swapped = 0;  // at most, of the process
  std::int64_t major_faults = 0;

  bool operator==(const Spill&) const = default;
};

// A solo worker's prepare-touch-run of one candidate.
struct Probe {
  Candidate candidate;
  std::optional<Bytes> limit;  // nullopt: measured without one
  LimiterKind limiter = LimiterKind::none;
  Ending ending;                       // ok: it fits
  std::optional<MemoryUse> memory;     // peak of the solo run
  Seconds seconds = 0;                 // of the whole probe
  Seconds soak = 0;                    // asked for: it ran again and again for so long; 0: once
  int runs = 0;                        // that it made
  std::optional<Bytes> peak_resident;  // of the whole process, runtime and code included
  std::optional<Spill> spill;
  bool killed = false;  // its process was killed: by the kernel for memory, or by the watchdog
};

struct Observation {
  std::variant<Preparation, Round, Probe> what;
  double started = 0;  // seconds since the session began
  Seconds device_time =
      0;                 // reported seconds spent (prepare, warm, timed, reference), for the budget
  Seconds wall = 0;      // real seconds that it took in all
  Seconds canaries = 0;  // of these, real seconds in canaries
};
std::string_view kind_of(const Observation& observation);  // "preparation" | "round" | "probe"

}  // namespace batchtune
