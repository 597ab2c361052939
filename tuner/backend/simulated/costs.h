// What the simulated backend asks of a cost formula, whichever device it is: the plain one (cost.h) or an accelerator
// (accelerator_cost.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/simulated/parameters.h"
#include "tuner/core/candidate.h"
#include "tuner/core/observation.h"
#include "tuner/workload/model.h"

namespace batchtune::simulated {

// Of one program, undisturbed.
struct Costs {
  std::vector<Seconds> runs;      // of one run, by instance, while all run
  std::vector<LayerTime> layers;  // of the first instance
};
Costs costs_of(const Model& model, const Candidate& candidate, const Parameters& parameters);

MemoryUse account_of(const Model& model, const Candidate& candidate, const Parameters& parameters);

// What a group's programs really get of the device's memory.
Bytes wall_of(const CandidateGroup& group, const Parameters& parameters);
// Above it the backend refuses at once what the device says that it cannot hold. Between the wall and this a program
// is compiled and loaded, and its first run finds no room.
Bytes said_memory_of(const CandidateGroup& group, const Parameters& parameters);

Seconds load_seconds(const Model& model, DType dtype, const Parameters& parameters);
std::optional<Seconds> compile_seconds(const Model& model, const Candidate& candidate,
                                       const Parameters& parameters);  // nullopt: nothing is compiled

// Why a group cannot run on the device: a data type that it lacks, other cores than it has; "" where it can.
std::string why_unsupported(const CandidateGroup& group, const Parameters& parameters);

std::string device_name(const Parameters& parameters);  // "trn1"; "plain"
DeviceInfo description_of(const Parameters& parameters);

}  // namespace batchtune::simulated
