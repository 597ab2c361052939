#include "tuner/backend/onednn/builder.h"

#include <algorithm>
#include <utility>

#include "tuner/backend/runtime/endings.h"

namespace batchtune::onednn {
namespace {

using Tag = dnnl::memory::format_tag;

// By which operation each tensor is read last.
std::vector<OpIndex> find_last_reads(const Model& model, OpIndex forever) {
  std::vector<OpIndex> last(model.ops.size(), -1);
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    for (const OpIndex read : reads_of(model, model.ops[i]))
      last[static_cast<std::size_t>(read)] = static_cast<OpIndex>(i);
    if (model.ops[i].kind == OpKind::input) last[i] = forever;
  }
  for (std::size_t i = 0; i < model.ops.size(); ++i)
    if (model.ops[i].kind == OpKind::input) last[i] = forever;
  last[static_cast<std::size_t>(find_op(model, model.output))] = forever;
  return last;
}

}  // namespace

GraphBuilder::GraphBuilder(const GraphContext& context)
    : context_(context),
      held_(context.model.ops.size()),
      last_read_(find_last_reads(context.model, kForever)) {}

Desc GraphBuilder::rows(std::int64_t count, std::int64_t length) const {
  return Desc({count / length, length}, type_of(context_.dtype), Tag::ab);
}

Dims GraphBuilder::image_dims(OpIndex op) const {
  const Shape& s = shape(op);
  if (s.size() == 1) return {batch(), s[0], 1, 1};
  return {batch(), s[2], s[0], s[1]};
}

Desc GraphBuilder::image(OpIndex op) const {
  const Held& held = held_[static_cast<std::size_t>(op)];
  return held.format ? *held.format : Desc(image_dims(op), type_of(context_.dtype), Tag::nhwc);
}

Desc GraphBuilder::any_format(const Dims& dims) const {
  return Desc(dims, type_of(context_.dtype), Tag::any);
}

Bytes GraphBuilder::tensor_bytes(OpIndex index) const {
  const Op& op = context_.model.ops[static_cast<std::size_t>(index)];
  const bool ids = op.kind == OpKind::input && op.input_kind == InputKind::token_ids;
  const auto size = ids ? sizeof(std::int32_t) : size_of(context_.dtype);
  return batch_elements(index) *
         (op.element_bytes > 0 ? op.element_bytes : static_cast<Bytes>(size));
}

int GraphBuilder::plain(OpIndex op) {
  Held& tensor = held(op);
  if (!tensor.format) return tensor.buffer;
  if (tensor.plain_copy < 0) {
    const Desc to(image_dims(op), type_of(context_.dtype), Tag::nhwc);
    tensor.plain_copy = new_buffer(to);
    add_reorder(*tensor.format, tensor.buffer, to, tensor.plain_copy);
  }
  return tensor.plain_copy;
}

int GraphBuilder::in_format(OpIndex op, const Desc& wanted) {
  const Desc as_it_is = image(op);
  if (as_it_is == wanted) return held(op).buffer;
  for (const auto& [format, buffer] : held(op).reordered)
    if (format == wanted) return buffer;
  const int buffer = new_buffer(wanted);
  add_reorder(as_it_is, held(op).buffer, wanted, buffer);
  held(op).reordered.emplace_back(wanted, buffer);
  return buffer;
}

int GraphBuilder::take_over(OpIndex from, std::span<const int> not_in) {
  const int buffer = held(from).buffer;
  if (std::find(not_in.begin(), not_in.end(), buffer) != not_in.end()) return -1;
  for (OpIndex op = 0; op < now_; ++op)  // a reshape holds it under another name
    if (held(op).buffer == buffer && last_read_[static_cast<std::size_t>(op)] > now_) return -1;
  return buffer;
}

// Alive from the next step on; use() says until when.
int GraphBuilder::new_buffer(Bytes bytes) {
  const std::size_t next = graph_.steps.size();
  graph_.buffers.push_back({next, next, bytes, 0});
  return static_cast<int>(graph_.buffers.size()) - 1;
}

void GraphBuilder::hold(int buffer, std::optional<Desc> format) {
  held(now_).buffer = buffer;
  held(now_).format = std::move(format);
}

void GraphBuilder::hold_image(int buffer, const Desc& format) {
  const bool is_plain = format == Desc(image_dims(now_), type_of(context_.dtype), Tag::nhwc);
  hold(buffer, is_plain ? std::nullopt : std::optional(format));
}

void GraphBuilder::use(const std::vector<Operand>& operands) {
  for (const Operand& operand : operands)
    if (operand.buffer >= 0) {
      ArenaBlock& buffer = graph_.buffers[static_cast<std::size_t>(operand.buffer)];
      buffer.last = std::max(buffer.last, graph_.steps.size());
    }
}

