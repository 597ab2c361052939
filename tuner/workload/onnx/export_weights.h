// The values of an exported file's initializers: in the tensor itself, or in a file beside the
// model's (ONNX's external data), since one protobuf message ends at 2 GiB.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <span>
#include <string>

#include "tuner/core/error.h"
#include "tuner/workload/onnx/messages.h"
#include "tuner/workload/weights.h"

namespace batchtune::onnx_export {

// Writes elements `first` and on of a tensor, in the file's layout.
using Values = std::function<void(std::int64_t first, std::span<float> values)>;

// A weight of `op` as weights.h has it. The model must outlive it, as in all of these.
Values values_of(std::uint64_t seed, const Model& model, const Op& op, WeightRole role);
// The rows of `matrix` (each of `columns`): row i of the file is row `row_of(i)` of the weight.
Values rows_of(Values matrix, std::int64_t columns,
               std::function<std::int64_t(std::int64_t)> row_of);
// Filters [channels][channels / groups][height][width] from ours, [group][height][width][channels /
// groups][channels of the group].
Values filters_of(std::uint64_t seed, const Model& model, const Op& op, std::int64_t in_channels);

class WeightStore {
 public:
  virtual ~WeightStore() = default;
  // Gives `tensor`, whose name, type (f32) and dimensions are set, its values.
  virtual void put(::onnx::TensorProto& tensor, const Values& values) = 0;
};

// In the tensor.
class InlineStore final : public WeightStore {
 public:
  void put(::onnx::TensorProto& tensor, const Values& values) override;
};

// In a file. `location` is its name as the model's file says it: relative to the folder of that.
class DataFile final : public WeightStore {
 public:
  DataFile(const std::string& path, std::string location);
  void put(::onnx::TensorProto& tensor, const Values& values) override;
  Status close();  // an error if anything could not be written

 private:
  std::string path_, location_;
  std::ofstream file_;
  std::int64_t end_ = 0;
};

}  // namespace batchtune::onnx_export
