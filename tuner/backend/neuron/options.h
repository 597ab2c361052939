// What may stand after "neuron:" in --backend, and what it means.
#pragma once

#include <string>

#include "tuner/core/error.h"
#include "tuner/core/units.h"

namespace batchtune::neuron {

inline constexpr char kName[] = "neuron";

struct Settings {
  std::string library;                  // path of libnrt.so.1; "" to find it
  std::string compiler = "neuronx-cc";  // a name on the PATH, or a path
  std::string arguments;                // added to the compiler's: "--auto-cast all"
  std::string target;                   // "inf2"; "" for the device that is there
  std::string neff;                     // a NEFF of each batch size instead: "model_b{batch}.neff"
  std::string cache;                    // folder of compiled programs; "" for none
  Seconds compile_timeout = 3600;       // large models take tens of minutes
  int compile_jobs = 0;  // compilations in the background at a time; 0: by the host's CPUs
  std::string lnc;       // of trn2 and trn3: physical cores in one; "" for the default
  std::string core;      // those that the process was given ("2", "2-5"), for the record
};

// NAME=VALUE,... Errors name what is not understood.
Result<Settings> parse_settings(const std::string& parameters);

}  // namespace batchtune::neuron
