#include "tuner/backend/cpu/weights.h"

#include <algorithm>

#include "kernels/bfloat16.h"

namespace batchtune::cpu {
namespace {

using kernels::AlignedBuffer;

constexpr std::int64_t kPart =
    1 << 16;  // elements that a lane makes at a time: 256 KiB of f32, in its second-level cache

// Makes elements [0, count) of a weight tensor in parallel.
void fill_parallel(const LoadContext& context, const Op& op, WeightRole role, float* values,
                   std::int64_t count) {
  context.team.for_each((count + kPart - 1) / kPart, [&](std::int64_t part, int) {
    const std::int64_t first = part * kPart;
    const auto length = static_cast<std::size_t>(std::min(kPart, count - first));
    context.values.fill(op, role, {values + first, length}, first);
  });
}

// The f32 values of a filter before packing. Outside the account: it is gone before the
// first program is prepared.
Outcome<AlignedBuffer> unpacked(const LoadContext& context, const Op& op, std::int64_t count) {
  const Bytes bytes = count * static_cast<Bytes>(sizeof(float));
  AlignedBuffer values = AlignedBuffer::allocate(static_cast<std::size_t>(bytes));
  if (!values) return tl::make_unexpected(out_of_host_memory(bytes, "weights of " + op.name));
  fill_parallel(context, op, WeightRole::matrix, values.as<float>(), count);
  return values;
}

Outcome<AccountedBuffer> vector_of(const LoadContext& context, const Op& op, WeightRole role,
                                   std::int64_t count) {
  BT_TRY(values, allocate(context.account, count * static_cast<Bytes>(sizeof(float)),
                          "weights of " + op.name));
  fill_parallel(context, op, role, values.buffer.as<float>(), count);
  return values;
}

Outcome<AccountedBuffer> table_of(const LoadContext& context, const Op& op) {
  std::int64_t rows = op.vocabulary;
  for (const std::int64_t further : op.tables) rows += further;
  const std::int64_t count = rows * op.columns;
  const auto size = static_cast<Bytes>(kernels::bytes_of(context.dtype));
  BT_TRY(table, allocate(context.account, count * size, "weights of " + op.name));
  if (context.dtype == kernels::Dtype::f32) {
    fill_parallel(context, op, WeightRole::table, table.buffer.as<float>(), count);
    return table;
  }
  auto* out = table.buffer.as<kernels::Bfloat16>();
  context.team.for_each((count + kPart - 1) / kPart, [&](std::int64_t part, int) {
    constexpr std::int64_t kSlice = 1024;  // f32 values on the stack
    float values[kSlice];
    const std::int64_t end = std::min(count, (part + 1) * kPart);
    for (std::int64_t first = part * kPart; first < end; first += kSlice) {
      const std::int64_t length = std::min(kSlice, end - first);
      context.values.fill(op, WeightRole::table, {values, static_cast<std::size_t>(length)}, first);
      std::transform(values, values + length, out + first, kernels::to_bfloat16);
    }
  });
  return table;
}

// Made and packed part by part: a large matrix is never there twice.
Outcome<OpWeights> load_matmul(const LoadContext& context, const Op& op) {
  const kernels::GemmKernel& kernel = *context.kernels.gemm;
  const auto bytes =
      static_cast<Bytes>(kernels::PackedWeights::bytes(kernel, op.inner, op.columns));
  OpWeights weights;
  BT_TRY(charge, context.account.charge(bytes, "weights of " + op.name));
  weights.packed_charge = std::move(charge);
  weights.matrix = kernels::PackedWeights::make(kernel, op.inner, op.columns);
  if (!weights.matrix)
    return tl::make_unexpected(out_of_host_memory(bytes, "weights of " + op.name));
  const std::int64_t count = op.inner * op.columns;
  std::vector<float> scratch(
      static_cast<std::size_t>(std::min(count, kPart) * context.team.lanes()));
  context.team.for_each((count + kPart - 1) / kPart, [&](std::int64_t part, int lane) {
    const std::int64_t first = part * kPart;
    const std::span values(scratch.data() + lane * std::min(count, kPart),
                           static_cast<std::size_t>(std::min(kPart, count - first)));
    context.values.fill(op, WeightRole::matrix, values, first);
    weights.matrix->put(first, values);
  });
  return weights;
}

Outcome<OpWeights> load_conv(const LoadContext& context, const Op& op) {
  const kernels::ConvShape shape = conv_shape_of(context.model, op);
  const auto bytes = static_cast<Bytes>(kernels::PackedConv::bytes(context.kernels.conv, shape));
  OpWeights weights;
  BT_TRY(charge, context.account.charge(bytes, "weights of " + op.name));
  weights.packed_charge = std::move(charge);
  BT_TRY(values,
         unpacked(context, op,
                  shape.kernel_h * shape.kernel_w * (shape.in_c / shape.groups) * shape.out_c));
  weights.conv = kernels::PackedConv::pack(context.kernels.conv, shape, values.as<float>());
  if (!weights.conv) return tl::make_unexpected(out_of_host_memory(bytes, "weights of " + op.name));
  return weights;
}

Outcome<OpWeights> load_op(const LoadContext& context, const Op& op) {
  OpWeights weights;
  switch (op.kind) {
    case OpKind::matmul: {
      BT_TRY(loaded, load_matmul(context, op));
      weights = std::move(loaded);
      break;
    }
    case OpKind::conv2d: {
      BT_TRY(loaded, load_conv(context, op));
      weights = std::move(loaded);
      break;
    }
    case OpKind::embedding: {
      BT_TRY(table, table_of(context, op));
      weights.table = std::move(table);
      break;
    }
    case OpKind::layer_norm:
    case OpKind::rms_norm: {
      BT_TRY(gain, vector_of(context, op, WeightRole::gain, op.output.back()));
      weights.gain = std::move(gain);
      break;
    }
    default:
      break;
  }
  if (op.epilogue.bias || op.kind == OpKind::layer_norm) {
    BT_TRY(bias, vector_of(context, op, WeightRole::bias, op.output.back()));
    weights.bias = std::move(bias);
  }
  return weights;
}

}  // namespace

Outcome<std::vector<OpWeights>> load_weights(const LoadContext& context) {
  std::vector<OpWeights> all;
  all.reserve(context.model.ops.size());
  for (const Op& op : context.model.ops) {
    BT_TRY(weights, load_op(context, op));
    context.values.release(op);
    all.push_back(std::move(weights));
  }
  return all;
}

kernels::ConvShape conv_shape_of(const Model& model, const Op& op) {
  const Shape& in = model.ops[static_cast<std::size_t>(find_op(model, op.inputs[0]))].output;
  const Window& w = op.window;
  return {.in_h = in[0],
          .in_w = in[1],
          .in_c = in[2],
          .out_c = op.columns,
          .kernel_h = w.kernel_h,
          .kernel_w = w.kernel_w,
          .stride_h = w.stride_h,
          .stride_w = w.stride_w,
          .pad_top = w.pad_top,
          .pad_left = w.pad_left,
          .pad_bottom = w.pad_bottom,
          .pad_right = w.pad_right,
          .dilation_h = w.dilation_h,
          .dilation_w = w.dilation_w,
          .groups = op.groups};
}

}  // namespace batchtune::cpu
