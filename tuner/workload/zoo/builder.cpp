// See builder.h.
#include "tuner/workload/zoo/builder.h"

namespace batchtune {

ModelBuilder::ModelBuilder(std::string name, std::string description) {
  model_.name = std::move(name);
  model_.description = std::move(description);
}

Op& ModelBuilder::add(OpKind kind, const Name& name, std::vector<Name> from) {
  Op op;
  op.kind = kind;
  op.name = name;
  op.inputs = std::move(from);
  model_.ops.push_back(std::move(op));
  return model_.ops.back();
}

Name ModelBuilder::input(const Name& name, InputKind kind, Shape shape, std::int64_t vocabulary) {
  Op& op = add(OpKind::input, name, {});
  op.input_kind = kind;
  op.output = std::move(shape);
  op.vocabulary = vocabulary;
  return name;
}

Name ModelBuilder::matmul(const Name& name, const Name& from, std::int64_t columns,
                          Epilogue epilogue) {
  Op& op = add(OpKind::matmul, name, {from});
  op.columns = columns;
  op.epilogue = std::move(epilogue);
  return name;
}

Name ModelBuilder::conv(const Name& name, const Name& from, const Conv& conv) {
  Op& op = add(OpKind::conv2d, name, {from});
  op.columns = conv.channels;
  op.groups = conv.groups;
  op.folded_batch_norm = conv.batch_norm;
  op.epilogue = conv.epilogue;
  op.window = {.kernel_h = conv.kernel,
               .kernel_w = conv.kernel,
               .stride_h = conv.stride,
               .stride_w = conv.stride,
               .pad_top = conv.pad,
               .pad_left = conv.pad,
               .pad_bottom = conv.pad,
               .pad_right = conv.pad};
  return name;
}

Name ModelBuilder::max_pool(const Name& name, const Name& from, std::int64_t kernel,
                            std::int64_t stride, std::int64_t pad) {
  add(OpKind::max_pool, name, {from}).window = {.kernel_h = kernel,
                                                .kernel_w = kernel,
                                                .stride_h = stride,
                                                .stride_w = stride,
                                                .pad_top = pad,
                                                .pad_left = pad,
                                                .pad_bottom = pad,
                                                .pad_right = pad};
  return name;
}

Name ModelBuilder::plain(OpKind kind, const Name& name, std::vector<Name> from) {
  add(kind, name, std::move(from));
  return name;
}

Model ModelBuilder::finish(std::map<std::string, std::int64_t> dims) {
  model_.dims = std::move(dims);
  model_.output = model_.ops.back().name;
  return std::move(model_);
}

Epilogue biased(Activation activation) {
  return {.bias = true, .activation = activation};
}

Epilogue biased_residual(const Name& residual, Activation activation) {
  return {.bias = true, .activation = activation, .residual = residual};
}

}  // namespace batchtune
