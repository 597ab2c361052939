#include "kernels/tensor/binary.h"

#include <cmath>
#include <type_traits>

#include "kernels/tensor/layout.h"
#include "kernels/tensor/vector.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

template <typename W, typename F>
void each(const W* a, const W* b, std::int64_t n, W* out, F f) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
}

template <typename W>
W float_mod(W a, W b) {  // the sign of b
  const W rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(rest, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

template <typename W>
void on_floats(Binary operation, const W* a, const W* b, std::int64_t n, W* out) {
  switch (operation) {
    case Binary::add:
      return each(a, b, n, out, [](W x, W y) { return x + y; });
    case Binary::sub:
      return each(a, b, n, out, [](W x, W y) { return x - y; });
    case Binary::mul:
      return each(a, b, n, out, [](W x, W y) { return x * y; });
    case Binary::div:
      return each(a, b, n, out, [](W x, W y) { return x / y; });
    case Binary::pow:
      return each(a, b, n, out, [](W x, W y) { return std::pow(x, y); });
    case Binary::mod:
      return each(a, b, n, out, [](W x, W y) { return float_mod(x, y); });
    case Binary::fmod:
      return each(a, b, n, out, [](W x, W y) { return std::fmod(x, y); });
    default:
      return;
  }
}

// x^y by squaring; negative exponents as exact division gives it: 0 but for 1 and -1.
template <typename W>
W whole_power(W x, W y) {
  using Bits = std::make_unsigned_t<W>;
  if (y < W{0}) {
    const bool odd = (y & W{1}) != 0;
    return x == W{1} ? W{1} : static_cast<Bits>(x) == ~Bits{0} ? (odd ? x : W{1}) : W{0};
  }
  Bits power = 1, square = static_cast<Bits>(x);
  for (auto rest = static_cast<Bits>(y); rest != 0; rest >>= 1) {
    if ((rest & 1u) != 0) power *= square;
    square *= square;
  }
  return static_cast<W>(power);
}

template <typename W>
W quotient(W x, W y) {
  using Bits = std::make_unsigned_t<W>;
  if (y == W{0}) return W{0};
  if (std::is_signed_v<W> && static_cast<Bits>(y) == ~Bits{0}) {
    return static_cast<W>(Bits{0} - static_cast<Bits>(x));  // the least one has no opposite
  }
  return x / y;
}

template <typename W>
W remainder(W x, W y) {  // the sign of x
  return y == W{0} || (std::is_signed_v<W> && y == static_cast<W>(-1)) ? W{0} : x % y;
}
template <typename W>
W modulo(W x, W y) {  // the sign of y
  const W rest = remainder(x, y);
  return rest != W{0} && (rest < W{0}) != (y < W{0}) ? rest + y : rest;
}

template <typename W>
void on_whole_numbers(Binary operation, int bits, const W* a, const W* b, std::int64_t n, W* out) {
  using Bits = std::make_unsigned_t<W>;
  const auto wrapped = [&](auto f) {
    each(a, b, n, out,
         [&](W x, W y) { return static_cast<W>(f(static_cast<Bits>(x), static_cast<Bits>(y))); });
  };
  const auto is_beyond = [bits](W by) { return static_cast<Bits>(by) >= static_cast<Bits>(bits); };
  switch (operation) {
    case Binary::add:
      return wrapped([](Bits x, Bits y) { return x + y; });
    case Binary::sub:
      return wrapped([](Bits x, Bits y) { return x - y; });
    case Binary::mul:
      return wrapped([](Bits x, Bits y) { return x * y; });
    case Binary::bitwise_and:
    case Binary::logical_and:
      return wrapped([](Bits x, Bits y) { return x & y; });
    case Binary::bitwise_or:
    case Binary::logical_or:
      return wrapped([](Bits x, Bits y) { return x | y; });
    case Binary::bitwise_xor:
    case Binary::logical_xor:
      return wrapped([](Bits x, Bits y) { return x ^ y; });
    case Binary::div:
      return each(a, b, n, out, [](W x, W y) { return quotient(x, y); });
    case Binary::pow:
      return each(a, b, n, out, [](W x, W y) { return whole_power(x, y); });
    case Binary::mod:
      return each(a, b, n, out, [](W x, W y) { return modulo(x, y); });
    case Binary::fmod:
      return each(a, b, n, out, [](W x, W y) { return remainder(x, y); });
    case Binary::shift_left:
      return each(a, b, n, out, [&](W x, W y) {
        return is_beyond(y) ? W{0} : static_cast<W>(static_cast<Bits>(x) << y);
      });
    case Binary::shift_right:
      return each(a, b, n, out,
                  [&](W x, W y) { return is_beyond(y) ? (x < W{0} ? ~W{0} : W{0}) : x >> y; });
    default:
      return;
  }
}

template <typename W>
void apply(Binary operation, int bits, const W* a, const W* b, std::int64_t n, W* out) {
  switch (operation) {
    case Binary::min:
      return each(a, b, n, out, [](W x, W y) { return x < y || x != x ? x : y; });
    case Binary::max:
      return each(a, b, n, out, [](W x, W y) { return x > y || x != x ? x : y; });
    case Binary::prelu:
      return each(a, b, n, out, [](W x, W y) { return x < W{0} ? x * y : x; });
    default:
      break;
  }
  if constexpr (std::is_integral_v<W>) {
    on_whole_numbers(operation, bits, a, b, n, out);
  } else {
    on_floats(operation, a, b, n, out);
  }
}

template <typename W>
void compare(Binary operation, const W* a, const W* b, std::int64_t n, std::uint8_t* out) {
  const auto each_flag = [&](auto f) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
  };
  switch (operation) {
    case Binary::equal:
      return each_flag([](W x, W y) { return x == y; });
    case Binary::greater:
      return each_flag([](W x, W y) { return x > y; });
    case Binary::less:
      return each_flag([](W x, W y) { return x < y; });
    case Binary::greater_or_equal:
      return each_flag([](W x, W y) { return x >= y; });
    default:
      return each_flag([](W x, W y) { return x <= y; });
  }
}

bool compares(Binary operation) {
  return operation >= Binary::equal;
}

Outcome check_types(Binary operation, ElementType a, ElementType b, ElementType out) {
  const bool logical = operation >= Binary::logical_and && operation <= Binary::logical_xor;
  const bool bitwise = operation >= Binary::bitwise_and && operation <= Binary::bitwise_xor;
  const bool shift = operation == Binary::shift_left || operation == Binary::shift_right;
  const bool boolean = a == ElementType::boolean;
  if (compares(operation)) {
    if (out != ElementType::boolean) return {"the output must be boolean"};
  } else if (a != out) {
    return {"input and output differ in type"};
  }
  if (operation == Binary::pow) {
    if (boolean || b == ElementType::boolean) return {"pow does not take boolean"};
    return kDone;
  }
  if (a != b) return {"the inputs differ in type"};
  if (logical ? boolean : shift ? is_integer(a) : bitwise ? !is_float(a) : true) {
    if (logical || bitwise || compares(operation) || !boolean) return kDone;
  }
  return {"the operation does not take this element type"};
}

// n elements of one operand from `offset` on, or the one there n times.
template <typename W>
const W* operand(const ConstTensor& tensor, std::int64_t offset, std::int64_t stride,
                 std::int64_t n, W* block) {
  if (stride == 0) {
    const W one = load_one<W>(tensor, offset);
    std::fill_n(block, n, one);
  } else {
    load(tensor.type, tensor.data, offset, n, block);
  }
  return block;
}

struct Job {
  Binary operation;
  ConstTensor a, b;
  Tensor out;
  Walk<2> walk;
};

template <typename W>
void run_blocks(const Job& job, std::int64_t begin, std::int64_t end) {
  const auto& stride = job.walk.inner_stride();
  const int bits = static_cast<int>(8 * bytes_of(job.a.type));
  for_runs(job.walk, begin, end, [&](std::int64_t i, const auto& offset, std::int64_t run) {
    W first[kBlock], second[kBlock];
    for (std::int64_t j = 0; j < run; j += kBlock) {
      const std::int64_t n = std::min(kBlock, run - j);
      const W* a = operand(job.a, offset[0] + j * stride[0], stride[0], n, first);
      const W* b = operand(job.b, offset[1] + j * stride[1], stride[1], n, second);
      if (compares(job.operation)) {
        compare(job.operation, a, b, n, static_cast<std::uint8_t*>(job.out.data) + i + j);
      } else {
        apply(job.operation, bits, a, b, n, first);
        store(job.out.type, first, n, job.out.data, i + j);
      }
    }
  });
}

void run_vectors(const Job& job, BinaryLoop loop, std::int64_t begin, std::int64_t end) {
  const auto* a = static_cast<const float*>(job.a.data);
  const auto* b = static_cast<const float*>(job.b.data);
  auto* out = static_cast<float*>(job.out.data);
  for_runs(job.walk, begin, end, [&](std::int64_t i, const auto& offset, std::int64_t n) {
    loop(a + offset[0], b + offset[1], n, out + i);
  });
}

template <typename F>
void split(const Context& context, const Job& job, F f) {
  const auto bytes = static_cast<std::int64_t>(bytes_of(job.a.type) + bytes_of(job.b.type) +
                                               bytes_of(job.out.type));
  split_rows(context.team, job.walk.elements, bytes, f);
}

// A whole power of f32, the same for all: squares and cubes are what networks have.
bool run_power(const Context& context, const Job& job) {
  if (job.a.type != ElementType::f32 || job.b.elements() != 1) return false;
  const auto exponent = load_one<double>(job.b);
  if (exponent != 2 && exponent != 3 && exponent != 0.5) return false;
  const auto* a = static_cast<const float*>(job.a.data);
  auto* out = static_cast<float*>(job.out.data);
  split(context, job, [&](std::int64_t begin, std::int64_t end) {
    const auto loop = [&](auto f) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = f(a[i]);
    };
    if (exponent == 2) return loop([](float x) { return x * x; });
    if (exponent == 3) return loop([](float x) { return x * x * x; });
    context.kernels.vector->unary(Unary::sqrt)(0, 0, a + begin, end - begin, out + begin);
  });
  return true;
}

