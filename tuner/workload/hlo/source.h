// What programs of one model are made of, at any batch: the model, and of an imported one its file,
// which is read once, with its weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tuner/workload/hlo/hlo.h"
#include "tuner/workload/onnx/graph.h"

namespace batchtune {

class HloSource {
 public:
  // `seed`: of the weights of a model that is no file's. Errors: those of read_onnx_graph().
  static Result<HloSource> open(const Model& model, std::uint64_t seed);
  // Of a graph; `inputs` has its input operations.
  HloSource(FileGraph graph, Model inputs);

  // As make_hlo(). Of a file: parameters are its inputs, then its weights (floats of more than one
  // element, and large integers) as they are first read; results are its outputs, the model's
  // first. Its f32 is of `dtype`, its 64-bit integers of 32 bits, all else as in the file; tensors
  // lie in the file's order of dimensions. Errors name nodes whose operations no program has.
  Result<HloModule> program(std::int64_t batch, DType dtype) const;

  // Elements `first` and on of a weight of a program, in its element type; as many as there is room
  // for.
  void fill(const HloTensor& weight, std::span<std::byte> bytes, std::int64_t first = 0) const;

 private:
  HloSource(Model model, std::uint64_t seed, std::optional<FileGraph> graph);

  Model model_;
  std::uint64_t seed_;
  std::optional<FileGraph> graph_;
};

// Operations of ONNX that programs can have, by name; empty if built without protobuf.
std::vector<std::string> hlo_operations();

}  // namespace batchtune
