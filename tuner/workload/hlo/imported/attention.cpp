// Attention as one node, and the rotary embedding before it. What they mean:
// kernels/tensor/attention.h.
#include <cmath>

#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {
namespace {

// [batch, heads, rows, width] of an operand that is that, or [batch, rows, heads * width]; nullopt
// where the heads do not divide its rows.
std::optional<Value> with_heads(NodeWriter& n, const Value& x, std::int64_t heads) {
  if (x.shape.size() == 4) return x;
  if (x.shape.size() != 3 || heads < 1 || x.shape[2] % heads != 0) return std::nullopt;
  const Shape apart = {x.shape[0], x.shape[1], heads, x.shape[2] / heads};
  return n.w().transposed(n.w().reshaped(x, apart), {0, 2, 1, 3});
}

// Back to where they lay in an operand of that rank.
Value without_heads(NodeWriter& n, const Value& x, std::size_t rank) {
  if (rank == 4) return x;
  const Value rows = n.w().transposed(x, {0, 2, 1, 3});
  return n.w().reshaped(rows, {x.shape[0], x.shape[2], x.shape[1] * x.shape[3]});
}

// Behind those of a cache.
Value behind_past(NodeWriter& n, const Value& fresh, std::size_t past) {
  return n.has(past) ? n.w().concatenated({n.in(past), fresh}, 2) : fresh;
}

// Heads of keys and values once for each of the queries' heads that share them.
Value for_queries(NodeWriter& n, const Value& x, std::int64_t heads) {
  Numbers whose;
  for (std::int64_t i = 0; i < heads; ++i) whose.push_back(i / (heads / x.shape[1]));
  return n.taken(x, 1, whose);
}

// Which keys a query sees.
class Visible {
 public:
  Visible(NodeWriter& n, Shape scores) : n_(n), scores_(std::move(scores)) {}

  void hide_unless(const Formula& seen) { seen_ = seen_ ? seen_->with("and", seen) : seen; }
  const std::optional<Formula>& seen() const { return seen_; }

  Formula keys() { return n_.formula(n_.w().numbered(scores_, 3)); }

  // Windows before and behind a query's own place.
  void hide_by_place(const Formula& place) {
    const std::int64_t left = n_.integer("left_window_size", -1);
    const std::int64_t right = n_.integer("right_window_size", -1);
    if (n_.integer("is_causal", 0) != 0) hide_unless(keys().is("LE", place));
    if (right >= 0) hide_unless(keys().is("LE", place + static_cast<double>(right)));
    if (left >= 0) hide_unless(keys().is("GE", place - static_cast<double>(left)));
  }

