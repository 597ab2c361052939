// Attention as three operations: a product of queries and keys with the scale in it, softmax, and a
// product with the values; a mask between stays what it is. Transposes and reshapes that only put
// heads next to each other disappear into where the products look for heads.
//
// Each product is looked at by itself, so that any mixture of the forms is found.
#include <algorithm>
#include <optional>
#include <utility>

#include "tuner/backend/imported/patterns.h"

namespace batchtune::imported {
namespace {

using Permutation = std::vector<std::int64_t>;

// An operand of a product, traced back over nodes that the product does without.
struct Side {
  int tensor = kLeftOut;
  bool heads_last = false;
  bool transposed = false;  // {columns, rows} of each head
  double scale = 1;
  // Where the tensor is one of several that lie side by side in the rows of `joined`: node whose
  // result it is, to be replaced by a slice.
  int pick = -1;
  int joined = kLeftOut;
  std::int64_t part = 0;
};

class Attention {
 public:
  explicit Attention(GraphEditor& edit) : edit_(edit) {}

  void run() {
    for (int i = 0; i < edit_.node_count(); ++i) make_product(i);
    for (int i = 0; i < edit_.node_count(); ++i) make_softmax(i);
    edit_.finish();
  }

 private:
  const GraphNode& node(int index) const { return edit_.node(index); }
  const Shape& sizes(int tensor) const { return edit_.tensor(tensor).shape->sizes; }
  // f32, with the batch as its first dimension and nothing else in that.
  bool is_batch_first(int tensor) const {
    const GraphTensor& one = edit_.tensor(tensor);
    return is_native_tensor(one) && one.shape->batch_axis == 0 && one.shape->sizes[0] == 1;
  }
  bool is_of_rank(int tensor, std::size_t rank) const {
    return tensor != kLeftOut && is_batch_first(tensor) && sizes(tensor).size() == rank;
  }

  // What a scale is multiplied to: the other operand, and the scale.
  std::optional<std::pair<int, double>> scaled(const GraphNode& one) const {
    const bool divides = is(one, "Div");
    if (!divides && !is(one, "Mul")) return std::nullopt;
    const auto found = with_constant(edit_, one);
    if (!found || found->value == 0 || (divides && found->constant_first)) return std::nullopt;
    if (edit_.tensor(found->other).shape != edit_.tensor(one.outputs[0]).shape) return std::nullopt;
    return std::pair(found->other, divides ? 1 / found->value : found->value);
  }

  // Over scales to the tensor before them.
  int without_scales(int tensor, double& scale) const {
    while (edit_.writer(tensor) >= 0) {
      const auto found = scaled(node(edit_.writer(tensor)));
      if (!found) break;
      tensor = found->first;
      scale *= found->second;
    }
    return tensor;
  }

  // Of {batch, rows, heads, columns} the tensor {batch, rows, heads * columns} that it is another
  // shape of.
  int rows_of(int tensor, double& scale) const {
    double more = 1;
    const int from = without_scales(tensor, more);
    const GraphNode* view = written_by(edit_, from, "Reshape");
    if (!view || !is_of_rank(from, 4) || !is_of_rank(view->inputs[0], 3)) return kLeftOut;
    const Shape &four = sizes(from), &three = sizes(view->inputs[0]);
    if (three[1] != four[1] || three[2] != four[2] * four[3]) return kLeftOut;
    scale *= more;
    return view->inputs[0];
  }

  // {batch, heads, rows, columns} picked from {parts, batch, heads, rows, columns}: the node that
  // picks, the tensor that it picks from, and which part.
  struct Pick {
    int node = -1, from = kLeftOut;
    std::int64_t part = 0;
  };
  std::optional<Pick> picked(int tensor) const {
    const int place = edit_.writer(tensor);
    if (place < 0) return std::nullopt;
    const GraphNode& one = node(place);
    if (is(one, "Gather") && integer(one, "axis", 0) == 0) {
      const auto part = constant(edit_, one.inputs[1]);
      if (!part) return std::nullopt;
      return Pick{place, one.inputs[0], static_cast<std::int64_t>(*part)};
    }
    if (!is(one, "Squeeze")) return std::nullopt;
    const GraphNode* split = written_by(edit_, one.inputs[0], "Split");
    if (!split || integer(*split, "axis", 0) != 0 || sizes(one.inputs[0])[0] != 1)
      return std::nullopt;
    const auto output = std::find(split->outputs.begin(), split->outputs.end(), one.inputs[0]);
    const bool each_is_one = std::ssize(split->outputs) == sizes(split->inputs[0])[0];
    if (!each_is_one) return std::nullopt;
    return Pick{place, split->inputs[0], output - split->outputs.begin()};
  }

