// A depthwise row against the textbook loops: channels around a vector, borders, strides, every
// epilogue.
#include <cmath>
#include <vector>

#include "kernels/conv/conv.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/reference/naive.h"
#include "kernels/proof_data.h"

namespace batchtune::kernels {
namespace {

struct Case {
  std::int64_t channels, size, kernel, stride, pad, dilation;
  Activation activation;
  bool bias, residual;
  Dtype output;
};

ConvShape shape_of(const Case& c) {
  ConvShape s;
  s.in_h = c.size;
  s.in_w = c.size + 3;
  s.in_c = s.out_c = s.groups = c.channels;
  s.kernel_h = s.kernel_w = c.kernel;
  s.stride_h = s.stride_w = c.stride;
  s.pad_top = s.pad_left = s.pad_bottom = s.pad_right = c.pad;
  s.dilation_h = s.dilation_w = c.dilation;
  return s;
}

std::string text_of(const Case& c) {
  return "channels=" + std::to_string(c.channels) + " size=" + std::to_string(c.size) +
         " kernel=" + std::to_string(c.kernel) + " stride=" + std::to_string(c.stride) +
         " activation=" + std::to_string(static_cast<int>(c.activation)) +
         " output=" + name_of(c.output);
}

double error_of(const DepthwiseKernel& kernel, const Case& c, Random& random) {
  constexpr std::int64_t kBatch = 2;
  const ConvShape shape = shape_of(c);
  const std::int64_t outputs = kBatch * shape.out_h() * shape.out_w() * shape.out_c;
  const ProofTensor input =
      random.tensor(kBatch * shape.in_h * shape.in_w * shape.in_c, kernel.dtype);
  const std::vector<float> weights = random.floats(c.channels * c.kernel * c.kernel);
  const std::vector<float> bias = random.floats(c.channels);
  const ProofTensor residual = random.tensor(outputs, c.output);
  ProofTensor fast(outputs, c.output), slow(outputs, c.output);

  Epilogue epilogue;
  epilogue.bias = c.bias ? bias.data() : nullptr;
  epilogue.activation = c.activation;
  epilogue.residual = c.residual ? residual.data() : nullptr;
  epilogue.residual_stride = c.channels;
  epilogue.output = c.output;

  const auto packed = PackedConv::pack({nullptr, &kernel}, shape, weights.data());
  if (!packed) return HUGE_VAL;
  Conv call;
  call.batch = kBatch;
  call.input = input.data();
  call.weights = &*packed;
  call.output = fast.data();
  call.epilogue = epilogue;
  Team alone;
  conv2d(call, {}, alone);
  reference::conv2d(shape, kernel.dtype, kBatch, input.data(), shape.in_c, weights.data(),
                    slow.data(), shape.out_c, epilogue);
  return largest_difference(fast, slow) / tolerance(c.output, c.kernel * c.kernel);
}

}  // namespace

Proof prove(const DepthwiseKernel& kernel) {
  using enum Activation;
  const Dtype half = kernel.dtype;
  const Case cases[] = {
      {3, 5, 3, 1, 1, 1, none, false, false, Dtype::f32},
      {16, 9, 3, 2, 1, 1, relu6, true, false, half},
      {17, 12, 5, 1, 2, 1, silu, true, true, half},
      {8, 9, 3, 1, 2, 2, relu, true, true, half},
      {35, 14, 3, 1, 0, 1, gelu_tanh, true, false, half},
      {33, 6, 3, 1, 1, 1, gelu_erf, true, true, half},
  };
  Random random(2);
  Proof proof;
  for (const Case& c : cases) {
    const double error = error_of(kernel, c, random);
    if (!(error <= proof.error)) {  // also NaN
      proof.error = error;
      proof.where = text_of(c);
    }
  }
  proof.passed = proof.error <= 1.0;
  return proof;
}

}  // namespace batchtune::kernels
