#include "tuner/backend/imported/file_samples.h"

#include <span>

#include "kernels/tensor/cast.h"

namespace batchtune::imported {
namespace {

// A sample's elements lie in runs, one for each index of the axes before the batch.
struct Runs {
  std::int64_t count = 1, length = 1;  // elements
  std::int64_t first = 0, step = 0;    // where the sample's runs begin

  Runs(const BatchedShape& shape, std::int64_t batch, std::int64_t sample) {
    const auto axis =
        shape.batch_axis < 0 ? shape.sizes.begin() : shape.sizes.begin() + shape.batch_axis;
    count = elements(Shape(shape.sizes.begin(), axis));
    length = elements(Shape(axis, shape.sizes.end()));
    first = shape.batch_axis < 0 ? 0 : sample * length;
    step = shape.batch_axis < 0 ? 0 : batch * length;
  }
};

template <typename T>
void put(kt::ElementType from, const Operand& tensor, std::int64_t batch, std::int64_t sample,
         std::span<const T> values, std::byte* data) {
  if (tensor.shape.batch_axis < 0 && sample > 0) return;
  const Runs runs(tensor.shape, batch, sample);
  const auto type = *kernel_type(tensor.type);
  const auto size = static_cast<std::int64_t>(kt::bytes_of(type));
  kernels::Team alone;
  for (std::int64_t i = 0; i < runs.count; ++i)
    static_cast<void>(kt::cast(alone, {from, {runs.length}, values.data() + i * runs.length},
                               {type, {runs.length}, data + (runs.first + i * runs.step) * size}));
}

}  // namespace

const FileTensor* input_at(const LoweredModel& model, OpIndex op) {
  for (const FileTensor& input : model.inputs)
    if (input.operand.index == op) return &input;
  return nullptr;
}

const FileTensor* first_output(const LoweredModel& model) {
  for (const FileTensor& output : model.outputs)
    if (output.operand.kind == Operand::Kind::tensor) return &output;
  return nullptr;
}

Status fill_sample(InputSource& source, const Op& op, std::uint64_t seed, std::int64_t sample,
                   const Operand& tensor, std::int64_t batch, std::byte* data) {
  const auto size = static_cast<std::size_t>(elements(op.output));
  if (op.input_kind == InputKind::token_ids) {
    std::vector<std::int32_t> ids(size);
    BT_TRY_VOID(source.fill_ids(seed, op, sample, ids));
    put(kt::ElementType::i32, tensor, batch, sample, std::span<const std::int32_t>(ids), data);
    return {};
  }
  std::vector<float> values(size);
  BT_TRY_VOID(source.fill(seed, op, sample, values));
  put(kt::ElementType::f32, tensor, batch, sample, std::span<const float>(values), data);
  return {};
}

void append_sample(const Operand& tensor, std::int64_t batch, std::int64_t sample,
                   const std::byte* data, std::vector<float>& values) {
  const Runs runs(tensor.shape, batch, sample);
  const auto type = *kernel_type(tensor.type);
  const auto size = static_cast<std::int64_t>(kt::bytes_of(type));
  kernels::Team alone;
  for (std::int64_t i = 0; i < runs.count; ++i) {
    values.resize(values.size() + static_cast<std::size_t>(runs.length));
    static_cast<void>(kt::cast(
        alone, {type, {runs.length}, data + (runs.first + i * runs.step) * size},
        {kt::ElementType::f32, {runs.length}, values.data() + values.size() - runs.length}));
  }
}

std::int64_t whole_bytes(const Operand& tensor, std::int64_t batch) {
  return elements(tensor.shape.at(batch)) * bytes_of(tensor.type);
}

}  // namespace batchtune::imported
