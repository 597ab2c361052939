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
};

// A few consecutive runs of one program. Exactly one of `trial` and `reference` says of which.
struct Visit {
  TrialId trial = 0;
  std::string reference;  // name of a reference program ("compute", "cache"), else ""
  int position = 0;       // in its round, from 0
  int instance = 0;       // with k instances: k visits share a position
  int warm = 0;           // the first `warm` of `seconds` are warm-up
  bool disturbed = false;
  std::string host_state;        // JSON object, "" when nothing was recorded
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

// A solo worker's prepare-touch-run of one candidate.
struct Probe {
  Candidate candidate;
  std::optional<Bytes> limit;  // nullopt: measured without one
  LimiterKind limiter = LimiterKind::none;
  Ending ending;                    // ok: it fits
  std::optional<MemoryUse> memory;  // peak of the solo run
  Seconds seconds = 0;              // of the whole probe
};

struct Observation {
  std::variant<Preparation, Round, Probe> what;
  double started = 0;  // seconds since the session began
  Seconds device_time =
      0;  // reported seconds spent (prepare, warm, timed, reference), for the budget
};
std::string_view kind_of(const Observation& observation);  // "preparation" | "round" | "probe"

}  // namespace batchtune
