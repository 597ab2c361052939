#include "tuner/backend/cpu/lowering.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/elementwise/layout.h"

namespace batchtune::cpu {
namespace {

using Run = std::function<void(kernels::Team&)>;

kernels::Activation kernel_activation(Activation activation) {
  switch (activation) {
    case Activation::none:
      return kernels::Activation::none;
    case Activation::relu:
      return kernels::Activation::relu;
    case Activation::relu6:
      return kernels::Activation::relu6;
    case Activation::gelu:
      return kernels::Activation::gelu_tanh;
    case Activation::gelu_erf:
      return kernels::Activation::gelu_erf;
    case Activation::silu:
      return kernels::Activation::silu;
  }
  return kernels::Activation::none;
}

// One head of a batched product.
kernels::GemmShape head_shape(const Op& op) {
  return {.m = elements(op.output) / (op.groups * op.columns), .n = op.columns, .k = op.inner};
}

// Prepares the step of one operation. Everything is captured by value: a step owns its arguments.
class Lowering {
 public:
  Lowering(const LoweringContext& context, OpIndex index)
      : context_(context),
        model_(context.model.model()),
        op_(model_.ops[static_cast<std::size_t>(index)]),
        reads_(reads_of(model_, op_)),
        index_(index),
        weights_(context.model.weights(static_cast<std::size_t>(index))),
        out_(tensor(index)) {}

  Run run() const {
    switch (op_.kind) {
      case OpKind::embedding:
        return embedding();
      case OpKind::matmul:
        return matmul();
      case OpKind::batched_matmul:
        return batched_matmul();
      case OpKind::conv2d:
        return conv2d();
      case OpKind::max_pool:
      case OpKind::average_pool:
        return pool();
      case OpKind::global_average_pool:
        return global_pool();
      case OpKind::softmax:
      case OpKind::layer_norm:
      case OpKind::rms_norm:
        return norm();
      case OpKind::activation:
      case OpKind::add:
      case OpKind::multiply:
        return elementwise();
      case OpKind::concat:
        return concat();
      case OpKind::slice:
        return slice();
      case OpKind::transpose:
        return transpose();
      case OpKind::foreign:
        return call();
      case OpKind::input:
      case OpKind::reshape:
        break;
    }
    return {};
  }

 private:
  std::byte* tensor(OpIndex op) const {
    return context_.activations + context_.plan.offset[static_cast<std::size_t>(op)];
  }
  const std::byte* in(std::size_t i = 0) const { return tensor(reads_[i]); }
  const Shape& in_shape(std::size_t i = 0) const {
    return model_.ops[static_cast<std::size_t>(reads_[i])].output;
  }
  std::int64_t batch() const { return context_.batch; }
  std::int64_t element_bytes() const {
    return static_cast<std::int64_t>(kernels::bytes_of(context_.model.dtype()));
  }
  kernels::Workspace workspace() const {
    return {context_.workspace, static_cast<std::size_t>(context_.lane_workspace)};
  }
  const KernelChoice& kernels() const { return context_.model.kernels(); }

  // Of matmul and conv2d.
  kernels::Epilogue epilogue() const {
    kernels::Epilogue epilogue;
    epilogue.bias = weights_.bias.buffer.as<float>();
    epilogue.activation = kernel_activation(op_.epilogue.activation);
    epilogue.output = context_.model.dtype();
    if (!op_.epilogue.residual.empty()) {
      epilogue.residual = tensor(reads_.back());
      epilogue.residual_stride = op_.columns;
    }
    if (op_.epilogue.residual_after_activation)
      epilogue.residual_at = kernels::ResidualAt::after_activation;
    return epilogue;
  }

  Run embedding() const {
    const std::byte* table = weights_.table.buffer.as<std::byte>();
    std::vector<kernels::EmbeddingTable> further;
    std::int64_t row = op_.vocabulary;
    for (const std::int64_t rows : op_.tables) {
      further.push_back({table + row * op_.columns * element_bytes(), rows});
      row += rows;
    }
    kernels::Embedding call{.ids = reinterpret_cast<const std::int32_t*>(in()),
                            .samples = batch(),
                            .positions = op_.output[0],
                            .columns = op_.columns,
                            .tokens = {table, op_.vocabulary},
                            .further = {},
                            .out = out_};
    return [call, further, &kernel = *kernels().elementwise](kernels::Team& team) {
      kernels::Embedding with_tables = call;
      with_tables.further = further;
      kernels::embed(kernel, with_tables, team);
    };
  }

