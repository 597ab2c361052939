// Attention as one operation, with masks, caches and grouped heads, and the rotary embedding before
// it. Row by row on dot products: what models spend their time in goes to kernels/gemm instead.
#pragma once

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

// Which keys a query sees. Query i of a sample stands at i + offset, offset being the cached keys
// before it, or, with lengths and no cache, the sample's length less the queries.
struct Visibility {
  bool causal = false;            // none behind its own place
  std::int64_t left_window = -1;  // so many before its place, and behind it; -1: all
  std::int64_t right_window = -1;
};

struct Attention {
  double scale = 0;    // of the scores; 0: 1 / sqrt(width of a head)
  double softcap = 0;  // c: scores become c tanh(score / c); 0: they stay
  Visibility visible = {};
  std::int64_t query_heads = 0, key_heads = 0;  // of operands of three axes
  // What `scores` of the outputs are.
  enum class Scores : std::uint8_t { products, capped, masked, shares };
  Scores scores = Scores::products;
};

// [batch][heads][rows][width], or [batch][rows][heads * width]; floats of one type. Keys and values
// have fewer heads where several of the queries' share one.
struct AttentionInputs {
  ConstTensor queries, keys, values;
  // Broadcasts to [batch][heads][queries][keys], but for its last axis: what is missing there is
  // hidden. Boolean (true: seen), or a float to add to the scores. Null: none.
  const ConstTensor* mask = nullptr;
  // [batch][heads][rows][width], in front of keys and values; both or none.
  const ConstTensor *past_keys = nullptr, *past_values = nullptr;
  const ConstTensor* lengths = nullptr;  // [batch], integers: keys that count; null: all
};
struct AttentionOutputs {
  Tensor out;  // laid out as the queries
  // Null where they are not asked for.
  const Tensor *present_keys = nullptr, *present_values = nullptr;  // with the past
  const Tensor* scores = nullptr;                                   // [batch][heads][queries][keys]
};
// A query that sees nothing gives zeros.
Outcome attention(const Context& context, const Attention& how, const AttentionInputs& in,
                  const AttentionOutputs& out);

// The middle of it: softmax of scores [batch][heads][queries][keys] under a mask. `out` may be
// `in`.
Outcome masked_softmax(const Context& context, const Visibility& visible, const ConstTensor& in,
                       const ConstTensor* mask, const Tensor& out);

struct Rotary {
  std::int64_t heads = 0;    // of an input of three axes
  std::int64_t width = 0;    // of a head's elements that turn, the first ones; 0: all
  bool interleaved = false;  // pairs lie next to each other, not half the width apart
};
// [batch][heads][rows][width] or [batch][rows][heads * width]. Pairs (x, y) become
// (x cos - y sin, x sin + y cos). cosines, sines: [batch][rows][width / 2], or, with positions
// ([batch][rows], integers; they must be in range), [positions][width / 2].
Outcome rotary_embedding(const Context& context, const Rotary& how, const ConstTensor& in,
                         const ConstTensor& cosines, const ConstTensor& sines,
                         const ConstTensor* positions, const Tensor& out);

}  // namespace batchtune::kernels::tensor