// The exponent has a type of its own: whole powers of whole numbers stay exact.
void run_any_power(const Context& context, const Job& job) {
  if (!is_float(job.a.type) && !is_float(job.b.type)) {
    with_wide(job.a.type, [&](auto tag) {
      if constexpr (std::is_integral_v<decltype(tag)>) {
        split(context, job, [&](std::int64_t begin, std::int64_t end) {
          run_blocks<decltype(tag)>(job, begin, end);
        });
      }
    });
    return;
  }
  split(context, job,
        [&](std::int64_t begin, std::int64_t end) { run_blocks<double>(job, begin, end); });
}

Operands operands_of(const Walk<2>& walk) {
  const auto& stride = walk.inner_stride();
  if (stride[0] == 0) return Operands::first_is_one;
  return stride[1] == 0 ? Operands::second_is_one : Operands::both;
}

}  // namespace

Outcome binary(const Context& context, Binary operation, const ConstTensor& a, const ConstTensor& b,
               const Tensor& out) {
  if (const Outcome checked = check_types(operation, a.type, b.type, out.type); !checked) {
    return checked;
  }
  Shape shape;
  if (!broadcast(a.shape, b.shape, shape)) return {"the shapes do not broadcast"};
  if (shape != out.shape) return {"the output has not the broadcast shape"};
  Job job{operation, a, b, out, {}};
  broadcast_walk<2>(shape, {&a.shape, &b.shape}, job.walk);
  if (operation == Binary::pow) {
    if (!run_power(context, job)) run_any_power(context, job);
    return kDone;
  }
  if (a.type == ElementType::f32) {
    const BinaryLoop loop = context.kernels.vector->binary(operation, operands_of(job.walk));
    if (loop != nullptr) {
      split(context, job,
            [&](std::int64_t begin, std::int64_t end) { run_vectors(job, loop, begin, end); });
      return kDone;
    }
  }
  with_wide(a.type, [&](auto tag) {
    split(context, job, [&](std::int64_t begin, std::int64_t end) {
      run_blocks<decltype(tag)>(job, begin, end);
    });
  });
  return kDone;
}

