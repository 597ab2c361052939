// Benchmarks of matrix products: BERT-Large, ResNet-50's pointwise convolutions and decoding, with
// random data, for each kernel that this machine runs, on one and on all threads.
#include <string>
#include <thread>
#include <vector>

#include "kernels/bench_support.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/kernel.h"
#include "kernels/proof_data.h"

namespace batchtune::kernels {
namespace {

struct Shape {
  const char* name;
  std::int64_t m, n, k;
  Activation activation;
};

constexpr Shape kShapes[] = {
    {"bert_qkv", 128, 1024, 1024, Activation::none},
    {"bert_qkv", 1024, 1024, 1024, Activation::none},
    {"bert_ffn1", 128, 4096, 1024, Activation::gelu_tanh},
    {"bert_ffn1", 1024, 4096, 1024, Activation::gelu_tanh},
    {"bert_ffn2", 128, 1024, 4096, Activation::none},
    {"bert_ffn2", 1024, 1024, 4096, Activation::none},
    {"pointwise_56", 3136, 64, 64, Activation::relu},
    {"pointwise_56", 3136, 256, 64, Activation::relu},
    {"pointwise_56", 3136, 64, 256, Activation::relu},
    {"pointwise_28", 784, 128, 512, Activation::relu},
    {"pointwise_28", 784, 512, 128, Activation::relu},
    {"pointwise_14", 196, 1024, 256, Activation::relu},
    {"pointwise_14", 196, 256, 1024, Activation::relu},
    {"pointwise_7", 49, 2048, 512, Activation::relu},
    {"pointwise_7", 49, 512, 2048, Activation::relu},
    {"decode", 1, 2048, 2048, Activation::none},
    {"decode", 1, 8192, 2048, Activation::silu},
    {"decode", 1, 2048, 8192, Activation::none},
    {"decode", 4, 8192, 2048, Activation::silu},
    {"decode", 8, 8192, 2048, Activation::silu},
    {"decode", 16, 8192, 2048, Activation::silu},
    {"decode", 32, 8192, 2048, Activation::silu},
};

void bench(benchmark::State& state, const GemmKernel& kernel, const Shape& shape, int threads,
           double peak) {
  Random random(7);
  const ProofTensor a = random.tensor(shape.m * shape.k, kernel.dtype);
  const std::vector<float> bias = random.floats(shape.n);
  ProofTensor c(shape.m * shape.n, kernel.dtype);
  const auto weights =
      PackedWeights::pack(kernel, shape.k, shape.n, random.floats(shape.k * shape.n).data());
  const std::size_t lane_bytes = gemm_workspace_bytes(kernel, shape.k, shape.n);
  const AlignedBuffer scratch =
      AlignedBuffer::allocate(lane_bytes * static_cast<std::size_t>(threads));
  if (!weights || !scratch) return state.SkipWithError("out of memory");
  Epilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.activation = shape.activation;
  epilogue.output = kernel.dtype;
  const Gemm call{shape.m, a.data(), shape.k, &*weights, c.data(), shape.n, epilogue};
  const Workspace workspace{scratch.as<std::byte>(), lane_bytes};
  const double flops = 2.0 * static_cast<double>(shape.m) * static_cast<double>(shape.n) *
                       static_cast<double>(shape.k);
  run_benchmark(state, threads, flops, peak, [&](Team& team) { gemm(call, workspace, team); });
  // Thin products are bound by reading W: this many bytes per second at the mean.
  state.SetBytesProcessed(static_cast<std::int64_t>(weights->bytes()) * state.iterations());
}

// 16 heads of 64 over 8 sequences of 128, interleaved in rows as in BERT-Large.
void bench_attention(benchmark::State& state, const GemmKernel& kernel, bool scores, int threads,
                     double peak) {
  constexpr std::int64_t kSamples = 8, kHeads = 16, kLength = 128, kWidth = 64;
  constexpr std::int64_t kModel = kHeads * kWidth, kScores = kHeads * kLength;
  const std::int64_t a_row = scores ? kModel : kScores, c_row = scores ? kScores : kModel;
  Random random(7);
  const ProofTensor a = random.tensor(kSamples * kLength * a_row, kernel.dtype);
  const ProofTensor b = random.tensor(kSamples * kLength * kModel, kernel.dtype);
  ProofTensor c(kSamples * kLength * c_row, kernel.dtype);
  BatchedGemm call;
  call.samples = kSamples;
  call.heads = kHeads;
  call.shape = scores ? GemmShape{kLength, kLength, kWidth} : GemmShape{kLength, kWidth, kLength};
  call.a = {a.data(), kLength * a_row, call.shape.k, a_row};
  call.b = {b.data(), kLength * kModel, kWidth, kModel};
  call.b_transposed = scores;
  call.c = {c.data(), kLength * c_row, call.shape.n, c_row};
  call.epilogue.output = kernel.dtype;
  const std::size_t lane_bytes = batched_gemm_workspace_bytes(kernel, call.shape);
  const AlignedBuffer scratch =
      AlignedBuffer::allocate(lane_bytes * static_cast<std::size_t>(threads));
  if (!scratch) return state.SkipWithError("out of memory");
  const double flops = 2.0 * kSamples * kHeads * kLength * kLength * kWidth;
  run_benchmark(state, threads, flops, peak, [&](Team& team) {
    batched_gemm(kernel, call, {scratch.as<std::byte>(), lane_bytes}, team);
  });
}

template <typename Run>
void add(const std::string& name, Run&& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void register_all() {
  const int all = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (const GemmKernel* kernel : gemm_kernels()) {
    if (!supported(kernel->isa) || kernel->isa == Isa::reference) continue;
    const double peak = peak_of(kernel->isa, kernel->dtype);
    for (int threads = 1; threads <= all; threads = threads == all ? all + 1 : all) {
      const std::string tail = "/threads:" + std::to_string(threads);
      for (const Shape& shape : kShapes) {
        add(std::string(kernel->name) + "/" + shape.name + "/" + std::to_string(shape.m) + "x" +
                std::to_string(shape.n) + "x" + std::to_string(shape.k) + tail,
            [=](benchmark::State& state) { bench(state, *kernel, shape, threads, peak); });
      }
      for (bool scores : {true, false}) {
        add(std::string(kernel->name) + (scores ? "/attention_scores" : "/attention_values") + tail,
            [=](benchmark::State& state) {
              bench_attention(state, *kernel, scores, threads, peak);
            });
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
