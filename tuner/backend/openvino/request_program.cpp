#include "tuner/backend/openvino/request_program.h"

#include <algorithm>
#include <span>
#include <string_view>
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

// Nodes that do not run by themselves come behind the one that computes them; views have a place in
// memory, and are no part of any.
std::vector<LayerTime> layers_of(std::span<const NodeProfile> nodes) {
  constexpr std::string_view kNoPlace = "undef";
  constexpr double kMicro = 1e-6;
  std::vector<LayerTime> layers;
  for (const NodeProfile& node : nodes) {
    if (node.status == kExecuted) {
      layers.push_back({node.name, node.kind, kMicro * static_cast<double>(node.real_time)});
    } else if (!layers.empty() && node.exec_type == kNoPlace) {
      layers.back().name += std::string("+") + node.name;
      layers.back().kind += std::string("+") + node.kind;
    }
  }
  return layers;
}

}  // namespace

Outcome<std::unique_ptr<RequestProgram>> RequestProgram::prepare(CompiledGroup& group,
                                                                 std::int64_t batch) {
  std::unique_ptr<RequestProgram> program(new RequestProgram(group, batch));
  const Bytes before = runtime::settled_resident_bytes();
  const CompiledModel* compiled = group.for_all_batches();
  if (compiled == nullptr) {
    BT_TRY(for_batch, group.compile(batch));
    program->compiled_ = std::move(for_batch);
    compiled = program->compiled_.get();
  }
  for (int instance = 0; instance < group.instances().count(); ++instance)
    BT_TRY_VOID(program->add_instance(compiled));
  BT_TRY_VOID(program->fill_inputs(group.seed()));
  for (int instance = 0; instance < group.instances().count(); ++instance)
    BT_TRY_VOID(program->run_once(instance));
  BT_TRY(io, program->input_and_output_bytes());
  const Bytes grown = runtime::settled_resident_bytes() - before;
  program->memory_ = {group.weight_bytes(), io, std::max<Bytes>(0, grown - io), MemoryKind::rss};
  return program;
}

Outcome<void> RequestProgram::add_instance(const CompiledModel* compiled) {
  const Api& api = group_.api();
  InferRequest* raw = nullptr;
  BT_TRY_VOID(api.check("make a request", api->create_request(compiled, &raw)));
  Instance& own = instances_.emplace_back();
  own.request = {raw, {api->free_request}};
  for (const Input& input : group_.inputs()) {
    if (compiled_ == nullptr) BT_TRY_VOID(set_own_tensor(raw, input));
    BT_TRY(found, view(raw, input.tensor, input.op, Side::input));
    own.inputs.push_back(std::move(found));
  }
  return {};
}

Outcome<void> RequestProgram::set_own_tensor(InferRequest* request, const Input& input) const {
  const Api& api = group_.api();
  const char* const name = input.tensor.name.c_str();
  Tensor* raw = nullptr;
  BT_TRY_VOID(api.check("give a tensor", api->get_tensor(request, name, &raw)));
  const Owned<Tensor> open{raw, {api->free_tensor}};
  int element = 0;
  BT_TRY_VOID(api.check("tell a tensor's type", api->tensor_element(raw, &element)));
  const Op& op = group_.model().ops[static_cast<std::size_t>(input.op)];
  auto layout = runtime::layout_of(op, input.tensor, batch_, input.rank);
  if (!layout) return tl::unexpected(runtime::unsupported(layout.error()));
  const auto rank = static_cast<std::int64_t>(layout->dims.size());
  Tensor* made = nullptr;
  BT_TRY_VOID(
      api.check("make a tensor", api->create_tensor(element, {rank, layout->dims.data()}, &made)));
  const Owned<Tensor> own{made, {api->free_tensor}};  // the request keeps it
  return api.check("take a tensor", api->set_tensor(request, name, made));
}

