// What is known of a tensor of an ONNX graph, and reading it from a TensorProto. Internal to this
// folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/workload/model.h"
#include "tuner/workload/onnx/messages.h"

namespace batchtune::onnx_file {

// At one batch.
struct Facts {
  int type = 0;                // ::onnx::TensorProto::DataType
  std::optional<Shape> shape;  // whole, with the batch; nullopt where it cannot be known
  // Its values, where they are few: what shapes are computed from. Whole numbers are exact up to
  // 2^53; the ends of slices ("all of it") are larger and only ever compared.
  std::optional<std::vector<double>> numbers;
};

inline constexpr std::int64_t kMaxNumbers = 256;  // a shape has 8; beyond, values are data

// Every tensor is known at two batches, and what differs between them is the batch's. Odd and
// unlike the sizes that models have, so that one of the two shows a size that equals the batch by
// chance.
inline constexpr std::int64_t kBatches[] = {5, 7};
inline constexpr std::size_t kWorlds = 2;

struct Tensor {
  std::array<Facts, kWorlds> at;
  bool constant = false;  // depends on no input's values: weights, and what is made from shapes
  std::string root;       // constant: the weights that it was made from by moving them
};

// A tensor's share of one sample.
struct PerSample {
  Shape shape;             // without the batch
  int axis = -1;           // of the whole tensor that the batch is in, outermost; -1: in none
  std::int64_t inner = 1;  // of that axis for each sample; 1: the axis is left out of `shape`
};

// nullopt where a shape is unknown, or the batch is in no one axis of it ([batch, batch]).
std::optional<PerSample> per_sample(const Tensor& tensor);

// Bits of one element; 0 for strings and types that are not known.
int bits_of(int type);
bool is_integer(int type);         // bool as well
bool is_parameter_type(int type);  // floats, and the integers that quantised weights are
std::string type_name(int type);   // "f32", "i64"; "type 77"

// Shape and type, and values where they are few and numbers that lie in the message itself.
Facts facts_of(const ::onnx::TensorProto& tensor);

}  // namespace batchtune::onnx_file
