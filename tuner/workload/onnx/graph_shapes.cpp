// What graph.h says of shapes and types, in builds without ONNX files as well.
#include <algorithm>

#include "tuner/workload/onnx/graph.h"

namespace batchtune {

std::string name_of(ElementType type) {
  constexpr const char* kNames[] = {"?",   "f32", "u8",   "i8",   "u16", "i16",
                                    "i32", "i64", "text", "bool", "f16", "f64",
                                    "u32", "u64", "c64",  "c128", "bf16"};
  const auto number = static_cast<std::size_t>(type);
  return number < std::size(kNames) ? kNames[number] : "type " + std::to_string(number);
}

int bytes_of(ElementType type) {
  constexpr int kBytes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2};
  const auto number = static_cast<std::size_t>(type);
  return number < std::size(kBytes) ? kBytes[number] : 0;
}

Shape BatchedShape::at(std::int64_t batch) const {
  Shape shape = sizes;
  if (batch_axis >= 0) shape[static_cast<std::size_t>(batch_axis)] *= batch;
  return shape;
}

Shape per_sample(const BatchedShape& shape) {
  Shape sample;
  for (std::size_t i = 0; i < shape.sizes.size(); ++i)
    if (static_cast<int>(i) != shape.batch_axis || shape.sizes[i] != 1)
      sample.push_back(shape.sizes[i]);
  if (sample.empty()) sample.push_back(1);
  return sample;
}

std::vector<double> BatchedNumbers::at(std::int64_t batch) const {
  std::vector<double> values = fixed;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (per_sample[i] != 0) values[i] += per_sample[i] * static_cast<double>(batch);
  return values;
}

bool BatchedNumbers::depends_on_batch() const {
  return std::any_of(per_sample.begin(), per_sample.end(), [](double slope) { return slope != 0; });
}

}  // namespace batchtune
