#include "kernels/tensor/unary.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/split.h"
#include "kernels/tensor/layout.h"
#include "kernels/tensor/vector.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

template <typename W, typename F>
bool each(W* x, std::int64_t n, F f) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = f(x[i]);
  return true;
}

// The functions of the C library, for the operations and types that have no loop of vectors. False
// where W has no such operation.
template <typename W>
bool trigonometric(Unary operation, W* x, std::int64_t n) {
  switch (operation) {
    case Unary::sin:
      return each(x, n, [](W v) { return std::sin(v); });
    case Unary::cos:
      return each(x, n, [](W v) { return std::cos(v); });
    case Unary::tan:
      return each(x, n, [](W v) { return std::tan(v); });
    case Unary::asin:
      return each(x, n, [](W v) { return std::asin(v); });
    case Unary::acos:
      return each(x, n, [](W v) { return std::acos(v); });
    case Unary::atan:
      return each(x, n, [](W v) { return std::atan(v); });
    case Unary::sinh:
      return each(x, n, [](W v) { return std::sinh(v); });
    case Unary::cosh:
      return each(x, n, [](W v) { return std::cosh(v); });
    case Unary::tanh:
      return each(x, n, [](W v) { return std::tanh(v); });
    case Unary::asinh:
      return each(x, n, [](W v) { return std::asinh(v); });
    case Unary::acosh:
      return each(x, n, [](W v) { return std::acosh(v); });
    case Unary::atanh:
      return each(x, n, [](W v) { return std::atanh(v); });
    default:
      return false;
  }
}

template <typename W>
W sigmoid(W x) {
  return W{1} / (W{1} + std::exp(-x));
}
template <typename W>
W softplus(W x) {
  return std::max(x, W{0}) + std::log1p(std::exp(-std::abs(x)));
}
template <typename W>
W hard_sigmoid(W x, W alpha, W beta) {
  return std::clamp(alpha * x + beta, W{0}, W{1});
}
template <typename W>
W gelu_tanh(W x) {
  const W inner = W(0.7978845608028654) * (x + W(0.044715) * x * x * x);  // sqrt(2 / pi)
  return x * (W{1} + std::tanh(inner)) / W{2};
}

template <typename W>
bool activation(Unary operation, W a, W b, W* x, std::int64_t n) {
  switch (operation) {
    case Unary::sigmoid:
      return each(x, n, [](W v) { return sigmoid(v); });
    case Unary::leaky_relu:
      return each(x, n, [=](W v) { return v < 0 ? a * v : v; });
    case Unary::elu:
      return each(x, n, [=](W v) { return v < 0 ? a * std::expm1(v) : v; });
    case Unary::selu:
      return each(x, n, [=](W v) { return b * (v < 0 ? a * std::expm1(v) : v); });
    case Unary::celu:
      return each(x, n, [=](W v) { return v < 0 ? a * std::expm1(v / a) : v; });
    case Unary::hard_sigmoid:
      return each(x, n, [=](W v) { return hard_sigmoid(v, a, b); });
    case Unary::hard_swish:
      return each(x, n, [](W v) { return v * hard_sigmoid(v, W{1} / W{6}, W{0.5}); });
    case Unary::softplus:
      return each(x, n, [](W v) { return softplus(v); });
    case Unary::softsign:
      return each(x, n, [](W v) { return v / (W{1} + std::abs(v)); });
    case Unary::gelu:
      return each(x, n, [](W v) { return v * std::erfc(-v * W(0.7071067811865476)) / W{2}; });
    case Unary::gelu_tanh:
      return each(x, n, [](W v) { return gelu_tanh(v); });
    case Unary::mish:
      return each(x, n, [](W v) { return v * std::tanh(softplus(v)); });
    case Unary::thresholded_relu:
      return each(x, n, [=](W v) { return v > a ? v : W{0}; });
    case Unary::swish:
      return each(x, n, [=](W v) { return v * sigmoid(a * v); });
    default:
      return trigonometric(operation, x, n);
  }
}

