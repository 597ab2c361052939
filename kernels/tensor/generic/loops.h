// The loops behind kernels/tensor/vector.h, compiled once for each instruction set: plain loops
// that the compiler turns into vectors. Included inside the namespace of the instruction set, after
// generic/math.h; everything but the functions of vector.h has internal linkage (an island).

namespace {

using Function = float (*)(float x, float alpha, float beta);
template <Function f>
void map(float alpha, float beta, const float* in, std::int64_t n, float* out) {
  // A loop of its own for another array: otherwise every vector is checked against overlap.
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = f(in[i], alpha, beta);
}

#define BT_MAP(name, formula)                                                    \
  inline float name##_as([[maybe_unused]] float x, [[maybe_unused]] float alpha, \
                         [[maybe_unused]] float beta) {                          \
    return formula;                                                              \
  }
BT_MAP(abs, __builtin_fabsf(x))
BT_MAP(neg, -x)
BT_MAP(relu, x < 0.0f ? 0.0f : x)  // NaN stays
BT_MAP(exp, exp_of(x))
BT_MAP(log, log_of(x))
BT_MAP(sqrt, __builtin_sqrtf(x))
BT_MAP(reciprocal, 1.0f / x)
BT_MAP(floor, __builtin_floorf(x))
BT_MAP(ceil, __builtin_ceilf(x))
BT_MAP(round, __builtin_rintf(x))
BT_MAP(tanh, tanh_of(x))
BT_MAP(erf, erf_of(x))
BT_MAP(sigmoid, sigmoid_of(x))
BT_MAP(leaky_relu, x < 0.0f ? alpha * x : x)
BT_MAP(elu, x < 0.0f ? alpha * expm1_of(x) : x)
BT_MAP(selu, beta*(x < 0.0f ? alpha * expm1_of(x) : x))
BT_MAP(celu, x < 0.0f ? alpha * expm1_of(x / alpha) : x)
BT_MAP(hard_sigmoid, hard_sigmoid_of(x, alpha, beta))
BT_MAP(hard_swish, x* hard_sigmoid_of(x, 1.0f / 6.0f, 0.5f))
BT_MAP(softplus, softplus_of(x))
BT_MAP(softsign, x / (1.0f + __builtin_fabsf(x)))
BT_MAP(gelu, gelu_of(x))
BT_MAP(gelu_tanh, gelu_tanh_of(x))
BT_MAP(mish, mish_of(x))
BT_MAP(thresholded_relu, x > alpha ? x : 0.0f)
BT_MAP(swish, x / (1.0f + exp_of(-alpha * x)))
BT_MAP(clip, x < alpha ? alpha : (x > beta ? beta : x))
BT_MAP(multiply_add, x* alpha + beta)
#undef BT_MAP

inline float add_of(float a, float b) {
  return a + b;
}
inline float sub_of(float a, float b) {
  return a - b;
}
inline float mul_of(float a, float b) {
  return a * b;
}
inline float div_of(float a, float b) {
  return a / b;
}

using Combine = float (*)(float a, float b);
template <Combine f>
void both(const float* a, const float* b, std::int64_t n, float* out) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
}
template <Combine f>
void first_is_one(const float* a, const float* b, std::int64_t n, float* out) {
  const float one = *a;
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = f(one, b[i]);
}
template <Combine f>
void second_is_one(const float* a, const float* b, std::int64_t n, float* out) {
  const float one = *b;
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i], one);
}
template <Combine f>
BinaryLoop loop_of(Operands operands) {
  return operands == Operands::both           ? &both<f>
         : operands == Operands::first_is_one ? &first_is_one<f>
                                              : &second_is_one<f>;
}

// The terms of folds.
using Term = float (*)(float x, float shift);
inline float plain(float x, float) {
  return x;
}
inline float distance(float x, float shift) {
  return __builtin_fabsf(x - shift);
}
inline float square(float x, float shift) {
  return (x - shift) * (x - shift);
}

// Many sums at once: no addition waits for the one before, and rounding errors stay small.
constexpr std::int64_t kSums = 64;

template <Combine combine, Term term>
float fold(const float* row, std::int64_t n, float shift) {
  if (n < kSums) {
    float sum = term(row[0], shift);
    for (std::int64_t i = 1; i < n; ++i) sum = combine(sum, term(row[i], shift));
    return sum;
  }
  float sums[kSums];
  for (std::int64_t j = 0; j < kSums; ++j) sums[j] = term(row[j], shift);
  std::int64_t i = kSums;
  for (; i + kSums <= n; i += kSums) {
    for (std::int64_t j = 0; j < kSums; ++j) sums[j] = combine(sums[j], term(row[i + j], shift));
  }
  for (std::int64_t j = 0; i + j < n; ++j) sums[j] = combine(sums[j], term(row[i + j], shift));
  for (std::int64_t width = kSums / 2; width > 0; width /= 2) {
    for (std::int64_t j = 0; j < width; ++j) sums[j] = combine(sums[j], sums[j + width]);
  }
  return sums[0];
}

