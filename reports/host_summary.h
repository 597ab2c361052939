// What the visits of a session say together of the machine under them. For text_report.cpp and
// json_report.cpp alone. A figure that no visit has is absent.
#pragma once

#include <cstdint>
#include <optional>

#include "reports/report.h"

namespace batchtune {

struct HostSummary {
  int judged_visits = 0;     // beside which canaries ran
  int disturbed_visits = 0;  // of these
  std::optional<Interval> clock_hz;
  // The largest of any visit.
  std::optional<double> cpu_pressure, load, parked_cpu;
  std::optional<Seconds> steal;
  // Sums over all visits.
  std::optional<std::int64_t> involuntary_switches, major_faults;
};
HostSummary summarise_host(const SessionRecord& record);

}  // namespace batchtune
