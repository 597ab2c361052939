// Transformers' subgraphs recognised, as exporters write them: passes of passes.h's kind, in this
// order, between folding and fusing. Each first makes ONNX's own operation of the nodes (Gelu,
// LayerNormalization), which any type can be computed with, then the native one where it can be
// had. Internal to this folder.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "tuner/backend/imported/graph_edit.h"

namespace batchtune::imported {

// expand_attention.cpp: ONNX's Attention as products, a softmax and what puts heads in order.
void expand_attention(GraphEditor& edit);

// patterns_products.cpp: Gemm between two Reshapes, as a MatMul and an Add of the rows as they are.
void recognise_products(GraphEditor& edit);

// patterns_activations.cpp: GELU with erf and with tanh, SiLU, HardSwish, Mish, in whatever order
// their factors come; both forms of GELU, and SiLU, become native activations.
void recognise_activations(GraphEditor& edit);

// patterns_norms.cpp: LayerNormalization and RMSNormalization from ReduceMean, Sub, Pow, Sqrt, Div
// and so on; with constant gains over the last dimension they become native.
void recognise_norms(GraphEditor& edit);

// patterns_attention.cpp: products of activations with scales, the transposes around them that only
// tell heads apart, and softmax.
void recognise_attention(GraphEditor& edit);

// ---- what they share ----

// f32 of a batch of samples, none empty: what native operations compute with.
bool is_native_tensor(const GraphTensor& tensor);

// The node that writes `tensor`, where it is ONNX's `op_type`; nullptr else.
const GraphNode* written_by(const GraphEditor& edit, int tensor, std::string_view op_type);

// Value of a constant of one number; nullopt for any other tensor.
std::optional<double> constant(const GraphEditor& edit, int tensor);

// Of a node of two inputs of which one is such a constant: that, and the other one.
struct WithConstant {
  double value = 0;
  int other = kLeftOut;
  bool constant_first = false;
};
std::optional<WithConstant> with_constant(const GraphEditor& edit, const GraphNode& node);

// The one node that reads `tensor`, once; -1: it is an output, or there are others. Nodes whose
// results are numbers that are known (Shape, for the target of a Reshape) read nothing in a run.
int only_reader(const GraphEditor& edit, int tensor);

// A node in place of the one whose outputs it writes.
GraphNode make_node(std::string domain, std::string op_type, std::int64_t opset,
                    std::vector<int> inputs, const GraphNode& instead_of);

// A polynomial in x and y: of[i][j] belongs to x^i y^j. Equal forms of a formula have equal ones,
// whichever way an exporter writes it.
struct Polynomial {
  static constexpr std::size_t kPowersOfX = 5, kPowersOfY = 2;
  std::array<std::array<double, kPowersOfY>, kPowersOfX> of{};
};
Polynomial polynomial(std::initializer_list<double> of_x, std::initializer_list<double> of_xy = {});
// Equal but for the rounding of constants to f32, or to f16 and back.
bool is_close(const Polynomial& a, const Polynomial& b);

// The tensor as a polynomial in the tensors x and y (kLeftOut: in x alone), from what Add, Sub,
// Mul, Div by a constant, Neg and Pow with 2 or 3 make of them; nullopt where it is none.
std::optional<Polynomial> as_polynomial(const GraphEditor& edit, int tensor, int x, int y);

}  // namespace batchtune::imported
