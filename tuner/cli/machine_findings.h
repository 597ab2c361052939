// What the kernel says of this machine that a measurement depends on, each with a judgement and,
// where something can be done, with advice. Read once; what changes with time is machine_look.h's.
#pragma once

#include <string>
#include <vector>

#include "reports/doctor_report.h"

namespace batchtune {

// `root`: "" for this machine, a folder with `proc` and `sys` in it for tests. A file that is not
// there gives FindingVerdict::unknown.
std::vector<Finding> machine_findings(const std::string& root = "");

}  // namespace batchtune
