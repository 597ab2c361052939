#include "tuner/workload/onnx/operations.h"

#include <algorithm>

namespace batchtune::onnx_file {
namespace {

// By name within each group. An operation that changed between opsets has one rule that knows the
// differences.
constexpr Operation kOperations[] = {
    // Matrix work
    {"Attention", 23, Role::product, attention, attention_work},
    {"Conv", 1, Role::product, conv, conv_work},
    {"ConvInteger", 10, Role::product, conv, conv_work},
    {"ConvTranspose", 1, Role::product, conv_transpose, conv_transpose_work},
    {"Einsum", 12, Role::product, einsum, einsum_work},
    {"GRU", 1, Role::product, recurrent, recurrent_work},
    {"Gemm", 1, Role::product, gemm, gemm_work},
    {"LSTM", 1, Role::product, recurrent, recurrent_work},
    {"MatMul", 1, Role::product, matmul, matmul_work},
    {"MatMulInteger", 10, Role::product, matmul, matmul_work},
    {"QGemm", 1, Role::product, gemm, gemm_work},  // com.microsoft
    {"QLinearConv", 10, Role::product, conv, conv_work},
    {"QLinearMatMul", 10, Role::product, matmul, matmul_work},
    {"RNN", 1, Role::product, recurrent, recurrent_work},
    // Normalisation and softmax
    {"BatchNormalization", 1, Role::arithmetic, same_shape, output_work},
    {"GroupNormalization", 18, Role::arithmetic, same_shape, output_work},
    {"Hardmax", 1, Role::arithmetic, same_shape, output_work},
    {"InstanceNormalization", 1, Role::arithmetic, same_shape, output_work},
    {"LRN", 1, Role::arithmetic, same_shape, output_work},
    {"LayerNormalization", 17, Role::arithmetic, layer_normalization, output_work},
    {"LogSoftmax", 1, Role::arithmetic, same_shape, output_work},
    {"LpNormalization", 1, Role::arithmetic, same_shape, output_work},
    {"MeanVarianceNormalization", 9, Role::arithmetic, same_shape, output_work},
    {"QLinearSoftmax", 1, Role::arithmetic, same_shape, output_work},  // com.microsoft
    {"RMSNormalization", 23, Role::arithmetic, same_shape, output_work},
    {"SkipLayerNormalization", 1, Role::arithmetic, layer_normalization, output_work},  // com.microsoft
    {"Softmax", 1, Role::arithmetic, same_shape, output_work},
    // Activations and other functions of one tensor
    {"Abs", 1, Role::arithmetic, elementwise, output_work},
    {"Acos", 7, Role::arithmetic, elementwise, output_work},
    {"Acosh", 9, Role::arithmetic, elementwise, output_work},
    {"Asin", 7, Role::arithmetic, elementwise, output_work},
    {"Asinh", 9, Role::arithmetic, elementwise, output_work},
    {"Atan", 7, Role::arithmetic, elementwise, output_work},
    {"Atanh", 9, Role::arithmetic, elementwise, output_work},
    {"BiasGelu", 1, Role::arithmetic, elementwise, output_work},  // com.microsoft
    {"BitwiseNot", 18, Role::arithmetic, elementwise, output_work},
    {"Ceil", 1, Role::arithmetic, elementwise, output_work},
    {"Celu", 12, Role::arithmetic, elementwise, output_work},
    {"Clip", 1, Role::arithmetic, same_shape, output_work},
    {"Cos", 7, Role::arithmetic, elementwise, output_work},
    {"Cosh", 9, Role::arithmetic, elementwise, output_work},
    {"CumSum", 11, Role::arithmetic, same_shape, output_work},
    {"CumProd", 26, Role::arithmetic, same_shape, output_work},
    {"DequantizeLinear", 10, Role::arithmetic, quantize, output_work},
    {"DynamicQuantizeLinear", 11, Role::arithmetic, dynamic_quantize, output_work},
    {"Elu", 1, Role::arithmetic, elementwise, output_work},
    {"Erf", 9, Role::arithmetic, elementwise, output_work},
    {"Exp", 1, Role::arithmetic, elementwise, output_work},
    {"FastGelu", 1, Role::arithmetic, elementwise, output_work},  // com.microsoft
    {"Floor", 1, Role::arithmetic, elementwise, output_work},
    {"Gelu", 20, Role::arithmetic, elementwise, output_work},
    {"HardSigmoid", 1, Role::arithmetic, elementwise, output_work},
    {"HardSwish", 14, Role::arithmetic, elementwise, output_work},
    {"IsInf", 10, Role::arithmetic, elementwise, output_work},
    {"IsNaN", 9, Role::arithmetic, elementwise, output_work},
    {"LeakyRelu", 1, Role::arithmetic, elementwise, output_work},
    {"Log", 1, Role::arithmetic, elementwise, output_work},
    {"Mish", 18, Role::arithmetic, elementwise, output_work},
    {"Neg", 1, Role::arithmetic, elementwise, output_work},
    {"Not", 1, Role::arithmetic, elementwise, output_work},
    {"PRelu", 1, Role::arithmetic, same_shape, output_work},
    {"QLinearAdd", 1, Role::arithmetic, qlinear_binary, output_work},       // com.microsoft
    {"QLinearLeakyRelu", 1, Role::arithmetic, same_shape, output_work},     // com.microsoft
    {"QLinearMul", 1, Role::arithmetic, qlinear_binary, output_work},       // com.microsoft
    {"QLinearSigmoid", 1, Role::arithmetic, same_shape, output_work},       // com.microsoft
    {"QuantizeLinear", 10, Role::arithmetic, quantize, output_work},
    {"QuickGelu", 1, Role::arithmetic, elementwise, output_work},  // com.microsoft
    {"Reciprocal", 1, Role::arithmetic, elementwise, output_work},
    {"Relu", 1, Role::arithmetic, elementwise, output_work},
    {"RotaryEmbedding", 23, Role::arithmetic, same_shape, output_work},
    {"Round", 11, Role::arithmetic, elementwise, output_work},
    {"Selu", 1, Role::arithmetic, elementwise, output_work},
    {"Shrink", 9, Role::arithmetic, elementwise, output_work},
    {"Sigmoid", 1, Role::arithmetic, elementwise, output_work},
    {"Sign", 9, Role::arithmetic, elementwise, output_work},
    {"Sin", 7, Role::arithmetic, elementwise, output_work},
    {"Sinh", 9, Role::arithmetic, elementwise, output_work},
    {"Softplus", 1, Role::arithmetic, elementwise, output_work},
    {"Softsign", 1, Role::arithmetic, elementwise, output_work},
    {"Sqrt", 1, Role::arithmetic, elementwise, output_work},
    {"Swish", 24, Role::arithmetic, elementwise, output_work},
    {"Tan", 7, Role::arithmetic, elementwise, output_work},
    {"Tanh", 1, Role::arithmetic, elementwise, output_work},
    {"ThresholdedRelu", 10, Role::arithmetic, elementwise, output_work},
    // Of several tensors, spread over each other
    {"Add", 1, Role::arithmetic, elementwise, output_work},
    {"And", 1, Role::arithmetic, elementwise, output_work},
    {"BitShift", 11, Role::arithmetic, elementwise, output_work},
    {"BitwiseAnd", 18, Role::arithmetic, elementwise, output_work},
    {"BitwiseOr", 18, Role::arithmetic, elementwise, output_work},
    {"BitwiseXor", 18, Role::arithmetic, elementwise, output_work},
    {"Div", 1, Role::arithmetic, elementwise, output_work},
    {"Equal", 1, Role::arithmetic, elementwise, output_work},
    {"Greater", 1, Role::arithmetic, elementwise, output_work},
    {"GreaterOrEqual", 12, Role::arithmetic, elementwise, output_work},
    {"Less", 1, Role::arithmetic, elementwise, output_work},
    {"LessOrEqual", 12, Role::arithmetic, elementwise, output_work},
    {"Max", 1, Role::arithmetic, elementwise, output_work},
    {"Mean", 1, Role::arithmetic, elementwise, output_work},
    {"Min", 1, Role::arithmetic, elementwise, output_work},
    {"Mod", 10, Role::arithmetic, elementwise, output_work},
    {"Mul", 1, Role::arithmetic, elementwise, output_work},
    {"Or", 1, Role::arithmetic, elementwise, output_work},
    {"Pow", 1, Role::arithmetic, elementwise, output_work},
    {"Sub", 1, Role::arithmetic, elementwise, output_work},
    {"Sum", 1, Role::arithmetic, elementwise, output_work},
    {"Where", 9, Role::arithmetic, elementwise, output_work},
    {"Xor", 1, Role::arithmetic, elementwise, output_work},
    // Pooling and reductions
    {"ArgMax", 1, Role::arithmetic, arg_reduce, input_work},
    {"ArgMin", 1, Role::arithmetic, arg_reduce, input_work},
    {"AveragePool", 1, Role::arithmetic, pool, pool_work},
    {"GlobalAveragePool", 1, Role::arithmetic, global_pool, input_work},
    {"GlobalLpPool", 1, Role::arithmetic, global_pool, input_work},
    {"GlobalMaxPool", 1, Role::arithmetic, global_pool, input_work},
    {"LpPool", 1, Role::arithmetic, pool, pool_work},
    {"MaxPool", 1, Role::arithmetic, pool, pool_work},
    {"QLinearAveragePool", 1, Role::arithmetic, pool, pool_work},                // com.microsoft
    {"QLinearGlobalAveragePool", 1, Role::arithmetic, global_pool, input_work},  // com.microsoft
    {"ReduceL1", 1, Role::arithmetic, reduce, input_work},
    {"ReduceL2", 1, Role::arithmetic, reduce, input_work},
    {"ReduceLogSum", 1, Role::arithmetic, reduce, input_work},
    {"ReduceLogSumExp", 1, Role::arithmetic, reduce, input_work},
    {"ReduceMax", 1, Role::arithmetic, reduce, input_work},
    {"ReduceMean", 1, Role::arithmetic, reduce, input_work},
    {"ReduceMin", 1, Role::arithmetic, reduce, input_work},
    {"ReduceProd", 1, Role::arithmetic, reduce, input_work},
    {"ReduceSum", 1, Role::arithmetic, reduce, input_work},
    {"ReduceSumSquare", 1, Role::arithmetic, reduce, input_work},
    {"TopK", 1, Role::arithmetic, top_k, input_work},
    // Resizing
    {"GridSample", 16, Role::arithmetic, grid_sample, output_work},
    {"Resize", 10, Role::arithmetic, resize, output_work},
    {"Upsample", 7, Role::arithmetic, resize, output_work},
    // Moving elements
    {"Cast", 1, Role::moves, cast, no_work},
    {"CastLike", 15, Role::moves, cast, no_work},
    {"Concat", 1, Role::moves, concat, no_work},
    {"DepthToSpace", 1, Role::moves, depth_to_space, no_work},
    {"Expand", 8, Role::moves, expand, no_work},
    {"Gather", 1, Role::moves, gather, no_work},
    {"GatherElements", 11, Role::moves, gather_elements, no_work},
    {"GatherND", 11, Role::moves, gather_nd, no_work},
    {"OneHot", 9, Role::moves, one_hot, no_work},
    {"Pad", 1, Role::moves, pad, no_work},
    {"QLinearConcat", 1, Role::moves, qlinear_concat, no_work},  // com.microsoft
    {"ReverseSequence", 10, Role::moves, same_shape, no_work},
    {"Scatter", 9, Role::moves, same_shape, no_work},
    {"ScatterElements", 11, Role::moves, same_shape, no_work},
    {"ScatterND", 11, Role::moves, same_shape, no_work},
    {"Slice", 1, Role::moves, slice, no_work},
    {"SpaceToDepth", 1, Role::moves, space_to_depth, no_work},
    {"Split", 1, Role::moves, split, no_work},
    {"Tile", 1, Role::moves, tile, no_work},
    {"Transpose", 1, Role::moves, transpose, no_work},
    {"Trilu", 14, Role::moves, same_shape, no_work},
    // The same elements under another shape
    {"Dropout", 1, Role::view, same_shape, no_work},
    {"Flatten", 1, Role::view, flatten, no_work},
    {"Identity", 1, Role::view, elementwise, no_work},
    {"Reshape", 1, Role::view, reshape, no_work},
    {"Squeeze", 1, Role::view, squeeze, no_work},
    {"Unsqueeze", 1, Role::view, unsqueeze, no_work},
    // Numbers that shapes are computed from
    {"Constant", 1, Role::moves, constant, no_work},
    {"ConstantOfShape", 9, Role::moves, constant_of_shape, no_work},
    {"EyeLike", 9, Role::moves, eye_like, no_work},
    {"Range", 11, Role::moves, range, no_work},
    {"Shape", 1, Role::moves, shape_of, no_work},
    {"Size", 1, Role::moves, size_of_tensor, no_work},
};

constexpr std::string_view kMicrosoft[] = {"BiasGelu",
                                          "FastGelu",
                                          "Gelu",
                                          "LayerNormalization",
                                          "QGemm",
                                          "QLinearAdd",
                                          "QLinearAveragePool",
                                          "QLinearConcat",
                                          "QLinearGlobalAveragePool",
                                          "QLinearLeakyRelu",
                                          "QLinearMul",
                                          "QLinearSigmoid",
                                          "QLinearSoftmax",
                                          "QuickGelu",
                                          "SkipLayerNormalization"};

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_own_domain(const std::string& domain) {
  return domain.empty() || domain == "ai.onnx";
}

}  // namespace

std::span<const Operation> operations() {
  return kOperations;
}

const Operation* find_operation(const ::onnx::NodeProto& node) {
  if (!is_own_domain(node.domain()) &&
      !(node.domain() == "com.microsoft" && contains(kMicrosoft, node.op_type())))
    return nullptr;
  for (const Operation& one : kOperations)
    if (one.name == node.op_type()) return &one;
  return nullptr;
}

std::string full_name(const ::onnx::NodeProto& node) {
  return is_own_domain(node.domain()) ? node.op_type() : node.domain() + "." + node.op_type();
}

}  // namespace batchtune::onnx_file

namespace batchtune {

std::vector<OnnxOperation> onnx_operations() {
  std::vector<OnnxOperation> rows;
  for (const auto& one : onnx_file::operations()) {
    const auto role = one.role;
    rows.push_back({std::string(one.name), one.since,
                    role == onnx_file::Role::product      ? "2 FLOP per multiply-add"
                    : role == onnx_file::Role::arithmetic ? "1 FLOP per element"
                                                          : "moves data"});
    if (role == onnx_file::Role::view) rows.back().counted = "moves nothing";
  }
  return rows;
}

}  // namespace batchtune
