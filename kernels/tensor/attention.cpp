#include "kernels/tensor/attention.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/split.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/masking.h"
#include "kernels/tensor/vector.h"

namespace batchtune::kernels::tensor {
namespace {

// Rows of f32, by sample and head.
template <typename T>  // float or const float
struct RowsOf {
  T* data = nullptr;
  std::int64_t sample = 0, head = 0, row = 0;  // strides

  T* at(std::int64_t s, std::int64_t h, std::int64_t r) const {
    return data + s * sample + h * head + r * row;
  }
};
using Rows = RowsOf<const float>;

struct Operand {
  std::int64_t batch = 0, heads = 0, rows = 0, width = 0;
  bool side_by_side = false;  // heads, within a row

  template <typename T>
  RowsOf<T> rows_of(T* data) const {
    return side_by_side ? RowsOf<T>{data, rows * heads * width, width, heads * width}
                        : RowsOf<T>{data, heads * rows * width, rows * width, width};
  }
};

// Of three or four axes; false where `heads` do not divide the rows.
bool describe(const Shape& shape, std::int64_t heads, Operand& operand) {
  if (shape.size() == 4) {
    operand = {shape[0], shape[1], shape[2], shape[3], false};
    return true;
  }
  if (shape.size() != 3 || heads < 1 || shape[2] % heads != 0) return false;
  operand = {shape[0], heads, shape[1], shape[2] / heads, true};
  return true;
}

struct Sizes {
  Operand queries, keys, values;
  std::int64_t past = 0;
  std::int64_t all_keys() const { return past + keys.rows; }
  std::int64_t group() const { return queries.heads / keys.heads; }
  Shape scores() const { return {queries.batch, queries.heads, queries.rows, all_keys()}; }
};

bool is_past_of(const ConstTensor& past, const Operand& fresh, std::int64_t rows) {
  return past.shape == Shape{fresh.batch, fresh.heads, rows, fresh.width};
}

Outcome check(const Attention& how, const AttentionInputs& in, const AttentionOutputs& out,
              Sizes& sizes) {
  const ElementType type = in.queries.type;
  if (!is_float(type) || in.keys.type != type || in.values.type != type || out.out.type != type) {
    return {"queries, keys, values and output are not of one float type"};
  }
  Operand& q = sizes.queries;
  if (!describe(in.queries.shape, how.query_heads, q) ||
      !describe(in.keys.shape, how.key_heads, sizes.keys) ||
      !describe(in.values.shape, how.key_heads, sizes.values)) {
    return {"an operand is not of 3 or 4 axes, or the heads do not divide its rows"};
  }
  const Operand &k = sizes.keys, &v = sizes.values;
  if (k.batch != q.batch || v.batch != q.batch || v.rows != k.rows || v.heads != k.heads) {
    return {"queries, keys and values do not fit each other"};
  }
  if (k.width != q.width || k.heads < 1 || q.heads % k.heads != 0) {
    return {"queries and keys differ in width, or their heads do not divide"};
  }
  if ((in.past_keys == nullptr) != (in.past_values == nullptr)) return {"half of a cache"};
  if (in.past_keys != nullptr) {
    if (in.past_keys->shape.size() != 4) return {"a cache is not of 4 axes"};
    sizes.past = in.past_keys->shape[2];
    if (!is_past_of(*in.past_keys, k, sizes.past) || !is_past_of(*in.past_values, v, sizes.past) ||
        !is_float(in.past_keys->type) || !is_float(in.past_values->type)) {
      return {"the cache does not fit keys and values"};
    }
  }
  const Shape expected = q.side_by_side ? Shape{q.batch, q.rows, q.heads * v.width}
                                        : Shape{q.batch, q.heads, q.rows, v.width};
  if (out.out.shape != expected) return {"the output has not the queries' shape"};
  if (out.scores != nullptr && out.scores->shape != sizes.scores()) {
    return {"the scores have another shape"};
  }
  return kDone;
}

// Keys or values with the cache in front, [batch][heads][rows][width]: in the output that asks for
// them, else in memory of their own; where they lie if there is neither.
class Cached {
 public:
  Cached(const Context& context, const Operand& fresh, const Floats& values,
         const ConstTensor* past, std::int64_t past_rows, const Tensor* present)
      : rows_(fresh.rows_of(values.data())) {
    if (past == nullptr && present == nullptr) return;
    Operand all = fresh;
    all.rows += past_rows;
    all.side_by_side = false;
    memory_.resize(static_cast<std::size_t>(all.batch * all.heads * all.rows * all.width));
    const Floats before(context, past == nullptr ? ConstTensor{} : *past);
    Operand cached = all;
    cached.rows = past_rows;
    const Rows from = cached.rows_of(before.data());
    const std::int64_t width = all.width;
    for (std::int64_t i = 0; i < all.batch * all.heads; ++i) {
      const std::int64_t sample = i / all.heads, head = i % all.heads;
      float* to = memory_.data() + i * all.rows * width;
      for (std::int64_t r = 0; r < past_rows; ++r, to += width)
        std::copy_n(from.at(sample, head, r), width, to);
      for (std::int64_t r = 0; r < fresh.rows; ++r, to += width)
        std::copy_n(rows_.at(sample, head, r), width, to);
    }
    rows_ = all.rows_of<const float>(memory_.data());
    if (present == nullptr) return;
    const Shape shape{all.batch, all.heads, all.rows, width};
    outcome_ = cast(context, {ElementType::f32, shape, memory_.data()}, *present);
  }
  const Rows& rows() const { return rows_; }
  const Outcome& outcome() const { return outcome_; }

