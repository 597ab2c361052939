// What no primitive computes of an ONNX file: calls of kernels/tensor, which take and give tensors
// as plain() has them.
#include <algorithm>

#include "tuner/backend/imported/prepared_calls.h"
#include "tuner/backend/onednn/builder.h"

namespace batchtune::onednn {

// Each output of a call is an operation; the call is made at the last of them. An operation without
// a call at all is the one that reads all outputs of the file.
void GraphBuilder::foreign() {
  hold(new_buffer(tensor_bytes(now_)));
  const int index = context_.lowered->call_of[static_cast<std::size_t>(now_)];
  if (index < 0) return;
  const imported::NodeCall& call = context_.lowered->calls[static_cast<std::size_t>(index)];
  std::vector<Operand> operands;
  for (const auto* side : {&call.inputs, &call.outputs})
    for (const imported::Operand& operand : *side)
      if (operand.kind == imported::Operand::Kind::tensor)
        operands.push_back({0, {}, plain(operand.index)});
  use(operands);
  graph_.steps.push_back({now_, call.operation + " (call)", {}, std::move(operands), {}, &call});
}

void GraphBuilder::reserve_call_scratch() {
  const Bytes most =
      imported::call_workspace_bytes(*context_.lowered, context_.call_kernels, batch());
  graph_.lane_bytes =
      static_cast<Bytes>(kernels::AlignedBuffer::footprint(static_cast<std::size_t>(most)));
  graph_.scratch_bytes = std::max(graph_.scratch_bytes, graph_.lane_bytes * context_.lanes);
}

// After the last step: whoever reads an output of the file finds it plain.
std::vector<int> GraphBuilder::file_output_buffers() {
  std::vector<int> buffers;
  for (const imported::FileTensor& output : context_.lowered->outputs)
    if (output.operand.kind == imported::Operand::Kind::tensor)
      buffers.push_back(plain(output.operand.index));
  return buffers;
}

}  // namespace batchtune::onednn
