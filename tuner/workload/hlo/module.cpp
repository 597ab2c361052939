// The program of a model: its operations in their order, then its results.
#include <limits>
#include <utility>

#include "tuner/workload/exported.h"
#include "tuner/workload/hlo/op_writer.h"

namespace batchtune {
namespace {

using namespace hlo;

constexpr std::int64_t kLargestTensor =
    std::numeric_limits<std::int32_t>::max();  // elements that XLA's indices count

Status check_sizes(const Model& model, std::int64_t batch) {
  if (batch < 1)
    return bad_input("a batch of at least 1", std::to_string(batch),
                     model.name + " as an XLA program");
  for (const Op& op : model.ops)
    if (elements(op.output) > kLargestTensor / batch)
      return bad_input(
          "tensors of at most " + std::to_string(kLargestTensor) + " elements",
          std::to_string(elements(op.output)) + " per sample at batch " + std::to_string(batch),
          model.name + ", \"" + op.name + "\"", "Choose a smaller batch");
  return {};
}

std::vector<HloTensor> results_in(const ProgramState& state, std::vector<Value>& values) {
  std::vector<HloTensor> results;
  for (const OpIndex op : results_of(state.model)) {
    const Value& value = state.values[static_cast<std::size_t>(op)];
    const std::string name = clean_name(state.model.ops[static_cast<std::size_t>(op)].name);
    results.push_back({.name = name + ".out" + std::to_string(results.size()),
                       .element = value.element,
                       .shape = value.shape,
                       .op = op});
    values.push_back(value);
  }
  return results;
}

}  // namespace

Result<HloElement> hlo::hlo_element(DType dtype, const std::string& model) {
  if (dtype == DType::f32) return HloElement::f32;
  if (dtype == DType::bf16) return HloElement::bf16;
  return bad_input("f32 or bf16", std::string(name_of(dtype)), model + " as an XLA program");
}

Result<HloModule> make_hlo(const Model& model, std::int64_t batch, DType dtype) {
  BT_TRY(element, hlo_element(dtype, model.name));
  BT_TRY_VOID(check_exportable(model, "Compile that file with its own tools"));
  BT_TRY_VOID(check_sizes(model, batch));
  const std::string name =
      model.name + "_b" + std::to_string(batch) + "_" + std::string(name_of(dtype));
  ProgramState state{model, batch, element, ProgramWriter(name)};
  for (std::size_t i = 0; i < model.ops.size(); ++i)
    state.values.push_back(OpWriter(state, static_cast<OpIndex>(i)).write());
  std::vector<Value> values;
  HloModule made;
  made.results = results_in(state, values);
  made.bytes = state.writer.finish(values, made.results);
  made.parameters = std::move(state.parameters);
  return made;
}

}  // namespace batchtune
