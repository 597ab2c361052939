#include "kernels/conv/conv.h"

#include <vector>

#include "kernels/conv/depthwise.h"
#include "kernels/conv/reference/naive.h"
#include "kernels/gemm/kernel.h"
#include "kernels/proof_data.h"
#include "tests/support/catch.h"

using namespace batchtune::kernels;

namespace {

ConvShape square(std::int64_t size, std::int64_t in_c, std::int64_t out_c, std::int64_t kernel,
                 std::int64_t stride, std::int64_t pad, std::int64_t groups = 1,
                 std::int64_t dilation = 1) {
  ConvShape s;
  s.in_h = s.in_w = size;
  s.in_c = in_c;
  s.out_c = out_c;
  s.kernel_h = s.kernel_w = kernel;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = s.pad_bottom = s.pad_right = pad;
  s.groups = groups;
  s.dilation_h = s.dilation_w = dilation;
  return s;
}

struct Options {
  std::int64_t batch = 2, input_padding = 0, output_padding = 0;
  Activation activation = Activation::relu;
  bool residual = false;
  Dtype output = Dtype::f32;
  int threads = 1;
};

// The error as a share of its tolerance.
double error_of(const ConvKernels& kernels, const ConvShape& s, const Options& o) {
  const Dtype dtype = kernels.gemm->dtype;
  Random random(static_cast<std::uint64_t>(s.in_c * 3 + s.out_c + s.kernel_h));
  const std::int64_t in_stride = s.in_c + o.input_padding, out_stride = s.out_c + o.output_padding;
  const std::int64_t outputs = o.batch * s.out_h() * s.out_w() * out_stride;
  const std::int64_t k = s.kernel_h * s.kernel_w * s.in_c / s.groups;
  const ProofTensor input = random.tensor(o.batch * s.in_h * s.in_w * in_stride, dtype);
  const std::vector<float> weights = random.floats(k * s.out_c), bias = random.floats(s.out_c);
  const ProofTensor residual = random.tensor(outputs, o.output);
  ProofTensor fast(outputs, o.output), slow(outputs, o.output);
  const auto packed = PackedConv::pack(kernels, s, weights.data());
  REQUIRE(packed);
  CHECK(packed->bytes() == PackedConv::bytes(kernels, s));
  Conv call;
  call.batch = o.batch;
  call.input = input.data();
  call.input_stride = in_stride;
  call.weights = &*packed;
  call.output = fast.data();
  call.output_stride = out_stride;
  call.epilogue.bias = bias.data();
  call.epilogue.activation = o.activation;
  call.epilogue.residual = o.residual ? residual.data() : nullptr;
  call.epilogue.residual_stride = out_stride;
  call.epilogue.output = o.output;
  const std::size_t lane_bytes = conv_workspace_bytes(kernels, s);
  const AlignedBuffer scratch =
      poisoned_scratch((lane_bytes + 64) * static_cast<std::size_t>(o.threads));
  Arena arena(o.threads, Pin::no);
  arena.run([&](Team& team) { conv2d(call, {scratch.as<std::byte>(), lane_bytes}, team); });
  reference::conv2d(s, dtype, o.batch, input.data(), in_stride, weights.data(), slow.data(),
                    out_stride, call.epilogue);
  return largest_difference(fast, slow) / tolerance(o.output, k);
}

// Calls check(kernels, name) for every gemm row with the depthwise row of its ISA that this machine
// runs.
template <typename Check>
void for_each_runnable(Check&& check) {
  for (const GemmKernel* gemm : gemm_kernels()) {
    if (!supported(gemm->isa)) continue;
    check(ConvKernels{gemm, &select_depthwise(gemm->dtype, up_to(gemm->isa))}, gemm->name);
  }
}

void check_shape(const ConvShape& s, const Options& o = {}) {
  for_each_runnable([&](const ConvKernels& kernels, const char* name) {
    INFO(name << " size=" << s.in_h << "x" << s.in_w << " in_c=" << s.in_c << " out_c=" << s.out_c
              << " kernel=" << s.kernel_h << " stride=" << s.stride_h << " pad=" << s.pad_top
              << " groups=" << s.groups << " dilation=" << s.dilation_h);
    REQUIRE(error_of(kernels, s, o) <= 1.0);
  });
}

}  // namespace

TEST_CASE("each depthwise kernel passes its own proof", "[conv]") {
  const std::string name =
      GENERATE("depthwise_f32_avx512", "depthwise_f32_avx2", "depthwise_bf16_avx512",
               "depthwise_bf16_avx2", "depthwise_f32_reference", "depthwise_bf16_reference");
  for (const DepthwiseKernel* kernel : depthwise_kernels()) {
    if (kernel->name != name) continue;
    if (!supported(kernel->isa)) BT_SKIP(name << ": " << why_not(kernel->isa));
    const Proof proof = prove(*kernel);
    INFO(name << ": " << proof.error << " of the tolerance at " << proof.where);
    CHECK(proof.passed);
    return;
  }
  FAIL(name << " is not in the table");
}

