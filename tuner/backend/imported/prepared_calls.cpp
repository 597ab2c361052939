#include "tuner/backend/imported/prepared_calls.h"

#include <algorithm>

#include "kernels/tensor/cast.h"

namespace batchtune::imported {
namespace {

kt::ConstTensor empty_tensor(const Operand& operand, std::int64_t batch) {
  if (operand.kind == Operand::Kind::left_out) return {};
  return {*kernel_type(operand.type), kernel_shape(operand.shape.at(batch)), nullptr};
}

kt::ConstTensor read_by(const CallContext& context, const Operand& operand) {
  kt::ConstTensor tensor = empty_tensor(operand, context.batch);
  tensor.data = data_of(operand, context.model, context.constants, context.places);
  return tensor;
}

kt::Tensor written_by(const CallContext& context, const Operand& operand) {
  const kt::ConstTensor tensor = empty_tensor(operand, context.batch);
  if (operand.kind != Operand::Kind::tensor) return {tensor.type, tensor.shape, nullptr};
  return {tensor.type, tensor.shape, context.places(operand.index)};
}

}  // namespace

CallConstants::CallConstants(const LoweredModel& model, std::int64_t batch) {
  numbers_.resize(model.numbers.size());
  for (const NodeCall& call : model.calls)
    for (const Operand& input : call.inputs) add(input, model, batch);
  for (const FileTensor& output : model.outputs) add(output.operand, model, batch);
}

void CallConstants::add(const Operand& operand, const LoweredModel& model, std::int64_t batch) {
  if (operand.kind != Operand::Kind::numbers) return;
  const std::vector<double> values =
      model.numbers[static_cast<std::size_t>(operand.index)].at(batch);
  const kt::Shape count{std::ssize(values)};
  const auto type = *kernel_type(operand.type);
  std::string& bytes = numbers_[static_cast<std::size_t>(operand.index)];
  bytes.assign(values.size() * kt::bytes_of(type), '\0');
  kernels::Team alone;
  static_cast<void>(
      kt::cast(alone, {kt::ElementType::f64, count, values.data()}, {type, count, bytes.data()}));
}

const void* data_of(const Operand& operand, const LoweredModel& model,
                    const CallConstants& constants, const Places& places) {
  switch (operand.kind) {
    case Operand::Kind::tensor:
      return places(operand.index);
    case Operand::Kind::constant:
      return model.constants[static_cast<std::size_t>(operand.index)].bytes->data();
    case Operand::Kind::numbers:
      return constants.numbers(operand.index);
    case Operand::Kind::left_out:
      break;
  }
  return nullptr;
}

Outcome<void> check(const CallFailure& failure) {
  if (failure.why == nullptr) return {};
  return tl::make_unexpected(Ending{
      TrialStatus::failed,
      "node \"" + failure.call->node + "\" (" + failure.call->operation + "): " + failure.why, "",
      ""});
}

std::function<void(kernels::Team&)> prepare_call(const CallContext& context, const NodeCall& call) {
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

Bytes call_workspace_bytes(const LoweredModel& model, const kt::Kernels& kernels,
                           std::int64_t batch) {
  std::size_t most = 0;
  for (const NodeCall& call : model.calls) {
    if (!call.run.workspace_bytes) continue;
    std::vector<kt::ConstTensor> in;
    for (const Operand& input : call.inputs) in.push_back(empty_tensor(input, batch));
    most = std::max(most, call.run.workspace_bytes(kernels, in));
  }
  return static_cast<Bytes>(most);
}

Bytes constant_bytes(const LoweredModel& model) {
  Bytes bytes = 0;
  for (const RawTensor& constant : model.constants)
    bytes += static_cast<Bytes>(constant.bytes->size());
  return bytes;
}

}  // namespace batchtune::imported
