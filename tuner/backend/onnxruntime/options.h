// How sessions are made: what of it is asked for, and what is in force.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/backend/onnxruntime/api.h"
#include "tuner/backend/runtime/parameters.h"
#include "tuner/core/error.h"
#include "tuner/core/value.h"

namespace batchtune::onnxruntime {

// Absent: the runtime's own default, which is what users get who set nothing.
struct SessionSettings {
  std::string library;  // path; "" to look for it
  std::string found;    // who found that path, where the user did not give it
  std::optional<bool> spinning, arena;
  bool pinning = false;           // threads that it makes keep to a CPU each
  std::optional<bool> denormals;  // computed; else taken as zero
  std::optional<Optimization> optimization;
  std::string profile;  // of a pass that is profiled: where its file goes, without ending; "" for none
};

std::span<const runtime::Parameter> parameters();  // that parse_settings() knows

// "spinning=0,optimization=all,arena=1,library=/path". Errors name the parameter and its values.
Result<SessionSettings> parse_settings(const std::string& parameters);

// Options of the session of instance `instance` (from 0), with `threads` threads. `external_data`: the
// folder of weights that lie beside a model of bytes; "" for none.
Outcome<Owned<SessionOptions>> make_session_options(const Api& api, const SessionSettings& settings,
                                                    int instance, int threads,
                                                    const std::string& external_data);

// What is in force, and whether it was asked for.
std::vector<Setting> effective_settings(const SessionSettings& settings, int threads);

}  // namespace batchtune::onnxruntime
