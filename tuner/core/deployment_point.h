// Where a model is deployed on a device, by the newest session that answers: what `points` shows.
// Made by tuner/deploy, shown by reports.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuner/core/dtype.h"
#include "tuner/core/limits.h"
#include "tuner/core/trial.h"
#include "tuner/core/units.h"

namespace batchtune {

struct DeploymentPoint {
  std::int64_t session = 0;  // the store's number
  std::string measured_at;   // ISO 8601, UTC: when the session began
  std::optional<Seconds> age;
  std::string model, model_hash;
  std::map<std::string, std::int64_t> dims;
  std::string backend, device;  // "simulated:wall=2GiB", "AMD EPYC, 2 CPUs"
  std::vector<DType> dtypes;    // that were allowed
  Wishes wishes;                // the memory limit only where it was asked for
  bool simulated = false;

  std::optional<Trial> trial;  // the recommended one; absent: nothing keeps the limits
  bool proven = true;          // false: a limit is not proven to be kept
  std::string gap;             // without a trial: how far the nearest is off; may be empty

  std::optional<double> price;  // of the device, per hour
  std::optional<double> cost;   // of a million inferences at the undisturbed throughput

  std::vector<std::string> stale;      // what has changed since; empty: nothing that was looked at
  std::vector<std::string> unchecked;  // what could not be looked at: "model"
};

}  // namespace batchtune
