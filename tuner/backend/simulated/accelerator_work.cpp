#include "tuner/backend/simulated/accelerator_work.h"

#include <algorithm>
#include <cmath>

#include "tuner/workload/work.h"

namespace batchtune::simulated {
namespace {

// Passes of the lanes over each element that is written.
constexpr double kSoftmaxPasses = 4, kNormPasses = 5, kSmoothPasses = 3;
// An operation that cannot be read counts as a product from so many FLOP an element on.
constexpr double kForeignProduct = 16;

double tiles(double size, std::int64_t tile) {
  return std::ceil(size / static_cast<double>(tile));
}

double number(std::int64_t value) {
  return static_cast<double>(value);
}

// `count` products of [rows, inner] by [inner, columns], each with weights or a second operand of its own.
struct Product {
  double count = 0, rows = 0, inner = 0, columns = 0;
};

Product product_of(const Model& model, const Op& op, double batch) {
  const double outputs = number(elements(op.output));
  switch (op.kind) {
    case OpKind::matmul:
      return {1, batch * outputs / number(op.columns), number(op.inner), number(op.columns)};
    case OpKind::conv2d: {
      const Op& input = model.ops[static_cast<std::size_t>(reads_of(model, op).front())];
      const double groups = number(op.groups);
      const double inner =
          number(op.window.kernel_h * op.window.kernel_w) * number(input.output[2]) / groups;
      return {groups, batch * outputs / number(op.columns), inner, number(op.columns) / groups};
    }
    case OpKind::batched_matmul: {
      const double heads = number(op.groups);
      return {heads * batch, outputs / (heads * number(op.columns)), number(op.inner),
              number(op.columns)};
    }
    default:
      return {};
  }
}

// Several small ones of the same activations lie beside each other in one tile (the groups of a convolution).
void add_product(const Product& product, bool packed, const Accelerator& device,
                 OperationWork& work) {
  double count = product.count;
  if (packed) {
    const double beside = std::min(std::floor(number(device.array_rows) / product.inner),
                                   std::floor(number(device.array_columns) / product.columns));
    count = std::ceil(count / std::max(1.0, beside));
  }
  const double stationary = count * tiles(product.inner, device.array_rows) *
                            tiles(product.columns, device.array_columns);
  work.array_rows += stationary * product.rows;
  work.array_loads += stationary * tiles(product.rows, device.moving_rows);
}

double smooth(Activation activation) {
  return activation == Activation::none || activation == Activation::relu ||
                 activation == Activation::relu6
             ? 1
             : kSmoothPasses;
}

double passes_of(const Op& op) {
  switch (op.kind) {
    case OpKind::max_pool:
    case OpKind::average_pool:
      return number(op.window.kernel_h * op.window.kernel_w);
    case OpKind::softmax:
      return kSoftmaxPasses;
    case OpKind::layer_norm:
    case OpKind::rms_norm:
      return kNormPasses;
    case OpKind::activation:
      return smooth(op.activation);
    default:
      return smooth(op.epilogue.activation) + (op.epilogue.residual.empty() ? 0 : 1);
  }
}

// Elements that the lanes go over; pooling over everything reads more than it writes.
double vector_elements(const OpWork& counted, const Op& op) {
  const double written = number(elements(op.output));
  return op.kind == OpKind::global_average_pool ? std::max(written, counted.input_elements)
                                                : written;
}

void add_foreign(const Op& op, double batch, const Accelerator& device, OperationWork& work) {
  const double tile_flops = 2 * number(device.array_rows) * number(device.array_columns);
  if (op.flops < kForeignProduct * number(elements(op.output))) return;
  work.array_rows += std::ceil(batch * op.flops / tile_flops);
  work.array_loads += tiles(work.array_rows, device.moving_rows);
}

// An operation's own tensors must lie on the chip together; the share that does not fit goes to memory and back.
double spilled_share(double bytes, const Accelerator& device) {
  return bytes <= device.on_chip ? 0 : 1 - device.on_chip / bytes;
}

}  // namespace

bool is_work(const Op& op) {
  return op.kind != OpKind::input && op.kind != OpKind::reshape;
}

OperationWork work_of(const Model& model, const Op& op, DType dtype, double batch,
                      const Accelerator& device) {
  OperationWork work;
  const OpWork counted = batchtune::work_of(model, op);
  const auto width = static_cast<double>(size_of(dtype));
  const Product product = product_of(model, op, batch);
  if (product.count > 0) add_product(product, op.kind == OpKind::conv2d, device, work);
  if (op.kind == OpKind::foreign) add_foreign(op, batch, device, work);
  work.vector_rows = tiles(batch * vector_elements(counted, op), device.vector_lanes) * passes_of(op);
  work.instructions =
      2 * work.array_loads + tiles(work.vector_rows, device.moving_rows);
  work.weight_bytes = counted.weight_reads * width;
  const double tensors = batch * width * (counted.input_elements + counted.output_elements);
  work.spilled_bytes = tensors * spilled_share(tensors, device);
  return work;
}

}  // namespace batchtune::simulated
