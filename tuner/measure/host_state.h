// What the kernel counts of the whole machine, read before and after a worker's turn, and what
// bursts and counts of a turn say of each of its visits. It never changes a verdict: on a shared
// machine these figures often show nothing while a neighbour halves the speed.
#pragma once

#include <optional>
#include <string>

#include "tuner/core/observation.h"
#include "tuner/measure/protocol.h"

namespace batchtune {

// What this machine does not offer is absent.
struct HostCounters {
  std::optional<Seconds> cpu_waiting;  // in which some task waited for a CPU, since boot (PSI)
  std::optional<Seconds> steal;        // taken from all CPUs by the hypervisor, since boot
  std::optional<double> load;          // 1-minute average
};

// `root`: "" for this machine, a folder with a `proc` in it for tests.
HostCounters read_host_counters(const std::string& root = "");

// Pressure, steal and load of a turn of `wall` seconds between the two readings.
HostState state_of_turn(const HostCounters& before, const HostCounters& after, Seconds wall);

// What a burst says, as the canaries of a visit.
void set_canaries(HostState& state, const CanaryReading& burst);

// The host state of visit number `visit` of a share: the turn's, with its canaries and counts.
HostState state_of_visit(const HostState& turn, const protocol::ShareDone& done, std::size_t visit);

}  // namespace batchtune
