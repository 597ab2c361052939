// Which dimension of a graph's inputs is the batch, and what the others are. Internal to this
// folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/onnx/tensor.h"

namespace batchtune::onnx_file {

// How the batch is found in the file's shapes.
struct BatchAxis {
  // Names of the symbolic dimension that is the batch: one as a rule, several where inputs leave
  // theirs without a name
  // ("x.0" is dimension 0 of input x). Empty: every input has a leading 1, which is the batch.
  std::vector<std::string> names;
  std::map<std::string, std::int64_t> dims;  // of the other symbolic dimensions

  bool is_fixed() const { return names.empty(); }
};

// The graph's inputs without those that are initializers (files of IR version 3 list these too).
std::vector<const ::onnx::ValueInfoProto*> inputs_of(const ::onnx::GraphProto& graph);

// Errors: no batch, several that could be it, dimensions without a size; each says what to write.
Result<BatchAxis> find_batch(const ::onnx::GraphProto& graph, const OnnxOptions& options,
                             const std::string& file);

// The declared type and shape at one batch; without a shape where the file does not say it.
// `is_batched`: whether a leading 1 stands for a fixed batch.
Facts declared_facts(const ::onnx::ValueInfoProto& info, const BatchAxis& axis, std::int64_t batch,
                     bool is_batched);

}  // namespace batchtune::onnx_file