Outcome variadic(const Context& context, Variadic operation, std::span<const ConstTensor> inputs,
                 const Tensor& out) {
  constexpr Binary kSteps[] = {Binary::add, Binary::add, Binary::min, Binary::max};
  if (inputs.empty()) return {"no input"};
  if (operation == Variadic::mean && !is_float(out.type)) return {"a mean of whole numbers"};
  Shape shape = inputs[0].shape;
  for (const ConstTensor& input : inputs) {
    if (input.type != out.type) return {"an input and the output differ in type"};
    if (!broadcast(shape, input.shape, shape)) return {"the shapes do not broadcast"};
  }
  if (shape != out.shape) return {"the output has not the broadcast shape"};
  if (const Outcome done = expand(context, inputs[0], out); !done) return done;
  for (const ConstTensor& input : inputs.subspan(1)) {
    const Outcome done =
        binary(context, kSteps[static_cast<std::size_t>(operation)], out, input, out);
    if (!done) return done;
  }
  if (operation != Variadic::mean) return kDone;
  const auto count = static_cast<double>(inputs.size());
  std::byte divisor[8];
  store(out.type, &count, 1, divisor, 0);
  return binary(context, Binary::div, out, {out.type, {}, divisor}, out);
}

}  // namespace batchtune::kernels::tensor
