// How models are compiled: what of it is asked for.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tuner/backend/runtime/parameters.h"
#include "tuner/core/candidate.h"
#include "tuner/core/dtype.h"
#include "tuner/core/error.h"

namespace batchtune::openvino {

// "": the runtime's own default, which is what users get who set nothing.
struct CompileSettings {
  std::string library;   // path; "" to look for it
  std::string found;     // who found that path, where the user did not give it
  std::string hint;      // "latency", "throughput"
  std::string pinning;   // "0", "1"
  std::string denormals;  // "1": computed; "0": taken as zero
  bool dynamic = false;  // one compiled model that takes any batch, instead of one for each
};

std::span<const runtime::Parameter> parameters();  // that parse_settings() knows

// "hint=latency,pinning=0,dynamic=1,library=/path". Errors name the parameter and its values.
Result<CompileSettings> parse_settings(const std::string& parameters);

bool computes_in(DType dtype);  // for us: f32, bf16

using Properties = std::vector<std::pair<std::string, std::string>>;

// Of a group: a stream for each instance, threads for all, arithmetic in the group's type, and what
// was asked for.
Properties properties_of(const CompileSettings& settings, const CandidateGroup& group);

// Properties that are read back from a compiled model, and our names of them.
struct ReadBack {
  const char* key;
  const char* name;
};
inline constexpr char kDevice[] = "CPU";
inline constexpr char kPrecisionKey[] = "INFERENCE_PRECISION_HINT";
inline constexpr ReadBack kReadBack[] = {{kPrecisionKey, "precision"},
                                         {"INFERENCE_NUM_THREADS", "inference_threads"},
                                         {"NUM_STREAMS", "streams"},
                                         {"PERFORMANCE_HINT", "hint"},
                                         {"ENABLE_CPU_PINNING", "pinning"},
                                         {"CPU_DENORMALS_OPTIMIZATION", "denormals_as_zero"},
                                         {"EXECUTION_MODE_HINT", "execution_mode"},
                                         {"ENABLE_HYPER_THREADING", "hyper_threading"}};

}  // namespace batchtune::openvino
