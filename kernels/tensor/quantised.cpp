#include "kernels/tensor/quantised.h"

#include <vector>

#include "kernels/tensor/binary.h"
#include "kernels/tensor/cast.h"
#include "kernels/tensor/products.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

// f32 tensor in memory of its own.
struct OwnTensor {
  std::vector<float> values;
  Tensor tensor;
  explicit OwnTensor(const Shape& shape)
      : values(static_cast<std::size_t>(elements_of(shape))),
        tensor{ElementType::f32, shape, values.data()} {}
  OwnTensor(OwnTensor&&) = default;  // the values stay where they are
};

Outcome check(const Quantised& operand) {
  if (bytes_of(operand.values.type) != 1 || !is_integer(operand.values.type)) {
    return {"a quantised operand is not i8 or u8"};
  }
  if (operand.zero_point.type != operand.values.type || !is_float(operand.scale.type)) {
    return {"a scale is no float, or a zero point has another type than its values"};
  }
  return kDone;
}

Outcome check_out(const ConstTensor& scale, const ConstTensor& zero, const Tensor& out) {
  if (scale.elements() != 1 || zero.elements() != 1) return {"the output's scale is no scalar"};
  if (bytes_of(out.type) != 1 || zero.type != out.type || !is_float(scale.type)) {
    return {"the output is not i8 or u8, or its zero point of another type"};
  }
  return kDone;
}

// A tensor of one element for each index of `axis` of `rank` axes, or a scalar, that broadcasts.
ConstTensor spread(ConstTensor tensor, std::size_t rank, std::size_t axis) {
  if (tensor.elements() == 1) {
    tensor.shape = {};
  } else if (tensor.shape.size() == 1) {
    Shape shape = Shape::filled(rank, 1);
    shape[axis] = tensor.shape[0];
    tensor.shape = shape;
  }
  return tensor;  // of as many axes already: as it is
}

// The values less their zero points.
Outcome centre(const Context& context, const Quantised& operand, std::size_t axis,
               const Tensor& out) {
  if (const Outcome ok = cast(context, operand.values, out); !ok) return ok;
  OwnTensor zero(operand.zero_point.shape);
  if (const Outcome ok = cast(context, operand.zero_point, zero.tensor); !ok) return ok;
  return binary(context, Binary::sub, out, spread(zero.tensor, out.shape.size(), axis), out);
}

// sums *= scale, spread along the axis.
Outcome multiply_by(const Context& context, const ConstTensor& scale, std::size_t axis,
                    const Tensor& sums) {
  OwnTensor factor(scale.shape);
  if (const Outcome ok = cast(context, scale, factor.tensor); !ok) return ok;
  return binary(context, Binary::mul, sums, spread(factor.tensor, sums.shape.size(), axis), sums);
}

// As quantize_linear, of sums in steps of 1.
Outcome quantise(const Context& context, const ConstTensor& sums, const ConstTensor& scale,
                 const ConstTensor& zero, const Tensor& out) {
  return quantize_linear(context, sums, scale, &zero, {}, out);
}

}  // namespace

Outcome qlinear_matmul(const Context& context, const Quantised& a, const Quantised& b,
                       const ConstTensor& out_scale, const ConstTensor& out_zero, const Tensor& out,
                       const Workspace& workspace) {
  for (const Quantised* operand : {&a, &b}) {
    if (const Outcome ok = check(*operand); !ok) return ok;
  }
  if (const Outcome ok = check_out(out_scale, out_zero, out); !ok) return ok;
  const std::size_t a_rank = a.values.shape.size(), b_rank = b.values.shape.size(),
                    rank = out.shape.size();
  const bool rows = a.scale.elements() != 1 || a.zero_point.elements() != 1;
  const bool columns = b.scale.elements() != 1 || b.zero_point.elements() != 1;
  if ((rows && (a_rank < 2 || rank < 2)) || (columns && (b_rank < 2 || rank < 1))) {
    return {"scales for the rows or columns of an operand that has none"};
  }
  OwnTensor left(a.values.shape), right(b.values.shape), sums(out.shape);
  const Outcome centred = centre(context, a, a_rank < 2 ? 0 : a_rank - 2, left.tensor);
  if (!centred) return centred;
  if (const Outcome ok = centre(context, b, b_rank - 1, right.tensor); !ok) return ok;
  const Outcome done = matmul(context, left.tensor, right.tensor, sums.tensor, workspace);
  if (!done) return done;
  const Outcome scaled = multiply_by(context, a.scale, rank < 2 ? 0 : rank - 2, sums.tensor);
  if (!scaled) return scaled;
  const Outcome again = multiply_by(context, b.scale, rank == 0 ? 0 : rank - 1, sums.tensor);
  if (!again) return again;
  return quantise(context, sums.tensor, out_scale, out_zero, out);
}