 private:
  std::vector<float> memory_;
  Rows rows_;
  Outcome outcome_;
};

// One query's row of scores, step by step.
struct Scoring {
  const VectorKernel& kernel;
  float scale, softcap;
  std::int64_t keys;

  void multiply(const float* query, std::int64_t width, const Rows& rows, std::int64_t sample,
                std::int64_t head, float* out) const {
    for (std::int64_t j = 0; j < keys; ++j) {
      out[j] = scale * kernel.dot(query, rows.at(sample, head, j), width);
    }
  }
  void cap(float* scores) const {
    if (softcap == 0) return;
    kernel.multiply_add(1 / softcap, 0, scores, keys, scores);
    kernel.unary(Unary::tanh)(0, 0, scores, keys, scores);
    kernel.multiply_add(softcap, 0, scores, keys, scores);
  }
};

}  // namespace

Outcome attention(const Context& context, const Attention& how, const AttentionInputs& in,
                  const AttentionOutputs& out) {
  Sizes sizes;
  if (const Outcome ok = check(how, in, out, sizes); !ok) return ok;
  const Operand& q = sizes.queries;
  Masking masking(context, how.visible, sizes.scores(), in.mask, in.lengths, sizes.past);
  if (!masking.outcome()) return masking.outcome();
  const Floats queries(context, in.queries), fresh_keys(context, in.keys),
      fresh_values(context, in.values);
  const Cached keys(context, sizes.keys, fresh_keys, in.past_keys, sizes.past, out.present_keys);
  const Cached values(context, sizes.values, fresh_values, in.past_values, sizes.past,
                      out.present_values);
  if (!keys.outcome() || !values.outcome()) return {"a cache's output has another shape"};
  const FloatsOut results(out.out);
  const FloatsOut kept(out.scores == nullptr ? Tensor{} : *out.scores);
  const double scale = how.scale != 0 ? how.scale : 1 / std::sqrt(static_cast<double>(q.width));
  const VectorKernel& kernel = *context.kernels.vector;
  const Scoring scoring{kernel, static_cast<float>(scale), static_cast<float>(how.softcap),
                        sizes.all_keys()};
  const std::int64_t n = scoring.keys, width = sizes.values.width;
  Operand result = q;
  result.width = width;
  const auto to = result.rows_of(results.data());
  const Rows from = q.rows_of(queries.data());
  const auto attend = [&](std::int64_t row, float* scores, float* bias) {
    const std::int64_t i = row % q.rows, head = row / q.rows % q.heads,
                       sample = row / (q.rows * q.heads);
    const auto keep = [&](Attention::Scores which) {
      if (out.scores != nullptr && how.scores == which)
        std::copy_n(scores, n, kept.data() + row * n);
    };
    float* sum = to.at(sample, head, i);
    scoring.multiply(from.at(sample, head, i), q.width, keys.rows(), sample, head / sizes.group(),
                     scores);
    keep(Attention::Scores::products);
    scoring.cap(scores);
    keep(Attention::Scores::capped);
    const bool sees = masking.row(sample, head, i, bias);
    kernel.binary(Binary::add, Operands::both)(scores, bias, n, scores);
    keep(Attention::Scores::masked);
    if (sees) kernel.softmax_row(scores, n, scores);
    if (!sees) std::fill_n(scores, n, 0.0f);
    keep(Attention::Scores::shares);
    std::fill_n(sum, width, 0.0f);
    for (std::int64_t j = 0; j < n; ++j) {
      if (scores[j] == 0) continue;  // hidden: what lies there may be anything
      kernel.add_scaled(scores[j], values.rows().at(sample, head / sizes.group(), j), width, sum);
    }
  };
  split_rows(context.team, q.batch * q.heads * q.rows,
             n * (q.width + width) * static_cast<std::int64_t>(sizeof(float)),
             [&](std::int64_t begin, std::int64_t end) {
               std::vector<float> scores(static_cast<std::size_t>(n)), bias(scores.size());
               for (std::int64_t row = begin; row < end; ++row)
                 attend(row, scores.data(), bias.data());
             });
  if (out.scores != nullptr) {
    if (const Outcome ok = kept.finish(context); !ok) return ok;
  }
  return results.finish(context);
}

Outcome masked_softmax(const Context& context, const Visibility& visible, const ConstTensor& in,
                       const ConstTensor* mask, const Tensor& out) {
  if (!is_float(in.type) || in.type != out.type || in.shape != out.shape || in.shape.size() != 4) {
    return {"scores are not of 4 axes and one float type"};
  }
  Masking masking(context, visible, in.shape, mask, nullptr, 0);
  if (!masking.outcome()) return masking.outcome();
  const Floats values(context, in);
  const FloatsOut results(out);
  const VectorKernel& kernel = *context.kernels.vector;
  const std::int64_t n = in.shape[3], rows = in.shape[2], heads = in.shape[1];
  split_rows(
      context.team, n == 0 ? 0 : in.shape[0] * heads * rows,
      3 * n * static_cast<std::int64_t>(sizeof(float)), [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> bias(static_cast<std::size_t>(n));
        for (std::int64_t row = begin; row < end; ++row) {
          float* to = results.data() + row * n;
          const bool sees =
              masking.row(row / (rows * heads), row / rows % heads, row % rows, bias.data());
          kernel.binary(Binary::add, Operands::both)(values.data() + row * n, bias.data(), n, to);
          if (sees) kernel.softmax_row(to, n, to);
          if (!sees) std::fill_n(to, n, 0.0f);
        }
      });
  return results.finish(context);
}

Outcome rotary_embedding(const Context& context, const Rotary& how, const ConstTensor& in,
                         const ConstTensor& cosines, const ConstTensor& sines,
                         const ConstTensor* positions, const Tensor& out) {
  Operand x;
  if (!is_float(in.type) || in.type != out.type || in.shape != out.shape) {
    return {"input and output differ in type or shape"};
  }
  if (!describe(in.shape, how.heads, x)) return {"the heads do not divide the input's rows"};
  const std::int64_t width = how.width == 0 ? x.width : how.width, half = width / 2;
  if (width < 0 || width > x.width || width % 2 != 0) return {"the width that turns is not even"};
  const Shape& table = cosines.shape;
  const bool by_position = positions != nullptr;
  if (!is_float(cosines.type) || !is_float(sines.type) || table != sines.shape ||
      table.size() != (by_position ? 2u : 3u) || table.back() != half) {
    return {"cosines and sines do not fit the width that turns"};
  }
  if (by_position ? positions->shape != Shape{x.batch, x.rows}
                  : table[0] != x.batch || table[1] != x.rows) {
    return {"positions, or cosines, do not fit the input's rows"};
  }
  const Floats values(context, in), cos(context, cosines), sin(context, sines);
  const FloatsOut results(out);
  const Rows from = x.rows_of(values.data());
  const auto to = x.rows_of(results.data());
  const std::int64_t step = how.interleaved ? 2 : 1, apart = how.interleaved ? 1 : half;
  const auto turn = [&](std::int64_t i) {
    const std::int64_t row = i % x.rows, head = i / x.rows % x.heads,
                       sample = i / (x.rows * x.heads);
    std::int64_t place = sample * x.rows + row;
    if (by_position) place = load_one<std::int64_t>(*positions, place);
    const float* source = from.at(sample, head, row);
    float* target = to.at(sample, head, row);
    if (by_position && (place < 0 || place >= table[0])) return;
    for (std::int64_t j = 0; j < half; ++j) {
      const float a = source[j * step], b = source[j * step + apart];
      const float c = cos[place * half + j], s = sin[place * half + j];
      target[j * step] = a * c - b * s;
      target[j * step + apart] = a * s + b * c;
    }
    std::copy(source + width, source + x.width, target + width);
  };
  split_rows(context.team, x.batch * x.heads * x.rows,
             3 * x.width * static_cast<std::int64_t>(sizeof(float)),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) turn(i);
             });
  return results.finish(context);
}

}  // namespace batchtune::kernels::tensor
