// Benchmarks of convolution: ResNet-50's layers (53 with their multiplicity, the classifier apart)
// and some depthwise ones, with random data, for each kernel that this machine runs, on one and on
// all threads.
#include <string>
#include <thread>
#include <vector>

#include "kernels/bench_support.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/depthwise.h"
#include "kernels/gemm/kernel.h"
#include "kernels/proof_data.h"

namespace batchtune::kernels {
namespace {

// Square layers: input channels, output channels, input size, kernel, stride, groups, batch.
struct Layer {
  std::int64_t in_c, out_c, size, kernel, stride, groups, batch;
};

constexpr Layer kLayers[] = {
    {3, 64, 224, 7, 2, 1, 1},     {64, 64, 56, 1, 1, 1, 1},     {64, 64, 56, 3, 1, 1, 1},
    {64, 256, 56, 1, 1, 1, 1},    {256, 64, 56, 1, 1, 1, 1},    {256, 128, 56, 1, 1, 1, 1},
    {128, 128, 56, 3, 2, 1, 1},   {128, 512, 28, 1, 1, 1, 1},   {256, 512, 56, 1, 2, 1, 1},
    {512, 128, 28, 1, 1, 1, 1},   {128, 128, 28, 3, 1, 1, 1},   {512, 256, 28, 1, 1, 1, 1},
    {256, 256, 28, 3, 2, 1, 1},   {256, 1024, 14, 1, 1, 1, 1},  {512, 1024, 28, 1, 2, 1, 1},
    {1024, 256, 14, 1, 1, 1, 1},  {256, 256, 14, 3, 1, 1, 1},   {1024, 512, 14, 1, 1, 1, 1},
    {512, 512, 14, 3, 2, 1, 1},   {512, 2048, 7, 1, 1, 1, 1},   {1024, 2048, 14, 1, 2, 1, 1},
    {2048, 512, 7, 1, 1, 1, 1},   {512, 512, 7, 3, 1, 1, 1},    {64, 64, 56, 3, 1, 1, 8},
    {256, 256, 14, 3, 1, 1, 8},   {512, 512, 7, 3, 1, 1, 8},    {32, 32, 112, 3, 1, 32, 1},
    {144, 144, 56, 3, 1, 144, 1}, {144, 144, 56, 3, 2, 144, 1}, {384, 384, 14, 3, 1, 384, 1},
    {960, 960, 7, 3, 1, 960, 1},
};

ConvShape shape_of(const Layer& layer) {
  ConvShape s;
  s.in_h = s.in_w = layer.size;
  s.in_c = layer.in_c;
  s.out_c = layer.out_c;
  s.kernel_h = s.kernel_w = layer.kernel;
  s.stride_h = s.stride_w = layer.stride;
  s.pad_top = s.pad_left = s.pad_bottom = s.pad_right = layer.kernel / 2;
  s.groups = layer.groups;
  return s;
}

void bench(benchmark::State& state, const ConvKernels& kernels, const Layer& layer, int threads,
           double peak) {
  const ConvShape shape = shape_of(layer);
  const Dtype dtype = kernels.gemm->dtype;
  const std::int64_t in_group = shape.in_c / shape.groups;
  Random random(7);
  const ProofTensor input =
      random.tensor(layer.batch * shape.in_h * shape.in_w * shape.in_c, dtype);
  const std::vector<float> bias = random.floats(shape.out_c);
  const std::int64_t pixels = layer.batch * shape.out_h() * shape.out_w();
  ProofTensor output(pixels * shape.out_c, dtype);
  const std::int64_t taps = shape.kernel_h * shape.kernel_w * in_group;
  const auto weights = PackedConv::pack(kernels, shape, random.floats(taps * shape.out_c).data());
  const std::size_t lane_bytes = conv_workspace_bytes(kernels, shape) + kCacheLineBytes;
  const AlignedBuffer scratch =
      AlignedBuffer::allocate(lane_bytes * static_cast<std::size_t>(threads));
  if (!weights || !scratch) return state.SkipWithError("out of memory");
  Conv call;
  call.batch = layer.batch;
  call.input = input.data();
  call.weights = &*weights;
  call.output = output.data();
  call.epilogue.bias = bias.data();
  call.epilogue.activation = Activation::relu;
  call.epilogue.output = dtype;
  const Workspace workspace{scratch.as<std::byte>(), lane_bytes};
  const double flops = 2.0 * static_cast<double>(pixels) * static_cast<double>(shape.out_c) *
                       static_cast<double>(taps);
  run_benchmark(state, threads, flops, peak, [&](Team& team) { conv2d(call, workspace, team); });
}

std::string name_of(const Layer& l, const std::string_view kernel) {
  return std::string(kernel) + "/" + std::to_string(l.in_c) + "," + std::to_string(l.out_c) + "," +
         std::to_string(l.size) + "," + std::to_string(l.kernel) + "," + std::to_string(l.stride) +
         (l.groups > 1 ? ",depthwise" : "") + "/batch:" + std::to_string(l.batch);
}

void register_all() {
  const int all = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (const GemmKernel* gemm : gemm_kernels()) {
    if (!supported(gemm->isa) || gemm->isa == Isa::reference) continue;
    const double peak = peak_of(gemm->isa, gemm->dtype);
    const ConvKernels kernels{gemm, &select_depthwise(gemm->dtype, up_to(gemm->isa))};
    for (const Layer& layer : kLayers) {
      for (int threads = 1; threads <= all; threads = threads == all ? all + 1 : all) {
        const std::string name = name_of(layer, kernel_name(kernels, shape_of(layer))) +
                                 "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(
            name.c_str(),
            [=](benchmark::State& state) { bench(state, kernels, layer, threads, peak); })
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace
}  // namespace batchtune::kernels

int main(int argc, char** argv) {
  batchtune::kernels::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