Outcome qlinear_conv(const Context& context, const Quantised& in, const Quantised& weights,
                     const ConstTensor* bias, const Window& window, std::int64_t groups,
                     const ConstTensor& out_scale, const ConstTensor& out_zero, const Tensor& out,
                     const Workspace& workspace) {
  for (const Quantised* operand : {&in, &weights}) {
    if (const Outcome ok = check(*operand); !ok) return ok;
  }
  if (const Outcome ok = check_out(out_scale, out_zero, out); !ok) return ok;
  if (in.scale.elements() != 1 || in.zero_point.elements() != 1) {
    return {"the input's scale is no scalar"};
  }
  if (bias != nullptr && bias->type != ElementType::i32) return {"the bias is not i32"};
  OwnTensor image(in.values.shape), filters(weights.values.shape), sums(out.shape);
  OwnTensor start(bias == nullptr ? Shape{0} : bias->shape);
  if (const Outcome ok = centre(context, in, 0, image.tensor); !ok) return ok;
  if (const Outcome ok = centre(context, weights, 0, filters.tensor); !ok) return ok;
  if (bias != nullptr) {
    if (const Outcome ok = cast(context, *bias, start.tensor); !ok) return ok;
  }
  const ConstTensor first = start.tensor;
  const Outcome done =
      conv(context, image.tensor, filters.tensor, bias == nullptr ? nullptr : &first, window,
           groups, sums.tensor, workspace);
  if (!done) return done;
  for (const ConstTensor* scale : {&in.scale, &weights.scale}) {
    if (const Outcome ok = multiply_by(context, *scale, 1, sums.tensor); !ok) return ok;
  }
  return quantise(context, sums.tensor, out_scale, out_zero, out);
}

Outcome qgemm(const Context& context, const QuantisedGemm& how, const Quantised& a,
              const Quantised& b, const ConstTensor* bias, const ConstTensor* out_scale,
              const ConstTensor* out_zero, const Tensor& out, const Workspace& workspace) {
  for (const Quantised* operand : {&a, &b}) {
    if (const Outcome ok = check(*operand); !ok) return ok;
    if (operand->values.shape.size() != 2) return {"an operand is no matrix"};
  }
  const bool again = out_scale != nullptr && out_zero != nullptr;
  if (again) {
    if (const Outcome ok = check_out(*out_scale, *out_zero, out); !ok) return ok;
  } else if (out.type != ElementType::f32) {
    return {"an output without a scale that is not f32"};
  }
  if (a.scale.elements() != 1 || a.zero_point.elements() != 1) return {"a scale is no scalar"};
  if (bias != nullptr && bias->type != ElementType::i32) return {"the bias is not i32"};
  OwnTensor left(a.values.shape), right(b.values.shape), sums(out.shape);
  OwnTensor start(bias == nullptr ? Shape{0} : bias->shape);
  const std::size_t column_axis = how.transpose_b ? 0 : 1;
  if (const Outcome ok = centre(context, a, 0, left.tensor); !ok) return ok;
  if (const Outcome ok = centre(context, b, column_axis, right.tensor); !ok) return ok;
  if (bias != nullptr) {
    if (const Outcome ok = cast(context, *bias, start.tensor); !ok) return ok;
  }
  const ConstTensor first = start.tensor;
  const GemmCall call{.transpose_a = how.transpose_a, .transpose_b = how.transpose_b};
  const Outcome done = gemm(context, call, left.tensor, right.tensor,
                            bias == nullptr ? nullptr : &first, sums.tensor, workspace);
  if (!done) return done;
  const auto alpha = static_cast<float>(how.alpha);
  const ConstTensor factor{ElementType::f32, {}, &alpha};
  for (const ConstTensor* scale : {&a.scale, &b.scale, &factor}) {
    if (const Outcome ok = multiply_by(context, *scale, 1, sums.tensor); !ok) return ok;
  }
  return again ? quantise(context, sums.tensor, *out_scale, *out_zero, out)
               : cast(context, sums.tensor, out);
}

Outcome qlinear(const Context& context, std::span<const Quantised> inputs, const OfValues& f,
                const ConstTensor& out_scale, const ConstTensor& out_zero, const Tensor& out) {
  if (const Outcome ok = check_out(out_scale, out_zero, out); !ok) return ok;
  std::vector<OwnTensor> values;
  std::vector<ConstTensor> in;
  for (const Quantised& input : inputs) {
    if (const Outcome ok = check(input); !ok) return ok;
    values.emplace_back(input.values.shape);
    const Outcome done = dequantize_linear(context, input.values, input.scale, &input.zero_point,
                                           {}, values.back().tensor);
    if (!done) return done;
    in.push_back(values.back().tensor);  // what it points to stays where it is
  }
  OwnTensor made(out.shape);
  const Outcome done = f(in, made.tensor);
  return done ? quantise(context, made.tensor, out_scale, out_zero, out) : done;
}

}  // namespace batchtune::kernels::tensor