template <typename W>
bool float_function(Unary operation, W a, W b, W* x, std::int64_t n) {
  switch (operation) {
    case Unary::abs:
      return each(x, n, [](W v) { return std::abs(v); });
    case Unary::exp:
      return each(x, n, [](W v) { return std::exp(v); });
    case Unary::log:
      return each(x, n, [](W v) { return std::log(v); });
    case Unary::sqrt:
      return each(x, n, [](W v) { return std::sqrt(v); });
    case Unary::reciprocal:
      return each(x, n, [](W v) { return W{1} / v; });
    case Unary::floor:
      return each(x, n, [](W v) { return std::floor(v); });
    case Unary::ceil:
      return each(x, n, [](W v) { return std::ceil(v); });
    case Unary::round:
      return each(x, n, [](W v) { return std::nearbyint(v); });
    case Unary::erf:
      return each(x, n, [](W v) { return std::erf(v); });
    case Unary::sign:
      return each(x, n, [](W v) { return std::isnan(v) ? v : W((v > 0) - (v < 0)); });
    default:
      return activation(operation, a, b, x, n);
  }
}

template <typename W>
bool whole_function(Unary operation, W* x, std::int64_t n) {
  using Bits = std::make_unsigned_t<W>;  // wraps around where W must not
  switch (operation) {
    case Unary::abs:
      return each(x, n, [](W v) { return v < W{0} ? static_cast<W>(Bits{0} - Bits(v)) : v; });
    case Unary::sign:
      return each(x, n, [](W v) { return static_cast<W>((v > W{0}) - (v < W{0})); });
    case Unary::bitwise_not:
      return each(x, n, [](W v) { return static_cast<W>(~v); });
    default:
      return false;
  }
}

template <typename W>
bool apply(Unary operation, double alpha, double beta, W* x, std::int64_t n) {
  using Bits =
      std::conditional_t<std::is_integral_v<W>, std::make_unsigned<W>, std::type_identity<W>>::type;
  switch (operation) {
    case Unary::neg:
      if constexpr (std::is_integral_v<W>) {
        return each(x, n, [](W v) { return static_cast<W>(Bits{0} - static_cast<Bits>(v)); });
      } else {
        return each(x, n, [](W v) { return -v; });
      }
    case Unary::relu:
      return each(x, n, [](W v) { return v < W{0} ? W{0} : v; });
    case Unary::shrink: {
      return each(x, n, [=](W v) {
        const double value = static_cast<double>(v);
        const double moved = value < -alpha ? value + beta : value > alpha ? value - beta : 0;
        return static_cast<W>(moved);
      });
    }
    default:
      break;
  }
  if constexpr (std::is_integral_v<W>) {
    return whole_function(operation, x, n);
  } else {
    return float_function(operation, static_cast<W>(alpha), static_cast<W>(beta), x, n);
  }
}

// Types that an operation takes.
bool takes(Unary operation, ElementType type) {
  switch (operation) {
    case Unary::abs:
    case Unary::neg:
    case Unary::sign:
    case Unary::relu:
    case Unary::shrink:
      return type != ElementType::boolean;
    case Unary::bitwise_not:
      return is_integer(type);
    case Unary::logical_not:
      return type == ElementType::boolean;
    case Unary::identity:
      return true;
    default:
      return is_float(type);
  }
}

void classify(const Context& context, Unary operation, const ConstTensor& in, const Tensor& out,
              bool negative, bool positive) {
  auto* flags = static_cast<std::uint8_t*>(out.data);
  const auto bytes = static_cast<std::int64_t>(bytes_of(in.type)) + 1;
  split_rows(context.team, in.elements(), bytes, [&](std::int64_t begin, std::int64_t end) {
    double x[kBlock];
    for (std::int64_t i = begin; i < end; i += kBlock) {
      const std::int64_t n = std::min(kBlock, end - i);
      load(in.type, in.data, i, n, x);
      for (std::int64_t j = 0; j < n; ++j) {
        const bool infinite = std::isinf(x[j]) && (x[j] < 0 ? negative : positive);
        flags[i + j] = operation == Unary::is_nan ? std::isnan(x[j]) : infinite;
      }
    }
  });
}

