// What sessions learned of the roofline of a device and data type, kept as notes of kind
// "roofline": the next model's estimate starts from it. A session says which correction it began
// with among its settings, so that resuming, and learning further, goes on from there.
#pragma once

#include <string>
#include <vector>

#include "storage/store.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {

// Corrects the header's estimates by what is known of their devices, and says so in its settings.
Status apply_corrections(const Store& store, const std::vector<std::string>& backends,
                         SessionHeader& header);

// Fits what the session measured, and keeps it. Too few batches of a group: nothing.
Status keep_corrections(Store& store, const std::vector<std::string>& backends,
                        const SessionHeader& header, const std::vector<Trial>& trials);

}  // namespace batchtune
