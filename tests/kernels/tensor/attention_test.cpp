// Attention and the rotary embedding against the definitions, place by place in double.
#include "kernels/tensor/attention.h"

#include <algorithm>

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr double kHidden = -std::numeric_limits<double>::infinity();

struct Case {
  std::int64_t batch = 2, heads = 4, key_heads = 4, queries = 5, keys = 7, past = 0;
  Attention how = {};
  std::int64_t mask_keys = 0;  // of a mask of so many; 0: none
  bool mask_is_boolean = false;
  bool lengths = false;
  bool side_by_side = false;
};
constexpr std::int64_t kWidth = 6, kValueWidth = 3;

struct Data {
  Values<float> q, k, v, past_k, past_v, mask;
  Values<std::uint8_t> seen;
  Values<std::int64_t> lengths;
};

Data data_of(const Case& c) {
  Values<std::uint8_t> seen = booleans(
      {1, c.heads, c.queries, c.mask_keys},
      std::vector<std::uint8_t>(static_cast<std::size_t>(c.heads * c.queries * c.mask_keys)));
  for (std::size_t i = 0; i < seen.data.size(); ++i) seen.data[i] = i * 7 % 3 != 0;
  for (std::int64_t j = 0; j < c.mask_keys; ++j) seen.at({0, 1, 2, j}) = 0;  // sees nothing
  Values<std::int64_t> lengths({c.batch},
                               std::vector<std::int64_t>(static_cast<std::size_t>(c.batch)));
  for (std::int64_t b = 0; b < c.batch; ++b) lengths.at({b}) = std::min(c.keys, 3 + 2 * b);
  return {numbers({c.batch, c.heads, c.queries, kWidth}, 1),
          numbers({c.batch, c.key_heads, c.keys, kWidth}, 2),
          numbers({c.batch, c.key_heads, c.keys, kValueWidth}, 3),
          numbers({c.batch, c.key_heads, c.past, kWidth}, 4),
          numbers({c.batch, c.key_heads, c.past, kValueWidth}, 5),
          numbers({c.batch, 1, 1, c.mask_keys}, 6),
          seen,
          lengths};
}

double bias_of(const Case& c, const Data& d, const Shape& place) {
  const std::int64_t b = place[0], i = place[2], j = place[3];
  double bias = 0;
  if (c.mask_keys > 0 && j >= c.mask_keys) return kHidden;
  if (c.mask_keys > 0 && c.mask_is_boolean && d.seen.at({0, place[1], i, j}) == 0) return kHidden;
  if (c.mask_keys > 0 && !c.mask_is_boolean) bias = static_cast<double>(d.mask.at({b, 0, 0, j}));
  const std::int64_t offset = c.lengths ? d.lengths.at({b}) - c.queries : c.past;
  const Visibility& v = c.how.visible;
  if (c.lengths && j >= d.lengths.at({b})) return kHidden;
  if (v.causal && j > i + offset) return kHidden;
  if (v.left_window >= 0 && j < i + offset - v.left_window) return kHidden;
  if (v.right_window >= 0 && j > i + offset + v.right_window) return kHidden;
  return bias;
}

// As whole tensors: output, and the scores that were asked for.
std::pair<Values<float>, Values<float>> defined(const Case& c, const Data& d) {
  const std::int64_t all = c.past + c.keys;
  Values<float> out({c.batch, c.heads, c.queries, kValueWidth}),
      kept({c.batch, c.heads, c.queries, all});
  for_places({c.batch, c.heads, c.queries}, [&](const Shape& p) {
    const std::int64_t head = p[1] / (c.heads / c.key_heads);
    const auto row = [&](const Values<float>& past, const Values<float>& fresh, std::int64_t j,
                         std::int64_t x) {
      return static_cast<double>(j < c.past ? past.at({p[0], head, j, x})
                                            : fresh.at({p[0], head, j - c.past, x}));
    };
    const double scale =
        c.how.scale != 0 ? c.how.scale : 1 / std::sqrt(static_cast<double>(kWidth));
    std::vector<double> shares, biases;
    double largest = kHidden, sum = 0;
    for (std::int64_t j = 0; j < all; ++j) {
      double score = 0;
      for (std::int64_t x = 0; x < kWidth; ++x)
        score += static_cast<double>(d.q.at({p[0], p[1], p[2], x})) * row(d.past_k, d.k, j, x);
      score *= scale;
      const double product = score;
      if (c.how.softcap > 0) score = c.how.softcap * std::tanh(score / c.how.softcap);
      biases.push_back(bias_of(c, d, {p[0], p[1], p[2], j}));
      using Scores = Attention::Scores;
      const double wanted = c.how.scores == Scores::products ? product
                            : c.how.scores == Scores::capped ? score
                                                             : score + biases.back();
      kept.at({p[0], p[1], p[2], j}) = static_cast<float>(wanted);
      shares.push_back(score + biases.back());
      largest = std::max(largest, shares.back());
    }
    for (double& share : shares) sum += share = largest == kHidden ? 0 : std::exp(share - largest);
    for (std::int64_t j = 0; j < all; ++j) {
      double& share = shares[static_cast<std::size_t>(j)];
      share = sum == 0 ? 0 : share / sum;
      if (c.how.scores == Attention::Scores::shares)
        kept.at({p[0], p[1], p[2], j}) = static_cast<float>(share);
    }
    for (std::int64_t x = 0; x < kValueWidth; ++x) {
      double value = 0;
      for (std::int64_t j = 0; j < all; ++j)
        value += shares[static_cast<std::size_t>(j)] * row(d.past_v, d.v, j, x);
      out.at({p[0], p[1], p[2], x}) = static_cast<float>(value);
    }
  });
  return {std::move(out), std::move(kept)};
}

