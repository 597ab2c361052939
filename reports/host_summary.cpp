#include "reports/host_summary.h"

#include <algorithm>

namespace batchtune {
namespace {

void raise(std::optional<double>& largest, const std::optional<double>& value) {
  if (value) largest = std::max(largest.value_or(*value), *value);
}

void add(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& value) {
  if (value) sum = sum.value_or(0) + *value;
}

void add_visit(HostSummary& summary, const Visit& visit) {
  if (!visit.host) return;
  const HostState& host = *visit.host;
  if (!host.compute_canary.empty() || !host.cache_canary.empty()) {
    ++summary.judged_visits;
    summary.disturbed_visits += visit.disturbed;
  }
  if (const auto& clock = host.clock_hz) {
    if (!summary.clock_hz) summary.clock_hz = Interval{*clock, *clock};
    summary.clock_hz->low = std::min(summary.clock_hz->low, *clock);
    summary.clock_hz->high = std::max(summary.clock_hz->high, *clock);
  }
  raise(summary.cpu_pressure, host.cpu_pressure);
  raise(summary.load, host.load);
  raise(summary.parked_cpu, host.parked_cpu);
  raise(summary.steal, host.steal);
  add(summary.involuntary_switches, host.involuntary_switches);
  add(summary.major_faults, host.major_faults);
}

}  // namespace

HostSummary summarise_host(const SessionRecord& record) {
  HostSummary summary;
  for (const Observation& observation : record.observations)
    if (const auto* round = std::get_if<Round>(&observation.what))
      for (const Visit& visit : round->visits) add_visit(summary, visit);
  return summary;
}

}  // namespace batchtune
