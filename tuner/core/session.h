// One tuning run as it is kept and shown.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/device.h"
#include "tuner/core/estimate.h"
#include "tuner/core/limits.h"
#include "tuner/core/observation.h"
#include "tuner/core/value.h"

namespace batchtune {

// Counts of a model, without its graph.
struct ModelSummary {
  std::string name;                        // "resnet-50", "bert-large@seq=384" or a file's name
  std::string hash;                        // of the graph: 16 hex digits
  double parameters = 0;                   // of the published model, before folding
  double flops_per_sample = 0;             // all operations, 2 per multiply-add
  double dense_parameters = 0;             // weights of matmul and convolution, without biases
  double dense_flops_per_sample = 0;       // operations with weights, convolutions included
  double activation_bytes_per_sample = 0;  // f32, sum of all tensors written
};

enum class SessionEnd { running, converged, budget, interrupted, failed };
std::string_view name_of(SessionEnd end);
std::optional<SessionEnd> parse_session_end(std::string_view text);

// Everything that is known before the first observation.
struct SessionHeader {
  std::string uuid;
  std::int64_t number = 0;  // the store's; 0 before it is stored
  std::string database;     // path
  std::string command;      // "tune" | "measure"
  std::string started_at;   // ISO 8601, UTC
  std::uint64_t seed = 0;
  std::string strategy;
  ModelSummary model;
  std::string model_json;  // the graph itself, so that a session can be repeated
  Wishes wishes;
  Settings settings;
  Environment environment;
  std::vector<DeviceInfo> devices;
  std::vector<Estimate> estimates;
  std::string reference_hash;  // of the reference programs' instructions; "" where there are none
  bool simulated = false;
  std::string revision, branch, label;  // the user's own
};

// CPUs that a session's reference programs run on: those of its largest group. 0: it has none.
inline int reference_cpus(const SessionHeader& header) {
  int cpus = 0;
  if (header.reference_hash.empty()) return cpus;
  for (const Estimate& estimate : header.estimates)
    cpus = std::max(cpus, estimate.group.threads * estimate.group.instances);
  return cpus;
}

// What the tool itself costs, measured with a program that does nothing.
struct Overhead {
  Seconds in_interval = 0;              // inside one timed run
  Seconds between_visits = 0;           // last run of a visit to first warm run of the next
  std::optional<double> outside_share;  // of the session's wall time: neither preparing, warming,
                                        // measuring, references, probes nor canaries
};

struct SessionRecord {
  SessionHeader header;
  std::vector<Observation> observations;  // in order
  TrialId anchor = 0;
  SessionEnd end = SessionEnd::running;
  std::string end_reason;
  std::optional<Overhead> overhead;
};

}  // namespace batchtune
