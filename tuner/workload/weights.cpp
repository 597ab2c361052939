// Seeded values by counter: value i of a tensor is a hash of (seed, name, role, sample, i), so that
// nothing depends on batch, dtype or the order of calls. Near normal: the sum of four uniform
// 16-bit numbers.
#include "tuner/workload/weights.h"

#include <cmath>

#include "tuner/core/hash.h"

namespace batchtune {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): its finaliser over a counter passes the usual test
// batteries.
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::uint64_t stream(std::uint64_t seed, std::string_view name, std::uint64_t which) {
  return mix(mix(seed + kGolden) ^ fnv1a(name)) ^ mix((which + 1) * kGolden);
}

// Twice the centred sum of four uniform 16-bit numbers, plus 1: odd, hence never 0.
std::int32_t odd_sum(std::uint64_t bits) {
  const auto sum = static_cast<std::int32_t>((bits & 0xffff) + ((bits >> 16) & 0xffff) +
                                             ((bits >> 32) & 0xffff) + (bits >> 48));
  return 2 * (sum - 2 * 0xffff) + 1;
}
// Standard deviation of odd_sum: 2 x sqrt(4 x (65536^2 - 1) / 12).
constexpr float kSumDeviation = 75674.5F;

// Elements `first` and on of the stream named by `key`.
void fill(std::uint64_t key, std::int64_t first, float mean, float deviation,
          std::span<float> values) {
  const float scale = deviation / kSumDeviation;
  const std::uint64_t start = static_cast<std::uint64_t>(first) + 1;
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = mean + scale * static_cast<float>(odd_sum(mix(key + (start + i) * kGolden)));
}

// 1 / sqrt(E[f(x)^2]) for x standard normal: restores the second moment that the activation takes
// away.
float gain_of(Activation activation) {
  switch (activation) {
    case Activation::none:
      return 1.0F;
    case Activation::relu:
    case Activation::relu6:
      return 1.414F;
    case Activation::gelu:
    case Activation::gelu_erf:
      return 1.53F;
    case Activation::silu:
      return 1.68F;
  }
  return 1.0F;
}

// A residual adds its branch's variance at every block: a quarter of it grows 50 blocks by 1.25^50
// at most where nothing normalises, and in practice by far less, since ReLU halves it again.
constexpr float kResidualBranch = 0.5F;

float matrix_deviation(const Model& model, const Op& op) {
  std::int64_t inner = op.inner;
  if (op.kind == OpKind::conv2d) {
    const OpIndex input = find_op(model, op.inputs[0]);
    inner = op.window.kernel_h * op.window.kernel_w *
            model.ops[static_cast<std::size_t>(input)].output[2] / op.groups;
  }
  const float branch = op.epilogue.residual.empty() ? 1.0F : kResidualBranch;
  return branch * gain_of(op.epilogue.activation) / std::sqrt(static_cast<float>(inner));
}

constexpr float kBiasDeviation = 0.05F;  // small beside activations of about 1, far from denormal
constexpr float kGainDeviation = 0.02F;  // around 1

}  // namespace

void fill_weight(std::uint64_t seed, const Model& model, const Op& op, WeightRole role,
                 std::span<float> values, std::int64_t first) {
  const std::uint64_t key = stream(seed, op.name, static_cast<std::uint64_t>(role));
  switch (role) {
    case WeightRole::matrix:
      return fill(key, first, 0, matrix_deviation(model, op), values);
    case WeightRole::bias:
      return fill(key, first, 0, kBiasDeviation, values);
    case WeightRole::gain:
      return fill(key, first, 1, kGainDeviation, values);
    case WeightRole::table:
      return fill(key, first, 0, 1, values);
  }
}

void fill_input(std::uint64_t seed, const Op& input, std::int64_t sample, std::span<float> values,
                std::int64_t first) {
  fill(stream(~seed, input.name, static_cast<std::uint64_t>(sample)), first, 0, 1, values);
}

void fill_token_ids(std::uint64_t seed, const Op& input, std::int64_t sample,
                    std::span<std::int32_t> ids) {
  const std::uint64_t key = stream(~seed, input.name, static_cast<std::uint64_t>(sample));
  for (std::size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<std::int32_t>(mix(key + (i + 1) * kGolden) %
                                       static_cast<std::uint64_t>(input.vocabulary));
}

}  // namespace batchtune
