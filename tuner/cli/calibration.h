// This machine's peaks and bandwidths: measured by kernels/probe, kept as a note, put in the words
// of tuner/estimate. A note fits the CPU model, the number of CPUs this process may use, and the
// way of measuring.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "kernels/probe/calibration.h"
#include "storage/store.h"
#include "tuner/core/error.h"
#include "tuner/estimate/device_file.h"

namespace batchtune {

// Raised when probes or the translation change what a figure means: older notes are measured again.
inline constexpr char kCalibrationVersion[] = "2";

std::string this_machine();  // "AMD EPYC 9R14, 2 CPUs": the key of its notes

// The probe's figures as a device: peaks of all threads, levels, and what fewer threads reach.
Calibration calibration_from(const probe::CalibrationFigures& figures);

Result<Calibration> calibrate_this_machine(probe::CalibrationOptions options);

// nullopt when none fits.
Result<std::optional<Calibration>> stored_calibration(const Store& store);
Status store_calibration(Store& store, const Calibration& calibration);

// The stored one, else measures once (at most 20 s, said on stderr) and stores it.
Result<Calibration> obtain_calibration(Store& store, bool quiet);

}  // namespace batchtune
