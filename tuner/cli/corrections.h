// What sessions learned of the roofline of a device, data type and split, kept as notes of kind
// "roofline": the next search starts from it, while its estimates are shown as the roofline has
// them. A note counts for the build and the device's figures that it was fitted with alone: others
// are another roofline. A session says which corrections it began with (estimate/correction.h).
#pragma once

#include <string>
#include <vector>

#include "storage/store.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {

// What is known for the header's groups: "roofline.1" of the first one, ... A note that does not
// read is passed over with a warning.
Result<std::vector<Setting>> known_corrections(const Store& store,
                                               const std::vector<std::string>& backends,
                                               const SessionHeader& header);

// Fits what the session measured, and keeps it. Too few batches of a group, or factors that do not
// explain them: nothing.
Status keep_corrections(Store& store, const std::vector<std::string>& backends,
                        const SessionHeader& header, const std::vector<Trial>& trials);

}  // namespace batchtune
