// What passes and calls take for granted of a node. Rules of shapes have asked for most of it when
// the file was read, but not of nodes whose shapes the file declares instead.
#include <algorithm>

#include "tuner/backend/imported/passes.h"

namespace batchtune::imported {
namespace {

constexpr std::string_view kThree[] = {"Attention",
                                       "GRU",
                                       "GroupNormalization",
                                       "InstanceNormalization",
                                       "LSTM",
                                       "OneHot",
                                       "RNN",
                                       "Range",
                                       "RotaryEmbedding",
                                       "Scatter",
                                       "ScatterElements",
                                       "ScatterND",
                                       "Where"};
constexpr std::string_view kTwo[] = {"Add",
                                     "And",
                                     "BitShift",
                                     "BitwiseAnd",
                                     "BitwiseOr",
                                     "BitwiseXor",
                                     "CastLike",
                                     "Conv",
                                     "ConvInteger",
                                     "ConvTranspose",
                                     "CumProd",
                                     "CumSum",
                                     "DequantizeLinear",
                                     "Div",
                                     "Equal",
                                     "Expand",
                                     "Gather",
                                     "GatherElements",
                                     "GatherND",
                                     "Gemm",
                                     "Greater",
                                     "GreaterOrEqual",
                                     "GridSample",
                                     "LayerNormalization",
                                     "Less",
                                     "LessOrEqual",
                                     "MatMul",
                                     "MatMulInteger",
                                     "MaxUnpool",
                                     "Mod",
                                     "Mul",
                                     "Or",
                                     "PRelu",
                                     "Pow",
                                     "QuantizeLinear",
                                     "RMSNormalization",
                                     "ReverseSequence",
                                     "SkipLayerNormalization",
                                     "Sub",
                                     "Tile",
                                     "Xor"};
constexpr std::string_view kNone[] = {"Constant", "RandomNormal", "RandomUniform"};

template <typename Names>
bool is_one_of(const std::string& name, const Names& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::size_t least_inputs(const std::string& op) {
  if (op == "QLinearConv" || op == "QLinearMatMul" || op == "QLinearAdd" || op == "QLinearMul")
    return 8;
  if (op == "QGemm") return 6;
  if (op.starts_with("QLinear")) return 5;
  if (op == "BatchNormalization") return 5;
  if (is_one_of(op, kThree)) return 3;
  if (is_one_of(op, kTwo)) return 2;
  return is_one_of(op, kNone) ? 0 : 1;
}

}  // namespace

bool is_sound(const GraphNode& node) {
  // The whole sequence may be left out, and the last state taken alone.
  const bool recurs = is(node, "GRU") || is(node, "LSTM") || is(node, "RNN");
  const std::size_t made =
      node.outputs.size() -
      static_cast<std::size_t>(std::count(node.outputs.begin(), node.outputs.end(), kLeftOut));
  if (made == 0 || (node.outputs[0] == kLeftOut && !recurs)) return false;
  const bool known = node.domain.empty() || node.domain == "com.microsoft";
  for (std::size_t i = 0; known && i < least_inputs(node.op_type); ++i)
    if (!has_input(node, i)) return false;
  // The rest of these is as many as there are.
  const bool lists = node.op_type == "Concat" || node.op_type == "Sum" || node.op_type == "Max" ||
                     node.op_type == "Min" || node.op_type == "Mean" || node.op_type == "Einsum" ||
                     node.op_type == "QLinearConcat";
  return !lists || std::count(node.inputs.begin(), node.inputs.end(), kLeftOut) == 0;
}

}  // namespace batchtune::imported
