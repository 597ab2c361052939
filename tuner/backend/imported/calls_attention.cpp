// Attention as one node, the rotary embedding before it, and softmax under a mask, which passes
// make of its middle (expand_attention.cpp).
#include "kernels/tensor/attention.h"
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {
namespace {

kt::Visibility visibility_of(const GraphNode& node) {
  return {.causal = integer(node, "is_causal", 0) != 0,
          .left_window = integer(node, "left_window_size", -1),
          .right_window = integer(node, "right_window_size", -1)};
}

MadeCall attention(const CallNode& node) {
  const GraphNode& proto = node.node();
  kt::Attention how{.scale = number(proto, "scale", 0),
                    .softcap = number(proto, "softcap", 0),
                    .visible = visibility_of(proto),
                    .query_heads = integer(proto, "q_num_heads", 0),
                    .key_heads = integer(proto, "kv_num_heads", 0)};
  const std::int64_t scores = integer(proto, "qk_matmul_output_mode", 0);
  if (scores < 0 || scores > 3) return no_call("qk_matmul_output_mode beyond 0 to 3");
  how.scores = static_cast<kt::Attention::Scores>(scores);
  return Call{[how](const CallData& data) {
    return kt::attention(data.context, how,
                         {.queries = data.in[0],
                          .keys = data.in[1],
                          .values = data.in[2],
                          .mask = data.optional(3),
                          .past_keys = data.optional(4),
                          .past_values = data.optional(5),
                          .lengths = data.optional(6)},
                         {.out = data.out[0],
                          .present_keys = data.asked(1),
                          .present_values = data.asked(2),
                          .scores = data.asked(3)});
  }};
}

MadeCall masked_softmax(const CallNode& node) {
  return Call{[visible = visibility_of(node.node())](const CallData& data) {
    return kt::masked_softmax(data.context, visible, data.in[0], data.optional(1), data.out[0]);
  }};
}

MadeCall rotary_embedding(const CallNode& node) {
  const kt::Rotary how{.heads = integer(node.node(), "num_heads", 0),
                       .width = integer(node.node(), "rotary_embedding_dim", 0),
                       .interleaved = integer(node.node(), "interleaved", 0) != 0};
  return Call{[how](const CallData& data) {
    return kt::rotary_embedding(data.context, how, data.in[0], data.in[1], data.in[2],
                                data.optional(3), data.out[0]);
  }};
}

constexpr CallRow kRows[] = {
    {"", "Attention", attention},
    {"", "RotaryEmbedding", rotary_embedding},
    {kNative, "MaskedSoftmax", masked_softmax},
};

}  // namespace

std::span<const CallRow> attention_calls() {
  return kRows;
}

}  // namespace batchtune::imported