// {batch, heads, rows, width} as {batch, rows, heads * width}.
Values<float> rows_of(const Values<float>& in) {
  Values<float> out({in.shape[0], in.shape[2], in.shape[1] * in.shape[3]});
  for_places(in.shape, [&](const Shape& p) {
    out.at({p[0], p[2], p[1] * in.shape[3] + p[3]}) = in.at(p);
  });
  return out;
}

void check(Case c) {
  const Data d = data_of(c);
  const auto [right, scores] = defined(c, d);
  const Values<float> q = c.side_by_side ? rows_of(d.q) : d.q,
                      k = c.side_by_side ? rows_of(d.k) : d.k,
                      v = c.side_by_side ? rows_of(d.v) : d.v;
  const Values<float> expected = c.side_by_side ? rows_of(right) : right;
  if (c.side_by_side) c.how.query_heads = c.heads, c.how.key_heads = c.key_heads;
  const ConstTensor mask = c.mask_is_boolean ? d.seen.in() : d.mask.in();
  const ConstTensor past_k = d.past_k.in(), past_v = d.past_v.in(), lengths = d.lengths.in();
  on_all([&](const Context& context) {
    const std::int64_t all = c.past + c.keys;
    Values<float> out(expected.shape), kept(scores.shape),
        present({c.batch, c.key_heads, all, kValueWidth});
    const Tensor to_kept = kept.out(), to_present = present.out();
    const Outcome done = attention(
        context, c.how,
        {q.in(), k.in(), v.in(), c.mask_keys > 0 ? &mask : nullptr, c.past > 0 ? &past_k : nullptr,
         c.past > 0 ? &past_v : nullptr, c.lengths ? &lengths : nullptr},
        {out.out(), nullptr, &to_present, &to_kept});
    CAPTURE(done.why);
    REQUIRE(done);
    check_near(out, expected);
    check_near(kept, scores);
    CHECK(present.at({1, 1, c.past, 2}) == d.v.at({1, 1, 0, 2}));
    if (c.past > 0) CHECK(present.at({1, 1, 0, 1}) == d.past_v.at({1, 1, 0, 1}));
  });
}

}  // namespace

TEST_CASE("attention is its definition: heads of both orders, shared keys, scales",
          "[kernels][tensor]") {
  for (const bool side_by_side : {false, true}) {
    check({.side_by_side = side_by_side});
    check({.key_heads = 2, .how = {.scale = 0.3}, .side_by_side = side_by_side});
    check({.past = 3,
           .how = {.softcap = 0.5, .scores = Attention::Scores::capped},
           .side_by_side = side_by_side});
  }
}

TEST_CASE("keys are hidden by masks, their own place, windows and lengths", "[kernels][tensor]") {
  const Attention causal{.visible = {.causal = true}, .scores = Attention::Scores::masked};
  check({.how = causal});
  check({.past = 2, .how = causal});
  check({.how = causal, .lengths = true});  // of the first sample fewer than queries
  check({.how = {.visible = {false, 1, 2}}});
  check({.how = {.visible = {true, 2, -1}, .scores = Attention::Scores::shares}, .lengths = true});
  check({.mask_keys = 7});
  check({.past = 2, .mask_keys = 4});  // what is missing is hidden
  check({.how = {.scores = Attention::Scores::shares}, .mask_keys = 7, .mask_is_boolean = true});
  check({.how = causal, .mask_keys = 5, .mask_is_boolean = true});
}

