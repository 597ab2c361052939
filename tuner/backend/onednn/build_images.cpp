// Convolutions and pools: the operations whose formats oneDNN chooses.
#include "tuner/backend/onednn/builder.h"

namespace batchtune::onednn {

Outcome<void> GraphBuilder::conv2d() {
  const Window& w = op().window;
  const Dims from = image_dims(read()), to = image_dims(now_);
  const std::int64_t in_group = from[1] / op().groups, out_group = op().columns / op().groups;
  Dims filter{out_group, in_group, w.kernel_h, w.kernel_w};
  if (op().groups > 1) filter.insert(filter.begin(), op().groups);

  ConvCall call;
  call.source = any_format(from);
  call.weights = any_format(filter);
  call.destination = any_format(to);
  const bool has_bias = op().epilogue.bias;
  if (has_bias) call.bias = plain_weight(context_.model, op(), WeightRole::bias, context_.dtype);
  call.strides = {w.stride_h, w.stride_w};
  call.dilations = {w.dilation_h - 1, w.dilation_w - 1};
  call.begin = {w.pad_top, w.pad_left};
  call.end = {w.pad_bottom, w.pad_right};
  call.post = post_ops();
  const Description chosen = describe_convolution(context_.engine, call);

  const Desc source = chosen.query_md(dnnl::query::src_md);
  const Desc destination = chosen.query_md(dnnl::query::dst_md);
  std::vector<Operand> operands{{DNNL_ARG_SRC, source, in_format(read(), source)}};
  const Desc weights = chosen.query_md(dnnl::query::weights_md);
  BT_TRY(matrix, weight(WeightRole::matrix, weights));
  operands.push_back({DNNL_ARG_WEIGHTS, weights, -1, matrix});
  if (has_bias) {
    BT_TRY(bias, vector_weight(WeightRole::bias));
    operands.push_back({DNNL_ARG_BIAS, bias->desc, -1, bias});
  }
  const bool has_residual = !op().epilogue.residual.empty();
  const OpIndex residual = has_residual ? reads_.back() : -1;
  const int inputs[] = {operands[0].buffer};
  const int result =
      call.post.sum ? result_buffer(destination, image(residual), held(residual).buffer, inputs)
                    : new_buffer(destination);
  operands.push_back({DNNL_ARG_DST, destination, result});
  add_step("conv2d", chosen, std::move(operands));
  if (residual_is_separate()) add_residual(destination, result, in_format(residual, destination));
  hold_image(result, destination);
  return {};
}

void GraphBuilder::pool() {
  const Dims from = image_dims(read()), to = image_dims(now_);
  PoolCall call;
  call.source = image(read());
  call.destination = any_format(to);
  if (op().kind == OpKind::global_average_pool) {
    call.algorithm = dnnl::algorithm::pooling_avg_include_padding;
    call.strides = {1, 1};
    call.kernel = {from[2], from[3]};
    call.begin = call.end = {0, 0};
  } else {
    const Window& w = op().window;
    call.algorithm = op().kind == OpKind::max_pool ? dnnl::algorithm::pooling_max
                     : op().count_include_pad      ? dnnl::algorithm::pooling_avg_include_padding
                                                   : dnnl::algorithm::pooling_avg_exclude_padding;
    call.strides = {w.stride_h, w.stride_w};
    call.kernel = {w.kernel_h, w.kernel_w};
    call.begin = {w.pad_top, w.pad_left};
    call.end = {w.pad_bottom, w.pad_right};
  }
  const Description chosen = describe_pool(context_.engine, call);
  const Desc destination = chosen.query_md(dnnl::query::dst_md);
  const int result = new_buffer(destination);
  add_step("pool", chosen,
           {{DNNL_ARG_SRC, call.source, held(read()).buffer}, {DNNL_ARG_DST, destination, result}});
  hold_image(result, destination);
}

}  // namespace batchtune::onednn
