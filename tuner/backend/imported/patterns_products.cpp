// Gemm takes two dimensions, so exporters put a Reshape before and one behind it where there are
// more (Conv1D of GPT-2). As a MatMul of the rows as they are, what follows can go into it.
#include <algorithm>

#include "tuner/backend/imported/patterns.h"

namespace batchtune::imported {
namespace {

class Products {
 public:
  explicit Products(GraphEditor& edit) : edit_(edit) {}

  void run() {
    for (int i = 0; i < edit_.node_count(); ++i) unfold(i);
    edit_.finish();
  }

 private:
  const GraphTensor& tensor(int index) const { return edit_.tensor(index); }
  bool is_constant_f32(int index) const {
    return edit_.has_value(index) && tensor(index).type == ElementType::f32;
  }

  // A product of constants [K, N] or [N, K] and [N], with nothing multiplied to it.
  bool is_plain(const GraphNode& gemm) const {
    if (!is(gemm, "Gemm") || !is_constant_f32(gemm.inputs[1])) return false;
    if (integer(gemm, "transA", 0) != 0 || number(gemm, "alpha", 1) != 1) return false;
    if (!has_input(gemm, 2)) return true;
    if (!is_constant_f32(gemm.inputs[2]) || number(gemm, "beta", 1) != 1) return false;
    const Shape& bias = tensor(gemm.inputs[2]).shape->sizes;
    const auto& out = tensor(gemm.outputs[0]).shape;
    return out && !bias.empty() && elements(bias) == bias.back() &&
           bias.back() == out->sizes.back();
  }

  // Whether `out` has the dimensions of `in`, but for the last.
  bool same_rows(int in, int out) const {
    const auto &a = tensor(in).shape, &b = tensor(out).shape;
    if (!a || !b || a->sizes.size() != b->sizes.size() || a->sizes.size() < 3) return false;
    return a->batch_axis == b->batch_axis && a->batch_axis + 1 != std::ssize(a->sizes) &&
           std::equal(a->sizes.begin(), a->sizes.end() - 1, b->sizes.begin());
  }

  // [K, N], turned where the node has it as [N, K].
  int matrix_of(const GraphNode& gemm) {
    const int weights = gemm.inputs[1];
    if (integer(gemm, "transB", 0) == 0) return weights;
    const std::vector<float> values = *floats(tensor(weights));
    const std::int64_t n = tensor(weights).shape->sizes[0], k = tensor(weights).shape->sizes[1];
    std::vector<float> turned(values.size());
    for (std::int64_t row = 0; row < n; ++row)
      for (std::int64_t i = 0; i < k; ++i)
        turned[static_cast<std::size_t>(i * n + row)] =
            values[static_cast<std::size_t>(row * k + i)];
    return edit_.add_floats(tensor(weights).name + " turned", {k, n}, turned);
  }

  void unfold(int index) {
    const GraphNode gemm = edit_.node(index);
    if (!is_plain(gemm)) return;
    const GraphNode* flat = written_by(edit_, gemm.inputs[0], "Reshape");
    const int after = only_reader(edit_, gemm.outputs[0]);
    if (!flat || after < 0 || !is(edit_.node(after), "Reshape")) return;
    const int in = flat->inputs[0];
    const GraphNode view = edit_.node(after);
    const auto& rows = tensor(gemm.inputs[0]).shape;
    if (view.inputs[0] != gemm.outputs[0] || !same_rows(in, view.outputs[0]) || !rows ||
        rows->sizes.back() != tensor(in).shape->sizes.back())
      return;
    GraphNode product = make_node("", "MatMul", 13, {in, matrix_of(gemm)}, gemm);
    if (!has_input(gemm, 2)) {
      product.outputs = view.outputs;
      edit_.remove(after);
      return edit_.replace(index, std::move(product));
    }
    GraphTensor sum = tensor(view.outputs[0]);
    sum.name += " before bias";
    product.outputs = {edit_.add_tensor(std::move(sum))};
    const int before_bias = product.outputs[0];
    edit_.replace(index, std::move(product));
    edit_.replace(after, make_node("", "Add", 14, {before_bias, gemm.inputs[2]}, view));
  }

  GraphEditor& edit_;
};

}  // namespace

void recognise_products(GraphEditor& edit) {
  Products(edit).run();
}

}  // namespace batchtune::imported