  Run matmul() const {
    const kernels::Gemm call{.m = batch() * (elements(op_.output) / op_.columns),
                             .a = in(),
                             .a_stride = op_.inner,
                             .weights = &*weights_.matrix,
                             .c = out_,
                             .c_stride = op_.columns,
                             .epilogue = epilogue()};
    return
        [call, scratch = workspace()](kernels::Team& team) { kernels::gemm(call, scratch, team); };
  }

  // `rows` x `columns` per head, as the layout says.
  template <typename Pointer>
  kernels::HeadsOf<Pointer> heads(Pointer data, HeadLayout layout, std::int64_t rows,
                                  std::int64_t columns) const {
    const std::int64_t sample = op_.groups * rows * columns;
    if (layout == HeadLayout::heads_first) return {data, sample, rows * columns, columns};
    return {data, sample, columns, op_.groups * columns};
  }

  Run batched_matmul() const {
    const kernels::GemmShape shape = head_shape(op_);
    kernels::BatchedGemm call;
    call.samples = batch();
    call.heads = op_.groups;
    call.shape = shape;
    call.a = heads<const void*>(in(0), op_.a_layout, shape.m, shape.k);
    call.b_transposed = op_.transpose_b;
    call.b = op_.transpose_b ? heads<const void*>(in(1), op_.b_layout, shape.n, shape.k)
                             : heads<const void*>(in(1), op_.b_layout, shape.k, shape.n);
    call.c = heads<void*>(out_, op_.out_layout, shape.m, shape.n);
    call.epilogue.scale = static_cast<float>(op_.scale);
    call.epilogue.output = context_.model.dtype();
    return [call, scratch = workspace(), &kernel = *kernels().gemm](kernels::Team& team) {
      kernels::batched_gemm(kernel, call, scratch, team);
    };
  }

  Run conv2d() const {
    kernels::Conv call;
    call.batch = batch();
    call.input = in();
    call.weights = &*weights_.conv;
    call.output = out_;
    call.epilogue = epilogue();
    return [call, scratch = workspace()](kernels::Team& team) {
      kernels::conv2d(call, scratch, team);
    };
  }

  Run pool() const {
    const Window& w = op_.window;
    const kernels::PoolShape shape{.in_h = in_shape()[0],
                                   .in_w = in_shape()[1],
                                   .channels = in_shape()[2],
                                   .kernel_h = w.kernel_h,
                                   .kernel_w = w.kernel_w,
                                   .stride_h = w.stride_h,
                                   .stride_w = w.stride_w,
                                   .pad_top = w.pad_top,
                                   .pad_left = w.pad_left,
                                   .pad_bottom = w.pad_bottom,
                                   .pad_right = w.pad_right};
    const auto kind = op_.kind == OpKind::max_pool ? kernels::PoolKind::max
                      : op_.count_include_pad      ? kernels::PoolKind::average_of_whole_window
                                                   : kernels::PoolKind::average;
    return [=, &kernel = *kernels().pool, batch = batch(), from = in(), to = out_](
               kernels::Team& team) { kernels::pool(kernel, kind, shape, batch, from, to, team); };
  }

  Run global_pool() const {
    return [&kernel = *kernels().pool, batch = batch(), pixels = in_shape()[0] * in_shape()[1],
            channels = in_shape()[2], from = in(), to = out_](kernels::Team& team) {
      kernels::global_average_pool(kernel, batch, pixels, channels, from, to, team);
    };
  }

  Run norm() const {
    const std::int64_t length = op_.output.back();
    const kernels::Rows rows{in(), out_, batch() * (elements(op_.output) / length), length};
    const kernels::NormKernel& kernel = *kernels().norm;
    const float* gain = weights_.gain.buffer.as<float>();
    const float* bias = weights_.bias.buffer.as<float>();
    const auto epsilon = static_cast<float>(op_.epsilon);
    if (op_.kind == OpKind::softmax)
      return [rows, &kernel, scale = static_cast<float>(op_.scale)](kernels::Team& team) {
        kernels::softmax(kernel, rows, scale, team);
      };
    if (op_.kind == OpKind::layer_norm)
      return [=, &kernel](kernels::Team& team) {
        kernels::layer_norm(kernel, rows, epsilon, gain, bias, team);
      };
    return
        [=, &kernel](kernels::Team& team) { kernels::rms_norm(kernel, rows, epsilon, gain, team); };
  }

