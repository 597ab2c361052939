// What all operations share: inputs, checks with their errors, and the epilogue.
#include "tuner/workload/op_shapes.h"

namespace batchtune {

std::string text_of(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

namespace {

// Of imported models, whose shapes our kernels never meet.
bool may_have_high_rank(OpKind kind) {
  return kind == OpKind::input || kind == OpKind::reshape || kind == OpKind::foreign;
}

}  // namespace

Status OpShapes::infer() {
  BT_TRY_VOID(resolve_inputs());
  BT_TRY(inferred, output_shape());
  BT_TRY_VOID(check_size(inferred, "", "output"));
  if (!op_.output.empty() && op_.output != inferred)
    return fail("shape", text_of(inferred) + ", the inferred output", text_of(op_.output));
  op_.output = std::move(inferred);
  return check_epilogue();
}

tl::unexpected<Error> OpShapes::fail(const std::string& key, std::string wanted,
                                     std::string found) const {
  return bad_input(std::move(wanted), std::move(found), key.empty() ? where_ : where_ + "." + key);
}

Result<const Op*> OpShapes::earlier(const std::string& name, const std::string& key) const {
  const auto found = earlier_.find(name);
  if (found == earlier_.end())
    return fail(key, "the name of an earlier operation", "\"" + name + "\"");
  return &model_.ops[static_cast<std::size_t>(found->second)];
}

Status OpShapes::resolve_inputs() {
  for (std::size_t i = 0; i < op_.inputs.size(); ++i) {
    const std::string key = "inputs[" + std::to_string(i) + "]";
    BT_TRY(input, earlier(op_.inputs[i], key));
    const bool ids = input->kind == OpKind::input && input->input_kind == InputKind::token_ids;
    if (op_.kind != OpKind::foreign && ids != (op_.kind == OpKind::embedding))
      return fail(key, ids ? "values (token ids go into an embedding)" : "an input of token ids",
                  "\"" + op_.inputs[i] + "\"");
    if (may_have_high_rank(op_.kind) || input->output.size() <= kMaxRank) {
      in_.push_back(input->output);
      continue;
    }
    return fail(key, "an input of 1 to " + std::to_string(kMaxRank) + " dimensions",
                text_of(input->output));
  }
  return {};
}

Status OpShapes::want_inputs(std::size_t least, std::size_t most) const {
  if (in_.size() >= least && in_.size() <= most) return {};
  const std::string wanted =
      least == most ? std::to_string(least) : "at least " + std::to_string(least);
  return fail("inputs", wanted + " input(s) for " + std::string(name_of(op_.kind)),
              std::to_string(in_.size()));
}

Status OpShapes::want_range(const std::string& key, std::int64_t value, std::int64_t low,
                            std::int64_t high) const {
  if (value >= low && value <= high) return {};
  return fail(key, "an integer from " + std::to_string(low) + " to " + std::to_string(high),
              std::to_string(value));
}

Status OpShapes::check_size(const Shape& shape, const std::string& key,
                            const std::string& what) const {
  const std::size_t most = may_have_high_rank(op_.kind) ? kMaxForeignRank : kMaxRank;
  if (shape.empty() || shape.size() > most)
    return fail(key, what + " with 1 to " + std::to_string(most) + " dimensions", text_of(shape));
  for (const std::int64_t dimension : shape)
    if (dimension < 1 || dimension > kMaxDimension)
      return fail(key, what + " dimensions from 1 to " + std::to_string(kMaxDimension),
                  text_of(shape));
  if (elements(shape) > kMaxElements)
    return fail(key, what + " of at most " + std::to_string(kMaxElements) + " elements",
                text_of(shape));
  return {};
}

// Fills in a field that was left at 0, or checks it.
Status OpShapes::settle(const std::string& key, std::int64_t& field, std::int64_t inferred) {
  if (field == 0) field = inferred;
  if (field == inferred) return {};
  return fail(key, std::to_string(inferred) + ", from the input", std::to_string(field));
}

Result<Shape> OpShapes::output_shape() {
  switch (op_.kind) {
    case OpKind::input:
      return input();
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
    case OpKind::activation:
      return same_shape();
    case OpKind::add:
    case OpKind::multiply:
      return elementwise();
    case OpKind::concat:
      return concat();
    case OpKind::slice:
      return slice();
    case OpKind::transpose:
      return transpose();
    case OpKind::reshape:
      return reshape();
    case OpKind::foreign:
      return foreign();
  }
  return fail("op", "a known operation", "none");
}

Status OpShapes::check_epilogue() {
  const Epilogue& e = op_.epilogue;
  const bool allowed = op_.kind == OpKind::matmul || op_.kind == OpKind::conv2d;
  const bool biased = op_.kind == OpKind::foreign && e == Epilogue{.bias = true};
  if (!allowed && !biased && e != Epilogue{})
    return fail("", "no epilogue on " + std::string(name_of(op_.kind)),
                "a bias, activation or residual");
  if (op_.folded_batch_norm && !(op_.kind == OpKind::conv2d && e.bias))
    return fail("batch_norm", "a conv2d with bias (a folded batch norm leaves one)", "none");
  if (e.residual.empty()) {
    if (e.residual_after_activation) return fail("residual_after_activation", "a residual", "none");
    return {};
  }
  BT_TRY(residual, earlier(e.residual, "residual"));
  if (residual->output != op_.output)
    return fail("residual", "a tensor of the output's shape " + text_of(op_.output),
                "\"" + e.residual + "\" " + text_of(residual->output));
  return {};
}

}  // namespace batchtune