Outcome<RequestProgram::TensorView> RequestProgram::output_of(const Instance& instance) const {
  const Model& model = group_.model();
  return view(instance.request.get(), group_.result_tensor(), find_op(model, model.output),
              Side::output);
}

// The request's own tensor: it stays the same from run to run.
Outcome<RequestProgram::TensorView> RequestProgram::view(const InferRequest* request,
                                                         const OnnxTensor& tensor, OpIndex op,
                                                         Side side) const {
  const Api& api = group_.api();
  Tensor* raw = nullptr;
  BT_TRY_VOID(api.check("give a tensor",
                        tensor.name.empty()
                            ? api->get_output_at(request, group_.result_index(), &raw)
                            : api->get_tensor(request, tensor.name.c_str(), &raw)));
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

Outcome<void> RequestProgram::fill_inputs(std::uint64_t seed) {
  seed_.reset();
  for (Instance& instance : instances_)
    for (std::size_t i = 0; i < instance.inputs.size(); ++i) {
      const TensorView& input = instance.inputs[i];
      const auto op = static_cast<std::size_t>(group_.inputs()[i].op);
      const Status filled = runtime::fill_samples(input.layout, input.element, input.data,
                                                  group_.model().ops[op], group_.samples(), seed);
      if (!filled) return tl::unexpected(no_samples(filled.error()));
    }
  seed_ = seed;
  return {};
}

void RequestProgram::set_input(std::uint64_t seed) {
  if (seed != seed_) input_set_ = fill_inputs(seed);
}

Outcome<void> RequestProgram::run_once(int instance) {
  const Api& api = group_.api();
  InferRequest* const request = instances_[static_cast<std::size_t>(instance)].request.get();
  return api.check("run the model", api->infer(request));
}

Outcome<RunTimes> RequestProgram::run(int n) {
  if (!input_set_) return tl::unexpected(input_set_.error());
  try {
    return group_.instances().run(n, [this](int instance) {
      if (auto done = run_once(instance); !done) throw RunFailed{std::move(done.error())};
    });
  } catch (RunFailed& failure) {
    return tl::unexpected(std::move(failure.ending));
  }
}

Outcome<std::vector<LayerTime>> RequestProgram::profile(int runs) {
  const Api& api = group_.api();
  const auto batch = group_.for_all_batches() == nullptr ? std::optional(batch_) : std::nullopt;
  BT_TRY(compiled, group_.compile(batch, Profiling::on));
  RequestProgram pass(group_, batch_);
  if (batch) pass.compiled_ = std::move(compiled);
  BT_TRY_VOID(pass.add_instance(batch ? pass.compiled_.get() : compiled.get()));
  BT_TRY_VOID(pass.fill_inputs(group_.seed()));
  for (int i = 0; i < runs; ++i) BT_TRY_VOID(pass.run_once(0));
  NodeProfiles profiles{};
  BT_TRY_VOID(api.check("tell where the time goes",
                        api->node_profiles(pass.instances_.front().request.get(), &profiles)));
  std::vector<LayerTime> layers = layers_of({profiles.nodes, profiles.count});
  api->free_node_profiles(&profiles);
  return layers;
}

Outcome<Bytes> RequestProgram::input_and_output_bytes() const {
  Bytes total = 0;
  const auto add = [&](const TensorView& seen) {
    total +=
        runtime::elements_of(seen.layout.dims) * static_cast<Bytes>(runtime::size_of(seen.element));
  };
  for (const Instance& instance : instances_) {
    for (const TensorView& input : instance.inputs) add(input);
    BT_TRY(output, output_of(instance));
    add(output);
  }
  return total;
}

Outcome<std::vector<float>> RequestProgram::read_output(std::int64_t samples) {
  std::vector<float> values;
  for (const Instance& instance : instances_) {
    BT_TRY(output, output_of(instance));
    runtime::read_samples(output.layout, output.element, output.data,
                          std::clamp<std::int64_t>(samples, 0, batch_), values);
  }
  return values;
}

}  // namespace batchtune::openvino