  Run elementwise() const {
    const kernels::ElementwiseKernel& kernel = *kernels().elementwise;
    const std::int64_t count = batch() * elements(op_.output);
    const std::byte* a = in(0);
    const std::byte* b = reads_.size() > 1 ? in(1) : nullptr;
    std::byte* to = out_;
    if (op_.kind == OpKind::add)
      return [=, &kernel](kernels::Team& team) { kernels::add(kernel, a, b, count, to, team); };
    if (op_.kind == OpKind::multiply)
      return [=, &kernel](kernels::Team& team) {
        kernels::multiply(kernel, kernels::Activation::none, a, b, count, to, team);
      };
    return [=, &kernel, activation = kernel_activation(op_.activation)](kernels::Team& team) {
      kernels::activate(kernel, activation, a, count, to, team);
    };
  }

  // Elements of `shape` from dimension `from` on.
  static std::int64_t elements_from(const Shape& shape, std::int64_t from) {
    return elements(Shape(shape.begin() + from, shape.end()));
  }

  Run concat() const {
    std::vector<kernels::ConcatInput> inputs;
    for (std::size_t i = 0; i < reads_.size(); ++i)
      inputs.push_back({in(i), elements_from(in_shape(i), op_.axis) * element_bytes()});
    const std::int64_t rows =
        batch() * (elements(op_.output) / elements_from(op_.output, op_.axis));
    return
        [inputs, rows, to = out_](kernels::Team& team) { kernels::concat(inputs, rows, to, team); };
  }

  Run slice() const {
    const std::int64_t step = elements_from(in_shape(), op_.axis + 1) * element_bytes();
    const std::int64_t row = elements_from(in_shape(), op_.axis) * element_bytes();
    const std::int64_t rows = batch() * elements(in_shape()) * element_bytes() / row;
    return [=, from = in(), begin = op_.begin * step, end = op_.end * step, to = out_](
               kernels::Team& team) { kernels::slice(from, rows, row, begin, end, to, team); };
  }

  Run transpose() const {
    return [dims = op_.split.empty() ? in_shape() : op_.split, permutation = op_.permutation,
            batch = batch(), size = static_cast<std::size_t>(element_bytes()), from = in(),
            to = out_](kernels::Team& team) {
      kernels::transpose(dims, permutation, batch, size, from, to, team);
    };
  }

  // The call of an imported model that is made at this operation, if one is.
  Run call() const {
    const imported::LoweredModel& lowered = *context_.model.lowered();
    const int call = lowered.call_of[static_cast<std::size_t>(index_)];
    if (call < 0) return {};
    return imported::prepare_call(
        {lowered, kernels().tensor, context_.constants, batch(),
         [this](OpIndex op) { return tensor(op); }, workspace(), context_.failure},
        lowered.calls[static_cast<std::size_t>(call)]);
  }

  const LoweringContext& context_;
  const Model& model_;
  const Op& op_;
  std::vector<OpIndex> reads_;
  OpIndex index_;
  const OpWeights& weights_;
  std::byte* out_;
};

}  // namespace

Bytes lane_workspace_bytes(const CpuModel& model, std::int64_t batch) {
  std::size_t most = 0;
  if (model.lowered() != nullptr)
    most = static_cast<std::size_t>(
        imported::call_workspace_bytes(*model.lowered(), model.kernels().tensor, batch));
  const KernelChoice& kernels = model.kernels();
  for (const Op& op : model.model().ops) {
    std::size_t bytes = 0;
    if (op.kind == OpKind::matmul)
      bytes = kernels::gemm_workspace_bytes(*kernels.gemm, op.inner, op.columns);
    if (op.kind == OpKind::batched_matmul)
      bytes = kernels::batched_gemm_workspace_bytes(*kernels.gemm, head_shape(op));
    if (op.kind == OpKind::conv2d)
      bytes = kernels::conv_workspace_bytes(kernels.conv, conv_shape_of(model.model(), op));
    most = std::max(most, bytes);
  }
  return static_cast<Bytes>(kernels::AlignedBuffer::footprint(most));
}

std::vector<Step> lower(const LoweringContext& context) {
  std::vector<Step> steps;
  const auto count = static_cast<OpIndex>(context.model.model().ops.size());
  for (OpIndex i = 0; i < count; ++i)
    if (Run run = Lowering(context, i).run()) steps.push_back({i, std::move(run)});
  return steps;
}

}  // namespace batchtune::cpu