// f(block, n) changes blocks of the wide type in place.
template <typename W, typename F>
void by_blocks(const Context& context, const ConstTensor& in, const Tensor& out, F f) {
  const auto bytes = static_cast<std::int64_t>(2 * bytes_of(in.type));
  split_rows(context.team, in.elements(), bytes, [&](std::int64_t begin, std::int64_t end) {
    W x[kBlock];
    for (std::int64_t i = begin; i < end; i += kBlock) {
      const std::int64_t n = std::min(kBlock, end - i);
      load(in.type, in.data, i, n, x);
      f(x, n);
      store(out.type, x, n, out.data, i);
    }
  });
}

// f32 as it lies.
void by_vectors(const Context& context, UnaryLoop loop, float alpha, float beta,
                const ConstTensor& in, const Tensor& out) {
  const auto* x = static_cast<const float*>(in.data);
  auto* y = static_cast<float*>(out.data);
  split_rows(context.team, in.elements(), 2 * sizeof(float),
             [&](std::int64_t begin, std::int64_t end) {
               loop(alpha, beta, x + begin, end - begin, y + begin);
             });
}

Outcome check(const ConstTensor& in, const Tensor& out) {
  if (in.shape != out.shape) return {"input and output differ in shape"};
  if (in.type != out.type) return {"input and output differ in type"};
  return kDone;
}

}  // namespace

Outcome unary(const Context& context, Unary operation, const ConstTensor& in, const Tensor& out,
              double alpha, double beta) {
  if (!takes(operation, in.type)) return {"the operation does not take this element type"};
  if (operation == Unary::is_nan || operation == Unary::is_inf) {
    if (in.shape != out.shape) return {"input and output differ in shape"};
    if (out.type != ElementType::boolean) return {"the output must be boolean"};
    classify(context, operation, in, out, alpha != 0, beta != 0);
    return kDone;
  }
  if (const Outcome checked = check(in, out); !checked) return checked;
  if (operation == Unary::identity) {
    return in.data == out.data ? kDone : copy(context, in, out);
  }
  if (operation == Unary::logical_not) {
    by_blocks<std::uint64_t>(context, in, out, [](std::uint64_t* x, std::int64_t n) {
      each(x, n, [](std::uint64_t v) { return v ^ 1u; });
    });
    return kDone;
  }
  const UnaryLoop loop = context.kernels.vector->unary(operation);
  const auto a = static_cast<float>(alpha), b = static_cast<float>(beta);
  if (loop != nullptr && in.type == ElementType::f32) {
    by_vectors(context, loop, a, b, in, out);
    return kDone;
  }
  with_wide(in.type, [&](auto tag) {
    using W = decltype(tag);
    by_blocks<W>(context, in, out, [&](W* x, std::int64_t n) {
      if constexpr (std::is_same_v<W, float>) {
        if (loop != nullptr) return loop(a, b, x, n, x);
      }
      apply(operation, alpha, beta, x, n);
    });
  });
  return kDone;
}

Outcome clip(const Context& context, const ConstTensor& in, const ConstTensor* low,
             const ConstTensor* high, const Tensor& out) {
  if (in.type == ElementType::boolean) return {"clip does not take boolean"};
  if (const Outcome checked = check(in, out); !checked) return checked;
  for (const ConstTensor* bound : {low, high}) {
    if (bound == nullptr) continue;
    if (bound->type != in.type) return {"a bound's type differs from the input's"};
    if (bound->elements() != 1) return {"a bound is no scalar"};
  }
  with_wide(in.type, [&](auto tag) {
    using W = decltype(tag);
    using Limits = std::numeric_limits<W>;
    W least = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    W most = Limits::has_infinity ? Limits::infinity() : Limits::max();
    if (low != nullptr) least = load_one<W>(*low);
    if (high != nullptr) most = load_one<W>(*high);
    // The upper bound wins where they cross.
    if (least > most) least = most;
    if constexpr (std::is_same_v<W, float>) {
      if (in.type == ElementType::f32) {
        return by_vectors(context, context.kernels.vector->clip, least, most, in, out);
      }
    }
    by_blocks<W>(context, in, out, [&](W* x, std::int64_t n) {
      each(x, n, [&](W v) { return v < least ? least : v > most ? most : v; });
    });
  });
  return kDone;
}

}  // namespace batchtune::kernels::tensor
