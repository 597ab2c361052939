// Operations on tensors of i8 and u8 that come with their scales and zero points: ONNX's own, and
// those of com.microsoft that ONNX Runtime's quantisation writes.
#include "kernels/tensor/products.h"
#include "kernels/tensor/quantised.h"
#include "tuner/backend/imported/window.h"

namespace batchtune::imported {
namespace {

constexpr char kMicrosoft[] = "com.microsoft";

// Values, scale and zero point, from input `first` on.
kt::Quantised quantised(const CallData& data, std::size_t first) {
  return {data.in[first], data.in[first + 1], data.in[first + 2]};
}
constexpr std::size_t kEach = 3;  // inputs of a quantised operand

// The f32 operands that products run on.
kt::ConstTensor as_floats(kt::ConstTensor tensor) {
  tensor.type = kt::ElementType::f32;
  return tensor;
}

MadeCall matmul(const CallNode&) {
  return Call{[](const CallData& data) {
                return kt::qlinear_matmul(data.context, quantised(data, 0), quantised(data, kEach),
                                          data.in[6], data.in[7], data.out[0], data.workspace);
              },
              [](const kt::Kernels& kernels, std::span<const kt::ConstTensor> in) {
                return kt::matmul_workspace_bytes(kernels, as_floats(in[0]), as_floats(in[kEach]));
              }};
}

MadeCall conv(const CallNode& node) {
  const auto window = window_of(node, kernel_of_weights(node, kEach));
  if (!window) return no_call(window.error());
  const std::int64_t groups = integer(node.node(), "group", 1);
  return Call{[window = *window, groups](const CallData& data) {
                return kt::qlinear_conv(data.context, quantised(data, 0), quantised(data, kEach),
                                        data.optional(8), window, groups, data.in[6], data.in[7],
                                        data.out[0], data.workspace);
              },
              [groups](const kt::Kernels& kernels, std::span<const kt::ConstTensor> in) {
                return kt::conv_workspace_bytes(kernels, in[kEach], groups);
              }};
}

MadeCall gemm(const CallNode& node) {
  const kt::QuantisedGemm how{.alpha = number(node.node(), "alpha", 1),
                              .transpose_a = integer(node.node(), "transA", 0) != 0,
                              .transpose_b = integer(node.node(), "transB", 0) != 0};
  return Call{[how](const CallData& data) {
                return kt::qgemm(data.context, how, quantised(data, 0), quantised(data, kEach),
                                 data.optional(6), data.optional(7), data.optional(8), data.out[0],
                                 data.workspace);
              },
              [how](const kt::Kernels& kernels, std::span<const kt::ConstTensor> in) {
                return kt::gemm_workspace_bytes(
                    kernels, {.transpose_a = how.transpose_a, .transpose_b = how.transpose_b},
                    as_floats(in[0]), as_floats(in[kEach]));
              }};
}

template <kt::Binary kOperation>
MadeCall binary(const CallNode&) {
  return Call{[](const CallData& data) {
    return kt::qlinear_binary(data.context, kOperation, quantised(data, 0), quantised(data, kEach),
                              data.in[6], data.in[7], data.out[0]);
  }};
}

template <kt::Unary kOperation>
MadeCall unary(const CallNode& node) {
  return Call{[alpha = number(node.node(), "alpha", 0.01)](const CallData& data) {
    return kt::qlinear_unary(data.context, kOperation, alpha, quantised(data, 0), data.in[3],
                             data.in[4], data.out[0]);
  }};
}

MadeCall global_average_pool(const CallNode& node) {
  if (integer(node.node(), "channels_last", 0) != 0) return no_call("channels_last");
  return Call{[](const CallData& data) {
    return kt::qlinear_global_average_pool(data.context, quantised(data, 0), data.in[3],
                                           data.in[4], data.out[0]);
  }};
}

// The output's scale and zero point come first.
MadeCall concat(const CallNode& node) {
  constexpr std::size_t kFirst = 2;
  if ((node.input_count() - kFirst) % kEach != 0) return no_call("an input without its scale");
  const auto axis = CallNode::axis(integer(node.node(), "axis", 1), node.rank(kFirst));
  if (!axis) return no_call("an axis that the input does not have");
  return Call{[axis = *axis](const CallData& data) {
    std::vector<kt::Quantised> inputs;
    for (std::size_t i = kFirst; i + kEach <= data.in.size(); i += kEach)
      inputs.push_back(quantised(data, i));
    return kt::qlinear_concat(data.context, inputs, axis, data.in[0], data.in[1], data.out[0]);
  }};
}

constexpr CallRow kRows[] = {
    {"", "QLinearConv", conv},
    {"", "QLinearMatMul", matmul},
    {kMicrosoft, "QGemm", gemm},
    {kMicrosoft, "QLinearAdd", binary<kt::Binary::add>},
    {kMicrosoft, "QLinearConcat", concat},
    {kMicrosoft, "QLinearGlobalAveragePool", global_average_pool},
    {kMicrosoft, "QLinearLeakyRelu", unary<kt::Unary::leaky_relu>},
    {kMicrosoft, "QLinearMul", binary<kt::Binary::mul>},
    {kMicrosoft, "QLinearSigmoid", unary<kt::Unary::sigmoid>},
};

}  // namespace

std::span<const CallRow> quantised_calls() {
  return kRows;
}

}  // namespace batchtune::imported