void GraphBuilder::add_step(const char* kind, Description description,
                            std::vector<Operand> operands) {
  const Desc scratch = description.scratchpad_desc();
  if (const auto bytes = static_cast<Bytes>(scratch.get_size()); bytes > 0) {
    graph_.scratch_bytes = std::max(graph_.scratch_bytes, bytes);
    operands.push_back({DNNL_ARG_SCRATCHPAD, scratch});
  }
  use(operands);
  const std::string how = std::string(kind) + " " + description.impl_info_str();
  graph_.steps.push_back({now_, how, std::move(description), std::move(operands), {}});
}

void GraphBuilder::add_own_step(const char* kind, std::vector<Operand> operands, OwnStep own) {
  use(operands);
  graph_.steps.push_back({now_, kind, {}, std::move(operands), std::move(own)});
}

void GraphBuilder::add_reorder(const Desc& from, int from_buffer, const Desc& to, int to_buffer) {
  add_step("reorder", describe_reorder(context_.engine, from, to),
           {{DNNL_ARG_FROM, from, from_buffer}, {DNNL_ARG_TO, to, to_buffer}});
}

Outcome<const WeightCopy*> GraphBuilder::weight(WeightRole role, const Desc& wanted) {
  BT_TRY(copy, context_.weights.get(now_, role, wanted));
  graph_.weight_bytes += copy->buffer.charge.bytes();
  graph_.weights.push_back(copy);
  return copy.get();
}

Outcome<const WeightCopy*> GraphBuilder::vector_weight(WeightRole role) {
  return weight(role, plain_weight(context_.model, op(), role, context_.dtype));
}

Outcome<void> GraphBuilder::lower(OpIndex index) {
  now_ = index;
  reads_ = reads_of(context_.model, op());
  switch (op().kind) {
    case OpKind::input:
      hold(new_buffer(tensor_bytes(index)));
      graph_.input_buffers[static_cast<std::size_t>(index)] = held(index).buffer;
      break;
    case OpKind::reshape:
      hold(plain(read()));
      break;
    case OpKind::embedding:
      return embedding();
    case OpKind::matmul:
      return matmul();
    case OpKind::conv2d:
      return conv2d();
    case OpKind::layer_norm:
      return layer_norm();
    case OpKind::rms_norm:
      return rms_norm();
    case OpKind::batched_matmul:
      batched_matmul();
      break;
    case OpKind::max_pool:
    case OpKind::average_pool:
    case OpKind::global_average_pool:
      pool();
      break;
    case OpKind::softmax:
      softmax();
      break;
    case OpKind::activation:
      activation();
      break;
    case OpKind::add:
      binary(dnnl::algorithm::binary_add);
      break;
    case OpKind::multiply:
      binary(dnnl::algorithm::binary_mul);
      break;
    case OpKind::concat:
      concat();
      break;
    case OpKind::slice:
      slice();
      break;
    case OpKind::transpose:
      transpose();
      break;
    case OpKind::foreign:  // without a file it is refused when the model is loaded
      foreign();
      break;
  }
  return {};
}

// Inputs keep their values from run to run and outputs are read after it: both live throughout.
Outcome<Graph> GraphBuilder::build() {
  const auto count = static_cast<OpIndex>(context_.model.ops.size());
  graph_.input_buffers.assign(context_.model.ops.size(), -1);
  for (OpIndex i = 0; i < count; ++i) {
    try {
      BT_TRY_VOID(lower(i));
    } catch (const dnnl::error& error) {
      const std::string what = "oneDNN has no " + std::string(name_of(op().kind)) + " for " +
                               op().name + " in " + std::string(name_of(context_.dtype));
      return tl::unexpected(
          runtime::ending_of_message(what, error.what(), runtime::Refusal::cannot));
    }
  }
  graph_.output_buffer = plain(find_op(context_.model, context_.model.output));
  std::vector<int> outputs{graph_.output_buffer};
  if (context_.lowered != nullptr) {
    const std::vector<int> of_file = file_output_buffers();
    outputs.insert(outputs.end(), of_file.begin(), of_file.end());
    reserve_call_scratch();
  }
  for (const Held& tensor : held_)
    graph_.plain_buffers.push_back(tensor.format ? tensor.plain_copy : tensor.buffer);
  const auto end = graph_.steps.size();
  for (const int input : graph_.input_buffers)
    if (input >= 0) {
      ArenaBlock& block = graph_.buffers[static_cast<std::size_t>(input)];
      block.first = 0;
      block.last = end;
    }
  for (const int output : outputs) graph_.buffers[static_cast<std::size_t>(output)].last = end;
  graph_.arena_bytes = place_blocks(graph_.buffers);
  return std::move(graph_);
}

Outcome<Graph> build_graph(const GraphContext& context) {
  return GraphBuilder(context).build();
}

}  // namespace batchtune::onednn
