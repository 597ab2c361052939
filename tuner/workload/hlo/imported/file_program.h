// An ONNX file's graph as a program. Internal to the folder above.
#pragma once

#include "tuner/workload/hlo/hlo.h"
#include "tuner/workload/onnx/graph.h"

namespace batchtune::hlo {

// HloSource::program() of a graph. `inputs` has the operations that FileGraph::input_ops names.
Result<HloModule> make_file_program(const FileGraph& graph, const Model& inputs, std::int64_t batch,
                                    DType dtype);

}  // namespace batchtune::hlo