template <Combine combine, Term term>
void fold_across(const float* row, std::int64_t n, float* into) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) into[i] = combine(into[i], term(row[i], 0.0f));
}

}  // namespace

UnaryLoop unary_loop(Unary operation) {
  switch (operation) {
#define BT_CASE(name) \
  case Unary::name:   \
    return &map<&name##_as>;
    BT_CASE(abs)
    BT_CASE(neg)
    BT_CASE(relu)
    BT_CASE(exp)
    BT_CASE(log)
    BT_CASE(sqrt)
    BT_CASE(reciprocal)
    BT_CASE(floor)
    BT_CASE(ceil)
    BT_CASE(round)
    BT_CASE(tanh)
    BT_CASE(erf)
    BT_CASE(sigmoid)
    BT_CASE(leaky_relu)
    BT_CASE(elu)
    BT_CASE(selu)
    BT_CASE(celu)
    BT_CASE(hard_sigmoid)
    BT_CASE(hard_swish)
    BT_CASE(softplus)
    BT_CASE(softsign)
    BT_CASE(gelu)
    BT_CASE(gelu_tanh)
    BT_CASE(mish)
    BT_CASE(thresholded_relu)
    BT_CASE(swish)
#undef BT_CASE
    default:
      return nullptr;
  }
}

BinaryLoop binary_loop(Binary operation, Operands operands) {
  switch (operation) {
    case Binary::add:
      return loop_of<&add_of>(operands);
    case Binary::sub:
      return loop_of<&sub_of>(operands);
    case Binary::mul:
      return loop_of<&mul_of>(operands);
    case Binary::div:
      return loop_of<&div_of>(operands);
    case Binary::min:
      return loop_of<&smaller>(operands);
    case Binary::max:
      return loop_of<&larger>(operands);
    default:
      return nullptr;
  }
}

void clip(float alpha, float beta, const float* in, std::int64_t n, float* out) {
  map<&clip_as>(alpha, beta, in, n, out);
}
void multiply_add(float alpha, float beta, const float* in, std::int64_t n, float* out) {
  map<&multiply_add_as>(alpha, beta, in, n, out);
}

FoldRow fold_row(Fold what) {
  switch (what) {
    case Fold::sum:
      return &fold<&add_of, &plain>;
    case Fold::sum_abs:
      return &fold<&add_of, &distance>;
    case Fold::sum_square:
      return &fold<&add_of, &square>;
    case Fold::max:
      return &fold<&larger, &plain>;
    case Fold::min:
      return &fold<&smaller, &plain>;
  }
  return nullptr;
}

FoldInto fold_into(Fold what) {
  switch (what) {
    case Fold::sum:
      return &fold_across<&add_of, &plain>;
    case Fold::sum_abs:
      return &fold_across<&add_of, &distance>;
    case Fold::sum_square:
      return &fold_across<&add_of, &square>;
    case Fold::max:
      return &fold_across<&larger, &plain>;
    case Fold::min:
      return &fold_across<&smaller, &plain>;
  }
  return nullptr;
}

void add_scaled(float factor, const float* in, std::int64_t n, float* into) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) into[i] += factor * in[i];
}

float dot(const float* a, const float* b, std::int64_t n) {
  float sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (std::int64_t j = 0; j < kSums; ++j) sums[j] += a[i + j] * b[i + j];
  }
  for (std::int64_t j = 0; i + j < n; ++j) sums[j] += a[i + j] * b[i + j];
  for (std::int64_t width = kSums / 2; width > 0; width /= 2) {
    for (std::int64_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return sums[0];
}

void normalize_row(const float* row, std::int64_t n, float mean, float factor, const float* scale,
                   const float* bias, float* out) {
  if (bias == nullptr) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) out[i] = (row[i] - mean) * factor * scale[i];
    return;
  }
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = (row[i] - mean) * factor * scale[i] + bias[i];
}

void softmax_row(const float* row, std::int64_t n, float* out) {
  const float largest = fold<&larger, &plain>(row, n, 0.0f);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = exp_of(row[i] - largest);
  const float share = 1.0f / fold<&add_of, &plain>(out, n, 0.0f);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] *= share;
}
