// Convolution and pooling: channels first.
#include "tuner/workload/onnx/export_op.h"

namespace batchtune::onnx_export {
namespace {

std::vector<Attribute> attributes_of(const Window& w) {
  using Integers = std::vector<std::int64_t>;
  return {{"kernel_shape", Integers{w.kernel_h, w.kernel_w}},
          {"strides", Integers{w.stride_h, w.stride_w}},
          {"pads", Integers{w.pad_top, w.pad_left, w.pad_bottom, w.pad_right}}};
}

}  // namespace

void OpExport::conv2d() {
  const std::int64_t channels = in_shape()[2];
  const Window& w = op_.window;
  std::vector<std::string> inputs = {
      image(), graph_.weight("weight", {op_.columns, channels / op_.groups, w.kernel_h, w.kernel_w},
                             filters_of(all_.seed, model_, op_, channels))};
  if (op_.epilogue.bias) inputs.push_back(bias());
  std::vector<Attribute> attributes = attributes_of(w);
  attributes.push_back({"dilations", Order{w.dilation_h, w.dilation_w}});
  attributes.push_back({"group", op_.groups});
  finished(add("Conv", inputs, attributes), image_order());
  place(image_order());
}

void OpExport::pool() {
  std::vector<Attribute> attributes = attributes_of(op_.window);
  const bool max = op_.kind == OpKind::max_pool;
  if (!max) attributes.push_back({"count_include_pad", std::int64_t{op_.count_include_pad}});
  add(max ? "MaxPool" : "AveragePool", {image()}, attributes);
  place(image_order());
}

void OpExport::global_pool() {
  const std::string pooled = add("GlobalAveragePool", {image()});
  add("Flatten", {pooled}, {{"axis", std::int64_t{1}}});
  place_plain();
}

}  // namespace batchtune::onnx_export