 private:
  NodeWriter& n_;
  Shape scores_;
  std::optional<Formula> seen_;
};

constexpr std::size_t kMask = 3, kPastKeys = 4, kPastValues = 5, kLengths = 6;

// The scores with what a mask of floats adds to them.
Formula mask(NodeWriter& n, const Formula& scores, Visible& visible, std::int64_t past) {
  const Shape& shape = scores.value().shape;
  Formula masked = scores;
  Formula place = n.formula(n.w().numbered(shape, 2)) + static_cast<double>(past);
  if (n.has(kLengths)) {
    const Value lengths = n.w().converted(n.in(kLengths), HloElement::s32);
    const Formula of_sample =
        n.formula(n.spread_along(n.w().reshaped(lengths, {shape[0]}), 0, shape));
    visible.hide_unless(visible.keys().is("LT", of_sample));
    if (!n.has(kPastKeys)) place = place + of_sample - static_cast<double>(shape[2]);
  }
  visible.hide_by_place(place);
  if (!n.has(kMask)) return masked;
  Value given = n.in(kMask);
  const std::int64_t missing = shape[3] - given.shape.back();
  if (missing > 0) {  // hidden
    Dims none(given.shape.size(), 0), behind = none;
    behind.back() = missing;
    visible.hide_unless(visible.keys().is("LT", static_cast<double>(given.shape.back())));
    given = n.w().padded(given, n.w().constant(given.element, 0), none, behind);
  }
  const Formula everywhere = n.formula(n.spread(given, shape));
  if (given.element == HloElement::pred)
    visible.hide_unless(everywhere);
  else
    masked = masked + n.formula(n.wide(everywhere.value()));
  return masked;
}

// Of each row; of one that sees nothing, zeros.
Formula shares(NodeWriter& n, const Formula& scores) {
  const Shape& shape = scores.value().shape;
  const auto along = [&](const Value& x) { return n.formula(n.spread(x, shape)); };
  const Formula largest =
      along(most(n.formula(n.folded(Fold::maximum, scores.value(), {3})), -1e38).value());
  const Formula powers = (scores - largest).of("exponential");
  const Formula sum = along(n.folded(Fold::sum, powers.value(), {3}));
  return sum.is("GT", 0).choose(powers / sum, powers);
}

Written attention(NodeWriter& n) {
  const std::int64_t key_heads = n.integer("kv_num_heads", 0);
  const auto queries = with_heads(n, n.in(0), n.integer("q_num_heads", 0));
  const auto fresh_keys = with_heads(n, n.in(1), key_heads);
  const auto fresh_values = with_heads(n, n.in(2), key_heads);
  if (!queries || !fresh_keys || !fresh_values)
    return not_written("heads that do not divide the operands' rows");
  const Value keys = behind_past(n, *fresh_keys, kPastKeys);
  const Value values = behind_past(n, *fresh_values, kPastValues);
  const std::int64_t heads = queries->shape[1];
  if (keys.shape[1] < 1 || heads % keys.shape[1] != 0)
    return not_written("heads of keys that do not divide those of queries");
  const double width = static_cast<double>(queries->shape[3]), asked = n.number("scale", 0);
  const Value products =
      n.w().dot(*queries, for_queries(n, keys, heads),
                {.left_batch = {0, 1}, .right_batch = {0, 1}, .left_inner = 3, .right_inner = 3});
  const Formula scaled = n.formula(n.wide(products)) * (asked != 0 ? asked : 1 / std::sqrt(width));
  const double cap = n.number("softcap", 0);
  const Formula capped = cap == 0 ? scaled : (scaled / cap).of("tanh") * cap;
  Visible visible(n, products.shape);
  Formula masked = mask(n, capped, visible, keys.shape[2] - fresh_keys->shape[2]);
  if (visible.seen())
    masked = visible.seen()->choose(masked, masked.all(least_of(HloElement::f32)));
  const Formula weights = shares(n, masked);
  const Value narrow = n.w().converted(weights.value(), values.element);
  const Value result =
      n.w().dot(narrow, for_queries(n, values, heads),
                {.left_batch = {0, 1}, .right_batch = {0, 1}, .left_inner = 3, .right_inner = 2});
  const Formula kept[] = {scaled, capped, masked, weights};
  const std::int64_t mode = n.integer("qk_matmul_output_mode", 0);
  if (mode < 0 || mode >= std::ssize(kept)) return not_written("that qk_matmul_output_mode");
  return Outputs(std::vector<Value>{without_heads(n, result, n.shape().size()), keys, values,
                                    kept[static_cast<std::size_t>(mode)].value()});
}

// Cosines or sines [batch, rows, half]: as they are, or picked from a table by positions.
Value of_places(NodeWriter& n, std::size_t i) {
  if (!n.has(3)) return n.in(i);
  return n.w().rows(n.in(i), n.w().converted(n.in(3), HloElement::s32));
}

// Elements [begin, begin + step * count) of each row, `step` apart.
Formula part(NodeWriter& n, const Value& x, std::int64_t begin, std::int64_t count,
             std::int64_t step) {
  const std::int64_t end = begin + (count - 1) * step + 1;
  return n.formula(n.wide(n.w().sliced(x, 3, begin, end, step)));
}

// Pairs (x, y) turned by an angle: next to each other, or half the width apart.
Written rotary_embedding(NodeWriter& n) {
  const auto x = with_heads(n, n.in(), n.integer("num_heads", 0));
  if (!x) return not_written("heads that do not divide the input's rows");
  const std::int64_t asked = n.integer("rotary_embedding_dim", 0);
  const std::int64_t width = asked == 0 ? x->shape[3] : asked, half = width / 2;
  if (width < 2 || width > x->shape[3] || width % 2 != 0)
    return not_written("a width to turn that is not even");
  const bool next = n.integer("interleaved", 0) != 0;
  const std::int64_t step = next ? 2 : 1;
  const Formula a = part(n, *x, 0, half, step), b = part(n, *x, next ? 1 : half, half, step);
  const Shape shape = a.value().shape;
  const auto for_heads = [&](std::size_t i) {
    const Value table = n.wide(of_places(n, i));
    return n.formula(n.w().broadcast(table, shape, {0, 2, 3}));
  };
  const Formula cosines = for_heads(1), sines = for_heads(2);
  const Value first = (a * cosines - b * sines).value(), second = (a * sines + b * cosines).value();
  Value turned;
  if (next) {
    Shape column = shape;
    column.push_back(1);
    Shape together = shape;
    together[3] = width;
    turned = n.w().reshaped(
        n.w().concatenated({n.w().reshaped(first, column), n.w().reshaped(second, column)}, 4),
        together);
  } else {
    turned = n.w().concatenated({first, second}, 3);
  }
  turned = n.narrow(turned);
  if (width < x->shape[3])
    turned = n.w().concatenated({turned, n.w().sliced(*x, 3, width, x->shape[3])}, 3);
  return without_heads(n, turned, n.shape().size());
}

constexpr NodeRow kRows[] = {
    {"", "Attention", attention},
    {"", "RotaryEmbedding", rotary_embedding},
};

}  // namespace

std::span<const NodeRow> attention_rows() {
  return kRows;
}

}  // namespace batchtune::hlo