  // Queries, keys and values from one product: {batch, rows, 3 * heads * columns} as
  // {batch, rows, 3, heads, columns}, transposed to {3, batch, heads, rows, columns}.
  void take_from_joined(Side& side) const {
    const auto pick = picked(side.tensor);
    if (!pick || edit_.tensor(pick->from).type != ElementType::f32) return;
    const GraphNode* moved = written_by(edit_, pick->from, "Transpose");
    if (!moved || integers(*moved, "perm") != Permutation{2, 0, 3, 1, 4}) return;
    const GraphNode* view = written_by(edit_, moved->inputs[0], "Reshape");
    if (!view || !is_of_rank(moved->inputs[0], 5) || !is_of_rank(view->inputs[0], 3)) return;
    const Shape &five = sizes(moved->inputs[0]), &three = sizes(view->inputs[0]);
    const std::int64_t part = pick->part < 0 ? pick->part + five[2] : pick->part;
    if (five[1] != three[1] || part < 0 || part >= five[2]) return;
    side.pick = pick->node;
    side.joined = view->inputs[0];
    side.part = part;
    side.heads_last = true;
  }

  // Whether the tensors from `from` back to `to`, over scales and transposes, are the product's
  // alone.
  bool is_alone(int from, int to) const {
    while (only_reader(edit_, from) >= 0) {
      if (from == to) return true;
      const GraphNode& one = node(edit_.writer(from));
      const auto before = scaled(one);
      from = before ? before->first : one.inputs[0];
    }
    return false;
  }

  // One node further back; false where the product needs it.
  bool step_back(Side& side, bool may_transpose) const {
    side.tensor = without_scales(side.tensor, side.scale);
    if (side.heads_last) return false;
    const GraphNode* moved = written_by(edit_, side.tensor, "Transpose");
    if (!moved) return false;
    const Permutation to = integers(*moved, "perm");
    const int from = moved->inputs[0];
    if (may_transpose && to == Permutation{0, 1, 3, 2}) {
      side.transposed = !side.transposed;
      side.tensor = from;
      return true;
    }
    const bool turns = to == Permutation{0, 2, 3, 1};  // {batch, rows, heads, columns} and both
    if (to != Permutation{0, 2, 1, 3} && !(turns && may_transpose)) return false;
    const int rows = rows_of(from, side.scale);
    if (rows == kLeftOut) return false;
    side.tensor = rows;
    side.heads_last = true;
    side.transposed = side.transposed != turns;
    return true;
  }

  Side trace(int tensor, bool may_transpose) const {
    Side side;
    side.tensor = tensor;
    while (step_back(side, may_transpose)) {
    }
    if (!side.heads_last && is_alone(tensor, side.tensor)) take_from_joined(side);
    return side;
  }

  // The tensor that the product is to read; makes the slice where there is one.
  int settled(const Side& side, std::int64_t columns) {
    if (side.pick < 0) return side.tensor;
    GraphTensor part = edit_.tensor(side.joined);
    part.name += ".part" + std::to_string(side.part);
    part.shape->sizes[2] = columns;
    const int tensor = edit_.add_tensor(std::move(part));
    GraphNode slice = make_node(kNative, "Slice", 1, {side.joined}, node(side.pick));
    slice.outputs = {tensor};
    slice.attributes["begin"] = side.part * columns;
    slice.attributes["end"] = (side.part + 1) * columns;
    edit_.replace(side.pick, std::move(slice));
    return tensor;
  }

  // The result: behind a scale, and with heads next to each other where they are put there.
  struct Result {
    int tensor = kLeftOut;
    bool heads_last = false;
    double scale = 1;
  };
  Result result(int product) const {
    Result out{product, false, 1};
    int reader = only_reader(edit_, product);
    while (reader >= 0) {
      const auto found = scaled(node(reader));
      if (!found || found->first != out.tensor) break;
      out.scale *= found->second;
      out.tensor = node(reader).outputs[0];
      reader = only_reader(edit_, out.tensor);
    }
    if (reader < 0 || sizes(out.tensor).size() != 4) return out;
    const GraphNode& moved = node(reader);
    if (!is(moved, "Transpose") || integers(moved, "perm") != Permutation{0, 2, 1, 3}) return out;
    reader = only_reader(edit_, moved.outputs[0]);
    if (reader < 0) return out;
    const GraphNode& view = node(reader);
    if (!is(view, "Reshape") || !is_of_rank(view.outputs[0], 3)) return out;
    const Shape &four = sizes(moved.outputs[0]), &three = sizes(view.outputs[0]);
    if (three[1] != four[1] || three[2] != four[2] * four[3]) return out;
    return {view.outputs[0], true, out.scale};
  }

