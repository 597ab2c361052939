// report --how-to-set: from what a session has chosen to what its lines are made of (reports/how_to_set.h).
#pragma once

#include <optional>

#include "reports/how_to_set.h"
#include "reports/report.h"
#include "tuner/core/error.h"
#include "tuner/core/limits.h"

namespace batchtune {

// nullopt: the session has chosen nothing. An error: the graph that is stored with it cannot be read.
Result<std::optional<HowToSet>> how_to_set(const TuneReport& report);

// "trn1" of "trn1", "trn1:core" or "simulated trn1": what neuronx-cc calls a device; "" where its name says nothing.
std::string neuron_target(const std::string& device);

}  // namespace batchtune
