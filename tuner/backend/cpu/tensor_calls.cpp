#include "tuner/backend/cpu/tensor_calls.h"

#include <algorithm>

#include "kernels/tensor/cast.h"

namespace batchtune::cpu {
namespace {

namespace kt = kernels::tensor;
using imported::Operand;

kt::ConstTensor empty_tensor(const Operand& operand, std::int64_t batch) {
  if (operand.kind == Operand::Kind::left_out) return {};
  return {*imported::kernel_type(operand.type), imported::kernel_shape(operand.shape.at(batch)),
          nullptr};
}

std::byte* place_of(const CallContext& context, const Operand& operand) {
  return context.activations + context.plan.offset[static_cast<std::size_t>(operand.index)];
}

kt::ConstTensor read_by(const CallContext& context, const Operand& operand) {
  kt::ConstTensor tensor = empty_tensor(operand, context.batch);
  const auto index = static_cast<std::size_t>(operand.index);
  if (operand.kind == Operand::Kind::tensor) tensor.data = place_of(context, operand);
  if (operand.kind == Operand::Kind::constant)
    tensor.data = context.model.constants[index].bytes->data();
  if (operand.kind == Operand::Kind::numbers)
    tensor.data = context.constants.numbers(operand.index);
  return tensor;
}

kt::Tensor written_by(const CallContext& context, const Operand& operand) {
  const kt::ConstTensor tensor = empty_tensor(operand, context.batch);
  if (operand.kind != Operand::Kind::tensor) return {tensor.type, tensor.shape, nullptr};
  return {tensor.type, tensor.shape, place_of(context, operand)};
}

}  // namespace

CallConstants::CallConstants(const imported::LoweredModel& model, std::int64_t batch) {
  numbers_.resize(model.numbers.size());
  for (const imported::NodeCall& call : model.calls)
    for (const Operand& input : call.inputs) add(input, model, batch);
  for (const imported::FileTensor& output : model.outputs) add(output.operand, model, batch);
}

void CallConstants::add(const Operand& operand, const imported::LoweredModel& model,
                        std::int64_t batch) {
  if (operand.kind != Operand::Kind::numbers) return;
  const std::vector<double> values =
      model.numbers[static_cast<std::size_t>(operand.index)].at(batch);
  const kt::Shape count{std::ssize(values)};
  const auto type = *imported::kernel_type(operand.type);
  std::string& bytes = numbers_[static_cast<std::size_t>(operand.index)];
  bytes.assign(values.size() * kt::bytes_of(type), '\0');
  kernels::Team alone;
  static_cast<void>(
      kt::cast(alone, {kt::ElementType::f64, count, values.data()}, {type, count, bytes.data()}));
}

std::function<void(kernels::Team&)> prepare_call(const CallContext& context,
                                                 const imported::NodeCall& call) {
  std::vector<kt::ConstTensor> in;
  std::vector<kt::Tensor> out;
  for (const Operand& input : call.inputs) in.push_back(read_by(context, input));
  for (const Operand& output : call.outputs) out.push_back(written_by(context, output));
  return [in, out, &call, kernels = context.kernels, workspace = context.workspace,
          failure = context.failure](kernels::Team& team) {
    const kt::Context how(team, kernels);
    const kt::Outcome outcome = call.run.run({how, in, out, workspace});
    if (!outcome && failure->why == nullptr) *failure = {&call, outcome.why};
  };
}

Bytes call_workspace_bytes(const imported::LoweredModel& model, const kt::Kernels& kernels,
                           std::int64_t batch) {
  std::size_t most = 0;
  for (const imported::NodeCall& call : model.calls) {
    if (!call.run.workspace_bytes) continue;
    std::vector<kt::ConstTensor> in;
    for (const Operand& input : call.inputs) in.push_back(empty_tensor(input, batch));
    most = std::max(most, call.run.workspace_bytes(kernels, in));
  }
  return static_cast<Bytes>(most);
}

}  // namespace batchtune::cpu