  void make_product(int index) {
    const GraphNode one = node(index);
    if (!is(one, "MatMul")) return;
    const int a = one.inputs[0], b = one.inputs[1], c = one.outputs[0];
    for (const std::size_t rank : {3U, 4U})
      if (is_of_rank(a, rank) && is_of_rank(b, rank) && is_of_rank(c, rank)) {
        if (rank == 3) return make_single(index, one);
        if (sizes(a)[1] == sizes(b)[1]) return make_heads(index, one);
      }
  }

  GraphNode batched(const GraphNode& instead_of, std::vector<int> inputs, int output,
                    std::int64_t heads, double scale, bool transpose_b) {
    GraphNode made = make_node(kNative, "BatchedMatMul", 1, std::move(inputs), instead_of);
    made.outputs = {output};
    made.attributes["heads"] = heads;
    made.attributes["scale"] = scale;
    made.attributes["transpose_b"] = std::int64_t{transpose_b};
    return made;
  }

  // A product of matrices alone is one head, whose columns are the whole rows.
  void make_single(int index, const GraphNode& one) {
    double scale = 1;
    const int a = without_scales(one.inputs[0], scale);
    int b = without_scales(one.inputs[1], scale);
    const GraphNode* turned = written_by(edit_, b, "Transpose");
    const bool transposed = turned && integers(*turned, "perm") == Permutation{0, 2, 1};
    if (transposed) b = without_scales(turned->inputs[0], scale);
    if (!is_of_rank(a, 3) || !is_of_rank(b, 3)) return;
    const Result out = result(one.outputs[0]);
    GraphNode made = batched(one, {a, b}, out.tensor, 1, scale * out.scale, transposed);
    for (const char* where : {"a_heads_last", "b_heads_last", "out_heads_last"})
      made.attributes[where] = std::int64_t{1};
    put(index, std::move(made));
  }

  void make_heads(int index, const GraphNode& one) {
    const Shape of_a = sizes(one.inputs[0]), of_b = sizes(one.inputs[1]);
    const Side a = trace(one.inputs[0], false), b = trace(one.inputs[1], true);
    const Result out = result(one.outputs[0]);
    const int left = settled(a, of_a[1] * of_a[3]);
    const int right = settled(b, of_b[1] * of_b[b.transposed ? 2 : 3]);
    GraphNode made = batched(one, {left, right}, out.tensor, of_a[1], a.scale * b.scale * out.scale,
                             b.transposed);
    made.attributes["a_heads_last"] = std::int64_t{a.heads_last};
    made.attributes["b_heads_last"] = std::int64_t{b.heads_last};
    made.attributes["out_heads_last"] = std::int64_t{out.heads_last};
    put(index, std::move(made));
  }

  // The product takes the place of the first of its nodes; what wrote its result goes.
  void put(int index, GraphNode made) {
    const int last = edit_.writer(made.outputs[0]);
    if (last != index) edit_.remove(last);
    edit_.replace(index, std::move(made));
  }

  // Over the last dimension; a scale before it goes into it.
  void make_softmax(int index) {
    const GraphNode one = node(index);
    if (!is(one, "Softmax")) return;
    const int out = one.outputs[0];
    if (!is_native_tensor(edit_.tensor(one.inputs[0])) || !is_native_tensor(edit_.tensor(out)))
      return;
    const BatchedShape& shape = *edit_.tensor(out).shape;
    const auto last = static_cast<std::int64_t>(shape.sizes.size()) - 1;
    const std::int64_t axis = integer(one, "axis", one.opset < 13 ? 1 : -1);
    if ((axis != -1 && axis != last) || shape.batch_axis == last) return;
    double scale = 1;
    const int in = without_scales(one.inputs[0], scale);
    if (!is_native_tensor(edit_.tensor(in))) return;
    GraphNode made = make_node(kNative, "Softmax", 1, {in}, one);
    made.attributes["scale"] = scale;
    edit_.replace(index, std::move(made));
  }

  GraphEditor& edit_;
};

}  // namespace

void recognise_attention(GraphEditor& edit) {
  Attention(edit).run();
}

}  // namespace batchtune::imported