TEST_CASE("softmax under a mask is the middle of attention, in place as well",
          "[kernels][tensor]") {
  const Case c{.how = {.visible = {.causal = true}}, .mask_keys = 7, .mask_is_boolean = true};
  const Data d = data_of(c);
  Case products = c, shares = c;
  products.how.scores = Attention::Scores::products;
  shares.how.scores = Attention::Scores::shares;
  const Values<float> right = defined(shares, d).second;
  const ConstTensor mask = d.seen.in();
  on_all([&](const Context& context) {
    Values<float> scores = defined(products, d).second;
    REQUIRE(masked_softmax(context, c.how.visible, scores.in(), &mask, scores.out()));
    check_near(scores, right);
  });
}

TEST_CASE("attention refuses what does not fit", "[kernels][tensor]") {
  Team team;
  const Values<float> q({1, 2, 3, 4}, std::vector<float>(24)),
      k({1, 2, 5, 4}, std::vector<float>(40));
  Values<float> out({1, 2, 3, 4});
  CHECK(attention(team, {}, {q.in(), k.in(), k.in()}, {out.out()}));
  const Values<float> other({1, 2, 4, 4}, std::vector<float>(32)),
      three({1, 3, 5, 4}, std::vector<float>(60));
  CHECK_FALSE(attention(team, {}, {q.in(), k.in(), other.in()}, {out.out()}));
  CHECK_FALSE(attention(team, {}, {q.in(), three.in(), three.in()}, {out.out()}));
  const ConstTensor mask = other.in();
  CHECK_FALSE(attention(team, {}, {q.in(), k.in(), k.in(), &mask}, {out.out()}));
  const Values<float> rows({1, 3, 8}, std::vector<float>(24));
  CHECK_FALSE(attention(team, {.query_heads = 3}, {rows.in(), rows.in(), rows.in()}, {out.out()}));
}

TEST_CASE("pairs turn by their angle: halves and neighbours, all of a head or its beginning",
          "[kernels][tensor]") {
  constexpr std::int64_t kBatch = 2, kHeads = 3, kRows = 4, kHead = 10, kPositions = 9;
  for (const bool interleaved : {false, true})
    for (const std::int64_t width : {std::int64_t{0}, std::int64_t{6}})
      for (const bool by_position : {false, true}) {
        const std::int64_t turned = width == 0 ? kHead : width, half = turned / 2;
        const Values<float> x = numbers({kBatch, kHeads, kRows, kHead}, 1);
        const Shape table = by_position ? Shape{kPositions, half} : Shape{kBatch, kRows, half};
        const Values<float> cos = numbers(table, 2), sin = numbers(table, 3);
        Values<std::int64_t> positions =
            whole_numbers<std::int64_t>({kBatch, kRows}, 4, 0, kPositions - 1);
        Values<float> right = x;
        for_places({kBatch, kHeads, kRows, half}, [&](const Shape& p) {
          const std::int64_t j = p[3], first = interleaved ? 2 * j : j,
                             second = interleaved ? first + 1 : j + half;
          const Shape at =
              by_position ? Shape{positions.at({p[0], p[2]}), j} : Shape{p[0], p[2], j};
          const float a = x.at({p[0], p[1], p[2], first}), b = x.at({p[0], p[1], p[2], second});
          right.at({p[0], p[1], p[2], first}) = a * cos.at(at) - b * sin.at(at);
          right.at({p[0], p[1], p[2], second}) = a * sin.at(at) + b * cos.at(at);
        });
        const ConstTensor places = positions.in();
        const ConstTensor* given = by_position ? &places : nullptr;
        on_all([&](const Context& context) {
          const Rotary how{.width = width, .interleaved = interleaved};
          Values<float> out(x.shape);
          REQUIRE(rotary_embedding(context, how, x.in(), cos.in(), sin.in(), given, out.out()));
          check_near(out, right);
          const Values<float> rows = rows_of(x);
          Values<float> flat(rows.shape);
          const Rotary side_by_side{kHeads, width, interleaved};
          REQUIRE(rotary_embedding(context, side_by_side, rows.in(), cos.in(), sin.in(), given,
                                   flat.out()));
          check_near(flat, rows_of(right));
        });
      }
}

}  // namespace batchtune::kernels::tensor
