// Matrix products of two activations, and those with constants that have no native kind.
#include <algorithm>

#include "kernels/tensor/images.h"
#include "kernels/tensor/products.h"
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {
namespace {

MadeCall matmul(const CallNode&) {
  return Call{[](const CallData& data) {
                return kt::matmul(data.context, data.in[0], data.in[1], data.out[0],
                                  data.workspace);
              },
              [](const kt::Kernels& kernels, std::span<const kt::ConstTensor> in) {
                return kt::matmul_workspace_bytes(kernels, in[0], in[1]);
              }};
}

MadeCall gemm(const CallNode& node) {
  const kt::GemmCall call{.alpha = number(node.node(), "alpha", 1),
                          .beta = number(node.node(), "beta", 1),
                          .transpose_a = integer(node.node(), "transA", 0) != 0,
                          .transpose_b = integer(node.node(), "transB", 0) != 0};
  return Call{[call](const CallData& data) {
                return kt::gemm(data.context, call, data.in[0], data.in[1], data.optional(2),
                                data.out[0], data.workspace);
              },
              [call](const kt::Kernels& kernels, std::span<const kt::ConstTensor> in) {
                return kt::gemm_workspace_bytes(kernels, call, in[0], in[1]);
              }};
}

MadeCall matmul_integer(const CallNode&) {
  return Call{[](const CallData& data) {
    return kt::matmul_integer(data.context, data.in[0], data.in[1], data.optional(2),
                              data.optional(3), data.out[0]);
  }};
}

MadeCall einsum(const CallNode& node) {
  const std::string equation = text(node.node(), "equation", "");
  if (equation.empty()) return no_call("no equation");
  return Call{[equation](const CallData& data) {
    return kt::einsum(data.context, equation, data.in, data.out[0]);
  }};
}

// Entries of a list with one for each spatial axis; all `otherwise` where it is absent.
std::optional<kt::PerAxis> per_axis(const std::vector<std::int64_t>& list, std::size_t rank,
                                    std::int64_t otherwise) {
  kt::PerAxis values;
  values.fill(otherwise);
  if (!list.empty() && list.size() != rank) return std::nullopt;
  std::copy(list.begin(), list.end(), values.begin());
  return values;
}

// pad_begin, of which `output_shape` or `auto_pad` ask for a part of what the sizes leave over.
kt::PerAxis derived_padding(const CallNode& node, const kt::Window& window,
                            const kt::PerAxis& output_padding, std::size_t rank) {
  kt::PerAxis begin{0, 0, 0};
  const bool more_in_front = text(node.node(), "auto_pad", "NOTSET") != "SAME_UPPER";
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t in = node.in(0).shape->sizes[i + 2], out = node.out().shape->sizes[i + 2];
    const std::int64_t total = window.stride[i] * (in - 1) + output_padding[i] +
                               (window.kernel[i] - 1) * window.dilation[i] + 1 - out;
    const std::int64_t padding = std::max<std::int64_t>(total, 0);
    begin[i] = more_in_front ? padding - padding / 2 : padding / 2;
  }
  return begin;
}

MadeCall conv_transpose(const CallNode& node) {
  if (node.rank() < 3 || node.rank() > 2 + kt::kMaxSpatial)
    return no_call("an input of " + std::to_string(node.rank()) + " dimensions (3 to 5 are)");
  const std::size_t rank = node.rank() - 2;
  const auto& weights = node.in(1).shape->sizes;
  kt::Window window;
  std::copy(weights.begin() + 2, weights.end(), window.kernel.begin());
  const auto stride = per_axis(integers(node.node(), "strides"), rank, 1);
  const auto dilation = per_axis(integers(node.node(), "dilations"), rank, 1);
  const auto output_padding = per_axis(integers(node.node(), "output_padding"), rank, 0);
  if (!stride || !dilation || !output_padding)
    return no_call(
        "strides, dilations or output_padding of another length than the image has axes");
  window.stride = *stride;
  window.dilation = *dilation;
  const auto pads = integers(node.node(), "pads");
  const std::string auto_pad = text(node.node(), "auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER" ||
      !integers(node.node(), "output_shape").empty())
    window.pad_begin = derived_padding(node, window, *output_padding, rank);
  else if (auto_pad == "NOTSET" && pads.size() == 2 * rank)
    std::copy_n(pads.begin(), rank, window.pad_begin.begin());
  const std::int64_t groups = integer(node.node(), "group", 1);
  return Call{[window, groups](const CallData& data) {
                return kt::conv_transpose(data.context, data.in[0], data.in[1], data.optional(2),
                                          window, groups, data.out[0], data.workspace);
              },
              [groups](const kt::Kernels& kernels, std::span<const kt::ConstTensor> in) {
                return kt::conv_transpose_workspace_bytes(kernels, in[0], in[1], groups);
              }};
}

constexpr CallRow kRows[] = {
    {"", "ConvTranspose", conv_transpose},
    {"", "Einsum", einsum},
    {"", "Gemm", gemm},
    {"", "MatMul", matmul},
    {"", "MatMulInteger", matmul_integer},
};

}  // namespace

std::span<const CallRow> product_calls() {
  return kRows;
}

}  // namespace batchtune::imported
