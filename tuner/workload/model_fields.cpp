// The table of fields. A field that is added here is read, written and hashed; model.schema.json is
// held against it by a test.
#include "tuner/workload/model_fields.h"

namespace batchtune {
namespace {

constexpr std::uint32_t in(std::initializer_list<OpKind> kinds) {
  std::uint32_t mask = 0;
  for (const OpKind kind : kinds) mask |= 1U << static_cast<int>(kind);
  return mask;
}

using K = OpKind;
constexpr std::uint32_t kEverywhere = ~0U;
constexpr std::uint32_t kReading = ~in({K::input});
constexpr std::uint32_t kWithWeights = in({K::matmul, K::conv2d});
constexpr std::uint32_t kProducts = in({K::matmul, K::batched_matmul});
constexpr std::uint32_t kPools = in({K::max_pool, K::average_pool});
constexpr std::uint32_t kWindowed = kPools | in({K::conv2d});

std::vector<std::int64_t*> kernel(Op& op) {
  return {&op.window.kernel_h, &op.window.kernel_w};
}
std::vector<std::int64_t*> stride(Op& op) {
  return {&op.window.stride_h, &op.window.stride_w};
}
std::vector<std::int64_t*> dilation(Op& op) {
  return {&op.window.dilation_h, &op.window.dilation_w};
}
std::vector<std::int64_t*> padding(Op& op) {
  return {&op.window.pad_top, &op.window.pad_left, &op.window.pad_bottom, &op.window.pad_right};
}
Activation& activation(Op& op) {
  return op.kind == OpKind::activation ? op.activation : op.epilogue.activation;
}

// clang-format takes the lambdas of this table apart.
// clang-format off
const OpField kFields[] = {
    {"inputs", kReading, true, NamesField{[](Op& op) -> auto& { return op.inputs; }}},
    {"kind", in({K::input}), false, InputKindField{[](Op& op) -> auto& { return op.input_kind; }}},
    {"shape", kEverywhere, false, IntegersField{[](Op& op) -> auto& { return op.output; }}},
    {"vocabulary", in({K::input, K::embedding}), false,
     IntegerField{[](Op& op) -> auto& { return op.vocabulary; }}},
    {"tables", in({K::embedding}), false, IntegersField{[](Op& op) -> auto& { return op.tables; }}},
    {"columns", kWithWeights | in({K::embedding}), true,
     IntegerField{[](Op& op) -> auto& { return op.columns; }}},
    {"columns", in({K::foreign}), false, IntegerField{[](Op& op) -> auto& { return op.columns; }}},
    {"inner", kProducts, false, IntegerField{[](Op& op) -> auto& { return op.inner; }}},
    {"groups", in({K::conv2d, K::batched_matmul, K::foreign}), false,
     IntegerField{[](Op& op) -> auto& { return op.groups; }}},
    {"kernel", kWindowed, true, WindowField{&kernel}},
    {"stride", kWindowed, false, WindowField{&stride}},
    {"padding", kWindowed, false, WindowField{&padding}},
    {"dilation", in({K::conv2d}), false, WindowField{&dilation}},
    {"count_include_pad", in({K::average_pool}), false,
     FlagField{[](Op& op) -> auto& { return op.count_include_pad; }}},
    {"batch_norm", in({K::conv2d}), false,
     FlagField{[](Op& op) -> auto& { return op.folded_batch_norm; }}},
    {"transpose_b", in({K::batched_matmul}), false,
     FlagField{[](Op& op) -> auto& { return op.transpose_b; }}},
    {"a_layout", in({K::batched_matmul}), false,
     LayoutField{[](Op& op) -> auto& { return op.a_layout; }}},
    {"b_layout", in({K::batched_matmul}), false,
     LayoutField{[](Op& op) -> auto& { return op.b_layout; }}},
    {"out_layout", in({K::batched_matmul}), false,
     LayoutField{[](Op& op) -> auto& { return op.out_layout; }}},
    {"scale", in({K::softmax, K::batched_matmul}), false,
     NumberField{[](Op& op) -> auto& { return op.scale; }}},
    {"epsilon", in({K::layer_norm, K::rms_norm}), false,
     NumberField{[](Op& op) -> auto& { return op.epsilon; }}},
    {"axis", in({K::concat, K::slice}), true,
     IntegerField{[](Op& op) -> auto& { return op.axis; }}},
    {"begin", in({K::slice}), true, IntegerField{[](Op& op) -> auto& { return op.begin; }}},
    {"end", in({K::slice}), true, IntegerField{[](Op& op) -> auto& { return op.end; }}},
    {"split", in({K::transpose}), false, IntegersField{[](Op& op) -> auto& { return op.split; }}},
    {"permutation", in({K::transpose}), true,
     IntegersField{[](Op& op) -> auto& { return op.permutation; }}},
    {"bias", kWithWeights | in({K::foreign}), false,
     FlagField{[](Op& op) -> auto& { return op.epilogue.bias; }}},
    {"activation", kWithWeights | in({K::activation}), false, ActivationField{&activation}},
    {"residual", kWithWeights, false,
     TextField{[](Op& op) -> auto& { return op.epilogue.residual; }}},
    {"residual_after_activation", kWithWeights, false,
     FlagField{[](Op& op) -> auto& { return op.epilogue.residual_after_activation; }}},
    {"operation", in({K::foreign}), true, TextField{[](Op& op) -> auto& { return op.operation; }}},
    {"flops", in({K::foreign}), false, NumberField{[](Op& op) -> auto& { return op.flops; }}},
    {"weight_elements", in({K::foreign}), false,
     NumberField{[](Op& op) -> auto& { return op.weight_elements; }}},
    {"fused", in({K::foreign}), false, FlagField{[](Op& op) -> auto& { return op.fused; }}},
};
// clang-format on

constexpr EnumName<OpKind> kOpKinds[] = {
    {"input", K::input},
    {"embedding", K::embedding},
    {"matmul", K::matmul},
    {"batched_matmul", K::batched_matmul},
    {"conv2d", K::conv2d},
    {"max_pool", K::max_pool},
    {"average_pool", K::average_pool},
    {"global_average_pool", K::global_average_pool},
    {"softmax", K::softmax},
    {"layer_norm", K::layer_norm},
    {"rms_norm", K::rms_norm},
    {"activation", K::activation},
    {"add", K::add},
    {"multiply", K::multiply},
    {"concat", K::concat},
    {"slice", K::slice},
    {"transpose", K::transpose},
    {"reshape", K::reshape},
    {"foreign", K::foreign},
};
constexpr EnumName<InputKind> kInputKinds[] = {{"values", InputKind::values},
                                               {"token_ids", InputKind::token_ids},
                                               {"cache", InputKind::cache}};
constexpr EnumName<Activation> kActivations[] = {{"none", Activation::none},
                                                 {"relu", Activation::relu},
                                                 {"relu6", Activation::relu6},
                                                 {"gelu", Activation::gelu},
                                                 {"silu", Activation::silu},
                                                 {"gelu-erf", Activation::gelu_erf}};
constexpr EnumName<HeadLayout> kLayouts[] = {{"heads_first", HeadLayout::heads_first},
                                             {"heads_last", HeadLayout::heads_last}};

template <typename Enum>
std::string_view find_name(std::span<const EnumName<Enum>> names, Enum value) {
  for (const auto& [name, each] : names)
    if (each == value) return name;
  return "";
}

}  // namespace

std::span<const OpField> op_fields() {
  return kFields;
}
std::span<const EnumName<OpKind>> op_kind_names() {
  return kOpKinds;
}
std::span<const EnumName<InputKind>> input_kind_names() {
  return kInputKinds;
}
std::span<const EnumName<Activation>> activation_names() {
  return kActivations;
}
std::span<const EnumName<HeadLayout>> layout_names() {
  return kLayouts;
}

std::string_view name_of(OpKind kind) {
  return find_name(op_kind_names(), kind);
}
std::string_view name_of(Activation activation) {
  return find_name(activation_names(), activation);
}

}  // namespace batchtune
