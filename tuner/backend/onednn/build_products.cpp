// Matrix products, and what the epilogues of products and convolutions share.
#include <utility>

#include "tuner/backend/onednn/builder.h"

namespace batchtune::onednn {

using Tag = dnnl::memory::format_tag;

// Kernels that add before the activation are fast everywhere; behind it, few do it at all.
bool GraphBuilder::residual_is_separate() const {
  const Epilogue& e = op().epilogue;
  return !e.residual.empty() && e.residual_after_activation && e.activation != Activation::none;
}

PostOps GraphBuilder::post_ops() const {
  const Epilogue& e = op().epilogue;
  return {!e.residual.empty() && !residual_is_separate(), e.activation, 1};
}

int GraphBuilder::result_buffer(const Desc& destination, const Desc& residual, int residual_buffer,
                                std::span<const int> inputs) {
  const OpIndex from = reads_.back();
  if (residual == destination && residual_buffer == held(from).buffer)
    if (const int buffer = take_over(from, inputs); buffer >= 0) return buffer;
  const int buffer = new_buffer(destination);
  add_reorder(residual, residual_buffer, destination, buffer);
  return buffer;
}

void GraphBuilder::add_residual(const Desc& destination, int buffer, int residual_buffer) {
  add_step("add", describe_binary(context_.engine, dnnl::algorithm::binary_add, destination),
           {{DNNL_ARG_SRC_0, destination, buffer},
            {DNNL_ARG_SRC_1, destination, residual_buffer},
            {DNNL_ARG_DST, destination, buffer}});
}

Outcome<void> GraphBuilder::matmul() {
  const std::int64_t n = op().columns, k = op().inner;
  ProductCall call;
  call.source = rows(batch_elements(read()), k);
  call.weights = any_format({k, n});
  call.destination = rows(batch_elements(now_), n);
  const bool has_bias = op().epilogue.bias;
  if (has_bias) call.bias = Desc({1, n}, dnnl::memory::data_type::f32, Tag::ab);
  call.post = post_ops();
  const Description chosen = describe_product(context_.engine, call);

  std::vector<Operand> operands{{DNNL_ARG_SRC, call.source, plain(read())}};
  const Desc weights = chosen.query_md(dnnl::query::weights_md);
  BT_TRY(matrix, weight(WeightRole::matrix, weights));
  operands.push_back({DNNL_ARG_WEIGHTS, weights, -1, matrix});
  if (has_bias) {
    BT_TRY(bias, vector_weight(WeightRole::bias));
    operands.push_back({DNNL_ARG_BIAS, *call.bias, -1, bias});
  }
  const int residual = op().epilogue.residual.empty() ? -1 : plain(reads_.back());
  const int inputs[] = {operands[0].buffer};
  const int result = call.post.sum
                         ? result_buffer(call.destination, call.destination, residual, inputs)
                         : new_buffer(call.destination);
  operands.push_back({DNNL_ARG_DST, call.destination, result});
  add_step("matmul", chosen, std::move(operands));
  if (residual_is_separate()) add_residual(call.destination, result, residual);
  hold(result);
  return {};
}

namespace {

// One operand: {batch, heads, rows, columns}, wherever its rows lie.
Desc heads(dnnl::memory::data_type type, std::int64_t batch, std::int64_t heads, std::int64_t rows,
           std::int64_t columns, HeadLayout layout) {
  const std::int64_t sample = heads * rows * columns;
  const Dims strides = layout == HeadLayout::heads_first
                           ? Dims{sample, rows * columns, columns, 1}
                           : Dims{sample, columns, heads * columns, 1};
  return Desc({batch, heads, rows, columns}, type, strides);
}

}  // namespace

void GraphBuilder::batched_matmul() {
  const std::int64_t g = op().groups, n = op().columns, k = op().inner;
  const std::int64_t m = elements(op().output) / (g * n);
  const auto type = type_of(context_.dtype);
  ProductCall call;
  call.source = heads(type, batch(), g, m, k, op().a_layout);
  call.weights = op().transpose_b
                     ? heads(type, batch(), g, n, k, op().b_layout).permute_axes({0, 1, 3, 2})
                     : heads(type, batch(), g, k, n, op().b_layout);
  call.destination = heads(type, batch(), g, m, n, op().out_layout);
  call.post.scale = op().scale;
  Description chosen = describe_product(context_.engine, call);
  const int a = plain(read(0)), b = plain(read(1)), result = new_buffer(call.destination);
  add_step("batched_matmul", std::move(chosen),
           {{DNNL_ARG_SRC, call.source, a},
            {DNNL_ARG_WEIGHTS, call.weights, b},
            {DNNL_ARG_DST, call.destination, result}});
  hold(result);
}

}  // namespace batchtune::onednn