TEST_CASE("convolutions over kernel sizes, strides and paddings agree with the textbook",
          "[conv]") {
  for (std::int64_t kernel : {1, 2, 3, 5}) {
    for (std::int64_t stride : {1, 2, 3}) {
      for (std::int64_t pad : {0, 1, 2}) check_shape(square(7, 5, 9, kernel, stride, pad));
    }
  }
}

TEST_CASE("dilated convolutions agree with the textbook", "[conv]") {
  check_shape(square(9, 4, 6, 3, 1, 2, 1, 2));
  check_shape(square(11, 3, 33, 3, 2, 1, 1, 3));
}

TEST_CASE("grouped convolutions agree with the textbook", "[conv]") {
  check_shape(square(6, 8, 12, 3, 1, 1, 4));
  check_shape(square(5, 6, 6, 1, 1, 0, 2));
  check_shape(
      square(6, 4, 8, 3, 1, 1, 4));  // one input channel a group, two outputs: not depthwise
  check_shape(square(6, 34, 66, 3, 2, 1, 2));
}

TEST_CASE("depthwise convolutions agree with the textbook around vector and block sizes",
          "[conv]") {
  for (std::int64_t channels : {2, 8, 15, 16, 17, 40}) {
    check_shape(square(15, channels, channels, 3, 1, 1, channels));
    check_shape(square(8, channels, channels, 3, 2, 1, channels));
  }
  check_shape(square(9, 19, 19, 5, 1, 2, 19, 2));
}

TEST_CASE("a kernel larger than the input works where padding makes room", "[conv]") {
  check_shape(square(2, 3, 4, 5, 1, 2));
  check_shape(square(1, 3, 4, 3, 1, 1));
  check_shape(square(2, 6, 6, 5, 1, 2, 6));
  CHECK(square(2, 3, 4, 5, 1, 1).out_h() == 0);  // 4 < 5: no output
}

TEST_CASE("uneven paddings, strides and dilations per axis agree with the textbook", "[conv]") {
  ConvShape s = square(8, 7, 10, 3, 1, 0);
  s.in_w = 11;
  s.kernel_w = 4;
  s.stride_h = 2;
  s.pad_top = 2;
  s.pad_right = 3;
  s.dilation_h = 2;
  check_shape(s);
}

TEST_CASE("every activation, residuals and strided pixels agree with the textbook", "[conv]") {
  for (Activation activation :
       {Activation::none, Activation::relu6, Activation::gelu_tanh, Activation::silu,
        Activation::gelu_erf}) {
    for (Dtype output : {Dtype::f32, Dtype::bf16}) {
      const Options o{.input_padding = 3,
                      .output_padding = 5,
                      .activation = activation,
                      .residual = true,
                      .output = output};
      check_shape(square(6, 5, 7, 3, 1, 1), o);
      check_shape(square(6, 5, 7, 1, 1, 0), o);
      check_shape(square(9, 21, 21, 3, 1, 1, 21), o);
    }
  }
}

TEST_CASE("shapes large enough for several blocks agree with the textbook", "[conv]") {
  for_each_runnable([](const ConvKernels& kernels, const char* name) {
    if (kernels.gemm->isa == Isa::reference) return;  // no blocks of its own, and slow
    INFO(name);
    CHECK(error_of(kernels, square(30, 3, 40, 7, 2, 3), {.threads = 2}) <= 1.0);
    CHECK(error_of(kernels, square(12, 130, 33, 3, 1, 1), {.threads = 2}) <= 1.0);
    CHECK(error_of(kernels, square(7, 260, 34, 3, 1, 1), {.batch = 3, .threads = 3}) <= 1.0);
    CHECK(error_of(kernels, square(40, 24, 24, 3, 1, 1, 24), {.threads = 2}) <= 1.0);
  });
}

TEST_CASE("an empty batch or an empty output is no work", "[conv]") {
  const ConvKernels kernels = select_conv(Dtype::f32, machine_isas());
  for (const ConvShape& s :
       {square(4, 3, 5, 3, 1, 1), square(4, 3, 3, 3, 1, 1, 3), square(2, 1, 1, 3, 1, 0)}) {
    const std::vector<float> weights(
        static_cast<std::size_t>(s.kernel_h * s.kernel_w * s.in_c * s.out_c), 1.0f);
    const auto packed = PackedConv::pack(kernels, s, weights.data());
    REQUIRE(packed);
    Conv call;
    call.batch = s.out_h() == 0 ? 2 : 0;
    call.weights = &*packed;
    Team alone;
    conv2d(call, {}, alone);
  }
}

TEST_CASE("the kernel of a shape is the one its weights are packed for", "[conv]") {
  const ConvKernels kernels = select_conv(Dtype::bf16, up_to(Isa::avx512bf16));
  CHECK(kernel_name(kernels, square(4, 8, 8, 3, 1, 1)) == "gemm_bf16_14x32_avx512bf16");
  CHECK(kernel_name(kernels, square(4, 8, 8, 3, 1, 1, 8)) == "depthwise_bf16_avx512");
}
