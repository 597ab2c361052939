// Operations on tensors of i8 and u8 that come with their scales and zero points: ONNX's own, and
// those of com.microsoft that ONNX Runtime's quantisation writes.
#include "kernels/tensor/binary.h"
#include "kernels/tensor/layout.h"
#include "kernels/tensor/products.h"
#include "kernels/tensor/quantised.h"
#include "kernels/tensor/rows.h"
#include "kernels/tensor/unary.h"
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

// ---- what becomes f32 for one operation ----

// f(context, values of the inputs, out); the output's scale and zero point come behind the inputs.
template <typename F>
MadeCall of_values(std::size_t inputs, F f) {
  return Call{[inputs, f](const CallData& data) {
    std::vector<kt::Quantised> operands;
    for (std::size_t i = 0; i < inputs; ++i) operands.push_back(quantised(data, i * kEach));
    return kt::qlinear(
        data.context, operands,
        [&](std::span<const kt::ConstTensor> in, const kt::Tensor& out) {
          return f(data.context, in, out);
        },
        data.in[inputs * kEach], data.in[inputs * kEach + 1], data.out[0]);
  }};
}

using Values = std::span<const kt::ConstTensor>;

template <kt::Binary kOperation>
MadeCall binary(const CallNode&) {
  return of_values(2, [](const kt::Context& context, Values in, const kt::Tensor& out) {
    return kt::binary(context, kOperation, in[0], in[1], out);
  });
}

template <kt::Unary kOperation>
MadeCall unary(const CallNode& node) {
  const double alpha = number(node.node(), "alpha", 0.01);
  return of_values(1, [alpha](const kt::Context& context, Values in, const kt::Tensor& out) {
    return kt::unary(context, kOperation, in[0], out, alpha);
  });
}

// Its attribute says which of ONNX's opsets it follows: before 13 it goes over the axis and all
// behind it.
MadeCall softmax(const CallNode& node) {
  const bool from_axis = integer(node.node(), "opset", 1) < 13;
  const auto axis = CallNode::axis(integer(node.node(), "axis", -1), node.rank());
  if (!axis) return no_call("an axis that the input does not have");
  return of_values(1,
                   [=, at = *axis](const kt::Context& context, Values in, const kt::Tensor& out) {
                     return kt::softmax(context, kt::Softmax::softmax, in[0], at, from_axis, out);
                   });
}

MadeCall average_pool(const CallNode& node) {
  if (integer(node.node(), "channels_last", 0) != 0) return no_call("channels_last");
  const auto window = window_of(node, integers(node.node(), "kernel_shape"));
  if (!window) return no_call(window.error());
  const bool whole = integer(node.node(), "count_include_pad", 0) != 0;
  return of_values(
      1, [window = *window, whole](const kt::Context& context, Values in, const kt::Tensor& out) {
        return kt::average_pool(context, in[0], window, whole, out);
      });
}

MadeCall global_average_pool(const CallNode& node) {
  if (integer(node.node(), "channels_last", 0) != 0) return no_call("channels_last");
  return of_values(1, [](const kt::Context& context, Values in, const kt::Tensor& out) {
    return kt::global_pool(context, kt::GlobalPool::average, in[0], 1, out);
  });
}

// The output's scale and zero point come first.
MadeCall concat(const CallNode& node) {
  constexpr std::size_t kFirst = 2;
  if ((node.input_count() - kFirst) % kEach != 0) return no_call("an input without its scale");
  const auto axis = CallNode::axis(integer(node.node(), "axis", 1), node.rank(kFirst));
  if (!axis) return no_call("an axis that the input does not have");
  return Call{[axis = *axis](const CallData& data) {
    std::vector<kt::Quantised> operands;
    for (std::size_t i = kFirst; i + kEach <= data.in.size(); i += kEach)
      operands.push_back(quantised(data, i));
    return kt::qlinear(
        data.context, operands,
        [&](Values in, const kt::Tensor& out) { return kt::concat(data.context, in, axis, out); },
        data.in[0], data.in[1], data.out[0]);
  }};
}

constexpr CallRow kRows[] = {
    {"", "QLinearConv", conv},
    {"", "QLinearMatMul", matmul},
    {kMicrosoft, "QGemm", gemm},
    {kMicrosoft, "QLinearAdd", binary<kt::Binary::add>},
    {kMicrosoft, "QLinearAveragePool", average_pool},
    {kMicrosoft, "QLinearConcat", concat},
    {kMicrosoft, "QLinearGlobalAveragePool", global_average_pool},
    {kMicrosoft, "QLinearLeakyRelu", unary<kt::Unary::leaky_relu>},
    {kMicrosoft, "QLinearMul", binary<kt::Binary::mul>},
    {kMicrosoft, "QLinearSigmoid", unary<kt::Unary::sigmoid>},
    {kMicrosoft, "QLinearSoftmax", softmax},
};

}  // namespace

std::span<const CallRow> quantised_calls() {
  return kRows;
}

}  // namespace batchtune::imported
