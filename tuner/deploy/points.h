// Which sessions hold the current deployment points, and what each says. Pure: no store, no clock,
// no device.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/deployment_point.h"
#include "tuner/core/session.h"

namespace batchtune {

// What a session was asked about one of its devices. Sessions with equal questions answer one after
// the other, and the newest answer is the current one. How it was searched (batches, threads,
// strategy, budget) is no part of the question; the data types are, since they change what is
// computed, and a memory limit only where the user gave it: the default follows what is free.
struct Question {
  std::string model;
  std::map<std::string, std::int64_t> dims;
  std::string backend, device;  // the backend with its own parameters, which shape its device
  std::vector<DType> dtypes;    // ascending
  std::string objective;        // "knee 0.02"
  std::vector<std::string> limits;

  auto operator<=>(const Question&) const = default;
};
Question question_of(const SessionHeader& header, const DeviceInfo& device);

// "simulated:wall=2GiB" where the session was asked for it so, else the backend's name.
std::string spec_of(const SessionHeader& header, const std::string& backend);

struct Current {
  std::int64_t session = 0;
  std::string backend;  // without parameters: a name of the session's verdicts
};
// For each question the newest (the highest number) of `finished`, ordered by model, dims, device,
// limits.
std::vector<Current> current_points(std::span<const SessionHeader> finished);

// Without age, price and staleness. `conclusion` is by the session's own wishes.
DeploymentPoint point_of(const SessionRecord& record, const Conclusion& conclusion,
                         const std::string& backend);

}  // namespace batchtune
