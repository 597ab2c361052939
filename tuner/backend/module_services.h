// What the executable does for its modules, since they must not link it themselves: Debian's static
// protobuf is no position-independent code, and a shared one would be found by the versions that
// runtimes bring along.
#pragma once

#include <string>

#include "tuner/core/error.h"
#include "tuner/workload/model.h"
#include "tuner/workload/onnx/graph.h"

namespace batchtune {

using GraphReader = Result<FileGraph> (*)(const Model& model);  // read_onnx_graph()

struct ModuleServices {
  GraphReader read_onnx_graph;
};

// A module that wants them exports a function of this name (extern "C"); it is called once, before
// the module makes a backend. The services outlive the module.
using TakeModuleServices = void (*)(const ModuleServices* services);
inline constexpr char kTakeModuleServices[] = "batchtune_take_module_services";

// What a module may say of a model that was read from a file: one line, whether and how it runs it.
using ExplainModel = void (*)(const Model& model, std::string& text);
inline constexpr char kExplainModel[] = "batchtune_explain_model";

}  // namespace batchtune
