#include "tuner/backend/openvino/request_program.h"

#include <algorithm>
#include <utility>

#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/resident.h"

namespace batchtune::openvino {
namespace {

struct RunFailed {  // thrown from an instance's thread to the caller's
  Ending ending;
};

Outcome<runtime::Dimensions> dimensions_of(const Api& api, const Tensor* tensor) {
  TensorShape shape{};
  BT_TRY_VOID(api.check("tell a tensor's shape", api->tensor_shape(tensor, &shape)));
  runtime::Dimensions dims(shape.dims, shape.dims + shape.rank);
  (void)api->free_shape(&shape);
  return dims;
}

}  // namespace

Outcome<std::unique_ptr<RequestProgram>> RequestProgram::prepare(CompiledGroup& group,
                                                                 std::int64_t batch) {
  std::unique_ptr<RequestProgram> program(new RequestProgram(group, batch));
  const Bytes before = runtime::settled_resident_bytes();
  BT_TRY(compiled, group.compile(batch));
  program->compiled_ = std::move(compiled);
  for (int instance = 0; instance < group.instances().count(); ++instance)
    BT_TRY_VOID(program->add_instance());
  program->set_input(group.seed());
  for (int instance = 0; instance < group.instances().count(); ++instance)
    BT_TRY_VOID(program->run_once(instance));
  const Bytes io = program->input_and_output_bytes();
  const Bytes grown = runtime::settled_resident_bytes() - before;
  program->memory_ = {0, io, std::max<Bytes>(0, grown - io), MemoryKind::rss};
  return program;
}

Outcome<void> RequestProgram::add_instance() {
  const Api& api = group_.api();
  InferRequest* raw = nullptr;
  BT_TRY_VOID(api.check("make a request", api->create_request(compiled_.get(), &raw)));
  Instance& own = instances_.emplace_back();
  own.request = {raw, {api->free_request}};
  for (const Input& input : group_.inputs()) {
    BT_TRY(found, view(raw, input.tensor, input.op, Side::input));
    own.inputs.push_back(std::move(found));
  }
  const Model& model = group_.model();
  BT_TRY(output, view(raw, group_.result_tensor(), find_op(model, model.output), Side::output));
  own.output.emplace(std::move(output));
  return {};
}

// The request's own tensor: it stays the same from run to run.
Outcome<RequestProgram::TensorView> RequestProgram::view(const InferRequest* request,
                                                         const OnnxTensor& tensor, OpIndex op,
                                                         Side side) const {
  const Api& api = group_.api();
  Tensor* raw = nullptr;
  BT_TRY_VOID(api.check("give a tensor", api->get_tensor(request, tensor.name.c_str(), &raw)));
  TensorView seen{Owned<Tensor>{raw, {api->free_tensor}}, {}, {}, nullptr};
  int number = 0;
  BT_TRY_VOID(api.check("tell a tensor's type", api->tensor_element(raw, &number)));
  const auto element = api.element_of(number);
  if (!element)
    return tl::unexpected(
        runtime::unsupported("the tensor " + tensor.name + " is of a type without values of ours"));
  seen.element = *element;
  BT_TRY(dims, dimensions_of(api, raw));
  const Op& made_by = group_.model().ops[static_cast<std::size_t>(op)];
  auto layout = side == Side::input ? runtime::layout_of(made_by, tensor, batch_, dims.size())
                                    : runtime::layout_of_output(made_by, tensor, batch_, dims);
  if (layout && layout->dims != dims) layout = tl::unexpected(std::string("another shape"));
  if (!layout)
    return tl::unexpected(
        runtime::unsupported("the tensor " + tensor.name + " cannot be used: " + layout.error()));
  seen.layout = std::move(*layout);
  BT_TRY_VOID(api.check("give a tensor's data", api->tensor_data(raw, &seen.data)));
  return seen;
}

void RequestProgram::set_input(std::uint64_t seed) {
  if (seed == seed_) return;
  for (Instance& instance : instances_)
    for (std::size_t i = 0; i < instance.inputs.size(); ++i) {
      const TensorView& input = instance.inputs[i];
      const auto op = static_cast<std::size_t>(group_.inputs()[i].op);
      runtime::fill_samples(input.layout, input.element, input.data, group_.model().ops[op], seed);
    }
  seed_ = seed;
}

Outcome<void> RequestProgram::run_once(int instance) {
  const Api& api = group_.api();
  InferRequest* const request = instances_[static_cast<std::size_t>(instance)].request.get();
  return api.check("run the model", api->infer(request));
}

Outcome<RunTimes> RequestProgram::run(int n) {
  try {
    return group_.instances().run(n, [this](int instance) {
      if (auto done = run_once(instance); !done) throw RunFailed{std::move(done.error())};
    });
  } catch (RunFailed& failure) {
    return tl::unexpected(std::move(failure.ending));
  }
}

Bytes RequestProgram::input_and_output_bytes() const {
  Bytes total = 0;
  const auto add = [&](const TensorView& seen) {
    total +=
        runtime::elements_of(seen.layout.dims) * static_cast<Bytes>(runtime::size_of(seen.element));
  };
  for (const Instance& instance : instances_) {
    for (const TensorView& input : instance.inputs) add(input);
    if (instance.output) add(*instance.output);
  }
  return total;
}

Outcome<std::vector<float>> RequestProgram::read_output(std::int64_t samples) {
  const Api& api = group_.api();
  std::vector<float> values;
  for (const Instance& instance : instances_) {
    const TensorView& output = *instance.output;
    void* data = nullptr;
    BT_TRY_VOID(api.check("give its output", api->tensor_data(output.tensor.get(), &data)));
    runtime::read_samples(output.layout, output.element, data,
                          std::clamp<std::int64_t>(samples, 0, batch_), values);
  }
  return values;
}

}  // namespace batchtune::openvino
