// What parent and worker say to each other, and its JSON. Both ends are the same executable, so
// there are no versions; still nothing that arrives is trusted: a worker may have been overwritten
// by the program it runs. The parent asks, the worker answers each request that has an answer
// (named below) and is silent in between: what it has in hand, and that it lives, is in the beacon.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "tuner/backend/backend.h"
#include "tuner/core/candidate.h"
#include "tuner/core/device.h"
#include "tuner/core/error.h"
#include "tuner/core/observation.h"
#include "tuner/measure/canary.h"

namespace batchtune::protocol {

// ---- parent to worker

struct Hello {  // first; no answer
  std::string backend_spec;
  std::int64_t parent_pid = 0;  // a worker whose parent is another by now ends at once
  int canary_cpus = 0;          // CPUs that bursts judge between visits; 0: none

  bool operator==(const Hello&) const = default;
};

struct Load {              // answered by Loaded or Refused
  int load = 0;            // the parent's number for this model in this group
  std::string model_json;  // "" for an empty model
  LoadOptions options;
  std::optional<Bytes> address_space;  // RLIMIT_AS: this much above what the process had before
  bool limit_after_loading = false;    // where loading may need more for a moment (packing weights)

  bool operator==(const Load&) const = default;
};

struct Unload {  // its programs were released before; no answer
  int load = 0;

  bool operator==(const Unload&) const = default;
};

struct Prepare {  // answered by Prepared
  int load = 0;
  TrialId program = 0;  // its number from now on
  Candidate candidate;
  bool check = true;    // output against that of batch 1
  bool verify = false;  // and against that of the backend's reference kernels

  bool operator==(const Prepare&) const = default;
};

struct CompileAhead {  // in the background; no answer
  int load = 0;
  Candidate candidate;

  bool operator==(const CompileAhead&) const = default;
};

struct PlannedVisit {
  TrialId program = 0;
  int warm = 0, timed = 1;

  bool operator==(const PlannedVisit&) const = default;
};

struct Share {  // a worker's part of a round: answered by one ShareDone, after the last visit
  std::vector<PlannedVisit> visits;
  bool watch =
      false;  // count what happens to the process in each visit; canaries, where it has any

  bool operator==(const Share&) const = default;
};

struct Release {  // no answer
  TrialId program = 0;

  bool operator==(const Release&) const = default;
};

struct Soak {  // answered by Soaked: runs again and again
  TrialId program = 0;
  Seconds seconds = 0;

  bool operator==(const Soak&) const = default;
};

struct Profile {  // answered by Profiled: where the time of a run goes, by runs that count for nothing
  TrialId program = 0;
  int runs = 1;

  bool operator==(const Profile&) const = default;
};

struct Describe {
  bool operator==(const Describe&) const = default;
};  // answered by Described or Refused
struct ListKernels {
  bool operator==(const ListKernels&) const = default;
};  // answered by KernelsListed or Refused
struct Quit {
  bool operator==(const Quit&) const = default;
};

using Request =
    std::variant<Hello, Load, Unload, Prepare, CompileAhead, Share, Release, Soak, Profile, Describe, ListKernels, Quit>;

// ---- worker to parent

struct Loaded {
  Ending ending;
  Seconds load_seconds = 0;
  bool shares_weights = false;  // its programs use one copy
  LoadReport report;

  bool operator==(const Loaded&) const = default;
};

inline constexpr std::size_t kComparedValues = 4096;
struct Prepared {
  Ending ending;  // ok with evidence: why the output was not verified
  Seconds prepare_seconds = 0;
  std::optional<Seconds> first_run;
  std::optional<MemoryUse> memory;
  std::optional<Seconds> compile_seconds = {};  // Program::compile_seconds()
  Seconds spent = 0;  // reported: preparing, first run, and batch 1 where it was made for the check
  // Of sample 0 at batch 1, at most kComparedValues first ones: told once by each load that checks.
  std::vector<float> output = {};

  bool operator==(const Prepared&) const = default;
};

struct Usage {  // of the worker process during one visit
  std::int64_t involuntary_switches = 0, minor_faults = 0, major_faults = 0;

  bool operator==(const Usage&) const = default;
};

struct Visited {
  TrialId program = 0;
  Ending ending;
  int warm = 0;
  std::vector<std::vector<Seconds>> instances;  // samples of each, warm ones first; empty unless ok
  std::optional<Usage> usage;
  std::optional<Seconds> gap;  // from the last run of the visit before to its first one
  Seconds extra = 0;           // Program::take_extra()

  bool operator==(const Visited&) const = default;
};

struct ShareDone {
  std::vector<Visited> visits;        // as asked for
  std::vector<CanaryReading> bursts;  // before the first visit and after each; empty: no canaries
  Seconds canaries = 0;               // real seconds spent on them

  bool operator==(const ShareDone&) const = default;
};

struct Soaked {
  Ending ending;
  int runs = 0;
  Seconds spent = 0;  // reported

  bool operator==(const Soaked&) const = default;
};

struct Profiled {
  Ending ending;
  Seconds run = 0;                // median of as many runs that were not profiled, just before
  std::vector<LayerTime> layers;  // Program::profile(); empty where the backend cannot tell

  bool operator==(const Profiled&) const = default;
};

struct Described {
  DeviceInfo device;

  bool operator==(const Described&) const = default;
};

struct KernelsListed {
  std::vector<KernelInfo> kernels;

  bool operator==(const KernelsListed&) const = default;
};

struct Refused {  // the backend cannot be had at all
  Error error;

  bool operator==(const Refused&) const = default;
};

using Reply = std::variant<Loaded, Prepared, ShareDone, Soaked, Profiled, Described, KernelsListed, Refused>;

std::string encode(const Request& request);
std::string encode(const Reply& reply);

// The error says what was wrong and where ("prepare.candidate.batch: a whole number").
tl::expected<Request, std::string> decode_request(std::string_view payload);
tl::expected<Reply, std::string> decode_reply(std::string_view payload);

}  // namespace batchtune::protocol
