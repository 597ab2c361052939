// What `doctor` shows: what this machine offers to a measurement, what disturbs it, and what can be
// done about that. JSON: doctor.schema.json. The caller judges (good, bad); here it is only shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/session.h"
#include "tuner/core/value.h"

namespace batchtune {

enum class FindingVerdict {
  fact,     // neither good nor bad: a version, a size
  good,     // as measuring wants it
  bad,      // disturbs measuring; see `advice`
  unknown,  // could not be read or decided
};
std::string_view name_of(FindingVerdict verdict);

struct Finding {
  std::string topic;   // heading in text: "disturbance", "machine", "memory", "limits", "software"
  std::string key;     // in JSON, unique: "cpu.governor", "library.sqlite"
  std::string name;    // in text: "governor"
  Value value;         // in base units; monostate: could not be read
  std::string unit;    // of `value`: "bytes", "CPUs", "Hz"; may be empty
  std::string shown;   // in text instead of the value, with its unit; may be empty
  std::string origin;  // where it was read: "/sys/kernel/mm/transparent_hugepage/enabled"
  FindingVerdict verdict = FindingVerdict::fact;
  std::string advice;  // one imperative sentence; empty: nothing needs or can be done
};

// A speed at which bursts ran for some of the time.
struct SpeedLevel {
  double speed = 1;  // of the fastest ever seen: 0.62 takes 1 / 0.62 of its time
  double share = 0;  // of the bursts
};

// What some seconds of canary bursts on every CPU showed.
struct MachineLook {
  Seconds seconds = 0;
  int bursts = 0;  // on each CPU
  std::optional<double> quiet_share;
  // Fastest first. Exchange: a cache line's round trip between neighbouring CPUs.
  std::vector<SpeedLevel> compute_levels, cache_levels, exchange_levels;
  std::optional<bool> cores_shared;  // the CPUs share a core: together they are not faster than one
  std::string cores_evidence;        // "both CPUs together do 1.98 x the arithmetic of one"
  std::optional<Interval> clock_hz;  // lowest and highest that were seen
  std::optional<double> cpu_pressure;  // share of the look in which some task waited for a CPU
  std::optional<double> load;          // 1-minute average, at the end
  std::optional<Seconds> steal;        // of all CPUs together
};

struct DoctorReport {
  std::string title;                 // "AMD EPYC 9R14, 2 CPUs"
  std::optional<MachineLook> look;   // absent: it was not asked for or not possible
  std::vector<Finding> findings;     // topics in the order of their first finding
  std::optional<Overhead> overhead;  // as measured now; its outside_share is a stored session's
  std::optional<std::int64_t> outside_session;  // that session's number
  std::string conclusion;                       // one sentence, last; may be empty
};

// Look, findings by topic ("!" bad, "?" unknown), what the harness costs, advice, conclusion.
std::string text_doctor(const DoctorReport& report, const TextOptions& options);
std::string json_doctor(const DoctorReport& report);
std::string csv_doctor(const DoctorReport& report);  // one row per finding

}  // namespace batchtune
