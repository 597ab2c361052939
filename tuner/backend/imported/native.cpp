#include "tuner/backend/imported/native.h"

#include <algorithm>
#include <memory>

namespace batchtune::imported {
namespace {

struct NativeRow {
  std::string_view domain, op_type;
  bool (*add)(Builder& builder, const GraphNode& node);
};

// ONNX's own operations where they are one of ours as they stand, and what passes made.
constexpr NativeRow kRows[] = {
    {"", "Add", add_sum},
    {"", "AveragePool", add_pool},
    {"", "Clip", add_activation},
    {"", "Concat", add_concat},
    {"", "Gelu", add_activation},
    {"", "GlobalAveragePool", add_global_average_pool},
    {"", "MaxPool", add_pool},
    {"", "Mul", add_multiply},
    {"", "Relu", add_activation},
    {"", "Softmax", add_softmax},
    {"", "Split", add_split},
    {"", "Sum", add_sum},
    {kNative, "Activation", add_activation},
    {kNative, "BatchedMatMul", add_batched_matmul},
    {kNative, "ChannelShuffle", add_channel_shuffle},
    {kNative, "Conv", add_conv},
    {kNative, "Embedding", add_embedding},
    {kNative, "LayerNorm", add_norm},
    {kNative, "MatMul", add_matmul},
    {kNative, "RmsNorm", add_norm},
    {kNative, "Slice", add_slice},
    {kNative, "Softmax", add_softmax},
};

}  // namespace

bool add_native(Builder& builder, const GraphNode& node) {
  for (const NativeRow& row : kRows)
    if (row.domain == node.domain && row.op_type == node.op_type) return row.add(builder, node);
  return false;
}

Activation activation_of(const GraphNode& node) {
  const std::string name = text(node, "activation", "");
  for (const Activation one :
       {Activation::relu, Activation::relu6, Activation::gelu, Activation::gelu_erf,
        Activation::silu})
    if (name_of(one) == name) return one;
  return Activation::none;
}

std::optional<Floats> Floats::of(const GraphTensor& tensor) {
  if (!tensor.value || !tensor.value->bytes) return std::nullopt;
  if (tensor.value->type != ElementType::f32) {
    auto values = floats(tensor);
    return values ? std::optional(Floats(std::move(*values))) : std::nullopt;
  }
  Floats out;
  out.owner_ = tensor.value->bytes;
  out.data_ = reinterpret_cast<const float*>(tensor.value->bytes->data());
  out.size_ = elements(tensor.value->shape);
  return out;
}

Floats::Floats(std::vector<float> values) {
  const auto owner = std::make_shared<const std::vector<float>>(std::move(values));
  owner_ = owner;
  data_ = owner->data();
  size_ = std::ssize(*owner);
}

FileWeights::Fill fill_in_order(Floats values) {
  return [values](std::span<float> to, std::int64_t first) {
    std::copy_n(values.data() + first, to.size(), to.begin());
  };
}

}  // namespace batchtune::imported
