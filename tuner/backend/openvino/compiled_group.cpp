#include "tuner/backend/openvino/compiled_group.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "tuner/backend/openvino/request_program.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/resident.h"
#include "tuner/backend/runtime/tolerance.h"
#include "tuner/workload/onnx/embed.h"
#include "tuner/workload/opaque.h"

namespace batchtune::openvino {
namespace {

using runtime::unsupported;

constexpr std::size_t kMostProperties = 7;

tl::unexpected<Ending> failed(std::string reason, std::string evidence = "") {
  return tl::unexpected(Ending{TrialStatus::failed, std::move(reason), std::move(evidence), ""});
}

}  // namespace

Outcome<void> check_group(const LoadOptions& options) {
  const CandidateGroup& group = options.group;
  if (!computes_in(group.dtype))
    return tl::unexpected(unsupported("OpenVINO computes in f32 or bf16 here, not in " +
                                      std::string(name_of(group.dtype))));
  if (group.threads < 1 || group.instances < 1)
    return tl::unexpected(unsupported("threads and instances must be at least 1"));
  if (!options.isa.empty())
    return tl::unexpected(
        unsupported("OpenVINO chooses its instruction set itself: --isa is not for it"));
  return {};
}

CompiledGroup::CompiledGroup(const Source& source)
    : api_(source.api),
      core_(source.core),
      model_(source.model),
      options_(source.options),
      properties_(properties_of(source.settings, source.options.group)),
      dynamic_(source.settings.dynamic),
      instances_(source.options.group.instances) {}

Outcome<std::unique_ptr<CompiledGroup>> CompiledGroup::load(Source source, LoadReport& report) {
  const Seconds start = steady_seconds();
  std::unique_ptr<CompiledGroup> loaded(new CompiledGroup(source));
  loaded->bytes_ = std::move(source.onnx.bytes);
  BT_TRY_VOID(loaded->read(source.onnx));
  if (is_opaque(source.model)) BT_TRY_VOID(loaded->declare(source.onnx, report));
  BT_TRY_VOID(loaded->know_tensors(source.onnx));
  BT_TRY(samples, inputs_of(loaded->model_, source.options));
  loaded->samples_ = std::move(samples);
  const Bytes before = runtime::settled_resident_bytes();
  const auto batch = loaded->dynamic_ ? std::nullopt : std::optional<std::int64_t>(1);
  BT_TRY(compiled, loaded->compile(batch));
  BT_TRY_VOID(loaded->read_back(compiled.get(), report));
  loaded->load_seconds_ = steady_seconds() - start;
  if (batch) return loaded;
  loaded->for_all_ = std::move(compiled);
  loaded->weight_bytes_ = std::max<Bytes>(0, runtime::settled_resident_bytes() - before);
  return loaded;
}

// Beside a file that had to be rewritten OpenVINO looks for no weights (links it follows to nowhere
// else): they go into the bytes.
Outcome<void> CompiledGroup::read(const OnnxForRuntime& onnx) {
  if (onnx.path.empty() && !onnx.external_data.empty()) {
    auto whole = embed_external_data(bytes_, onnx.external_data);
    if (!whole)
      return tl::unexpected(unsupported("OpenVINO reads weights beside a file only for the file as "
                                        "it is, and this one had to be rewritten to leave its batch "
                                        "free: " + to_string(whole.error())));
    bytes_ = std::move(*whole);
  }
  Graph* raw = nullptr;
  const int status = onnx.path.empty()
                         ? api_->read_bytes(&core_, bytes_.data(), bytes_.size(), nullptr, &raw)
                         : api_->read_file(&core_, onnx.path.c_str(), nullptr, &raw);
  BT_TRY_VOID(api_.check("read the model", status));
  graph_ = {raw, {api_->free_graph}};
  return {};
}

Outcome<runtime::DeclaredTensor> CompiledGroup::declared(PortAt at, std::size_t index) const {
  constexpr char kWhat[] = "tell what the model takes and gives";
  Port* raw = nullptr;
  BT_TRY_VOID(api_.check(kWhat, at(graph_.get(), index, &raw)));
  const Owned<Port> port{raw, {api_->free_port}};
  runtime::DeclaredTensor tensor;
  tensor.name = api_.name_of(raw);
  int element = 0;
  BT_TRY_VOID(api_.check(kWhat, api_->port_element(raw, &element)));
  tensor.element = api_.element_of(element);
  PartialShape shape{};
  BT_TRY_VOID(api_.check(kWhat, api_->port_shape(raw, &shape)));
  const bool has_rank = shape.rank.min == shape.rank.max && shape.rank.min >= 0;
  for (std::int64_t axis = 0; has_rank && axis < shape.rank.min; ++axis) {
    const Dimension& dimension = shape.dims[axis];
    tensor.dims.push_back(dimension.min == dimension.max ? dimension.min : -1);
  }
  api_->free_partial_shape(&shape);
  return tensor;
}

// What the file itself does not tell us OpenVINO does. A fixed batch can be reshaped.
Outcome<void> CompiledGroup::declare(OnnxForRuntime& onnx, LoadReport& report) {
  constexpr char kWhat[] = "tell what the model takes and gives";
  std::size_t input_count = 0, output_count = 0;
  BT_TRY_VOID(api_.check(kWhat, api_->inputs_size(graph_.get(), &input_count)));
  BT_TRY_VOID(api_.check(kWhat, api_->outputs_size(graph_.get(), &output_count)));
  std::vector<runtime::DeclaredTensor> inputs, outputs;
  for (std::size_t index = 0; index < input_count; ++index) {
    BT_TRY(input, declared(api_->input_at, index));
    if (input.name.empty())
      return tl::unexpected(unsupported("input " + std::to_string(index) +
                                        " of the model has no name: give it one when it is made"));
    inputs.push_back(std::move(input));
  }
  for (std::size_t index = 0; index < output_count; ++index) {
    BT_TRY(output, declared(api_->output_at, index));
    outputs.push_back(std::move(output));
  }
  const auto samples =
      options_.input_file.empty() ? runtime::Samples::seeded : runtime::Samples::of_a_file;
  BT_TRY(known, runtime::declare_and_tell(model_, inputs, outputs, samples, report.effective));
  result_index_ = known.result_index;
  fixed_batch_ = known.fixed_batch;
  onnx.inputs = std::move(known.inputs);
  onnx.outputs = {std::move(known.result)};
  model_ = std::move(known.model);
  return {};
}

Outcome<void> CompiledGroup::know_tensors(const OnnxForRuntime& onnx) {
  std::size_t count = 0;
  BT_TRY_VOID(api_.check("read the model", api_->inputs_size(graph_.get(), &count)));
  for (const OnnxTensor& tensor : onnx.inputs) {
    const OpIndex op = find_op(model_, tensor.op);
    if (op < 0) return failed("the model's input " + tensor.name + " is not known");
    BT_TRY(rank, rank_of(tensor.name));
    inputs_.push_back({tensor, op, rank});
  }
  if (count != inputs_.size())
    return failed("OpenVINO has another number of inputs than the model",
                  std::to_string(count) + " instead of " + std::to_string(inputs_.size()));
  const auto result =
      std::find_if(onnx.outputs.begin(), onnx.outputs.end(),
                   [&](const OnnxTensor& tensor) { return tensor.op == model_.output; });
  if (result == onnx.outputs.end())
    return failed("the model's output " + model_.output + " is none of its ONNX form's");
  result_tensor_ = *result;
  return {};
}

Outcome<std::size_t> CompiledGroup::rank_of(const std::string& input) const {
  constexpr char kWhat[] = "tell an input's shape";
  Port* raw = nullptr;
  BT_TRY_VOID(api_.check(kWhat, api_->input_by_name(graph_.get(), input.c_str(), &raw)));
  const Owned<Port> port{raw, {api_->free_port}};
  PartialShape shape{};
  BT_TRY_VOID(api_.check(kWhat, api_->port_shape(raw, &shape)));
  const Dimension rank = shape.rank;
  api_->free_partial_shape(&shape);
  if (rank.min != rank.max || rank.min < 0)
    return tl::unexpected(unsupported("the input " + input + " has no fixed number of dimensions"));
  return static_cast<std::size_t>(rank.min);
}

Outcome<void> CompiledGroup::reshape(std::optional<std::int64_t> batch) {
  std::vector<std::vector<Dimension>> dims;
  std::vector<const char*> names;
  for (const Input& input : inputs_) {
    const Op& op = model_.ops[static_cast<std::size_t>(input.op)];
    const auto layout = runtime::layout_of(op, input.tensor, batch.value_or(1), input.rank);
    if (!layout)
      return failed("the input " + input.tensor.name + " does not fit the model", layout.error());
    std::vector<Dimension>& own = dims.emplace_back();
    for (const std::int64_t size : layout->dims) own.push_back({size, size});
    if (!batch && input.tensor.batch_axis != runtime::kNoBatch)
      own[static_cast<std::size_t>(input.tensor.batch_axis)] = {-1, -1};
    names.push_back(input.tensor.name.c_str());
  }
  std::vector<PartialShape> shapes;
  for (std::vector<Dimension>& own : dims) {
    const auto rank = static_cast<std::int64_t>(own.size());
    shapes.push_back({{rank, rank}, own.data()});
  }
  auto reshaped = api_.check(
      "take the batch", api_->reshape(graph_.get(), names.data(), shapes.data(), shapes.size()));
  if (reshaped || !fixed_batch_ || batch == fixed_batch_) return reshaped;
  Ending& ending = reshaped.error();
  ending.status = TrialStatus::unsupported;
  ending.reason = "the file was made for batch " + std::to_string(*fixed_batch_) +
                  " and takes no other: convert the model again with its batch left open";
  return reshaped;
}

Outcome<Owned<CompiledModel>> CompiledGroup::compile(std::optional<std::int64_t> batch,
                                                     Profiling profiling) {
  BT_TRY_VOID(reshape(batch));
  std::array<const char*, 2 * kMostProperties> texts{};  // what follows the last is not looked at
  std::size_t count = 0;
  for (const auto& [key, value] : properties_) {
    texts[count++] = key.c_str();
    texts[count++] = value.c_str();
  }
  if (profiling == Profiling::on) {
    texts[count++] = "PERF_COUNT";
    texts[count++] = "YES";
  }
  CompiledModel* raw = nullptr;
  const int status = api_->compile(&core_, graph_.get(), kDevice, count, &raw, texts[0], texts[1],
                                   texts[2], texts[3], texts[4], texts[5], texts[6], texts[7],
                                   texts[8], texts[9], texts[10], texts[11], texts[12], texts[13]);
  BT_TRY_VOID(api_.check("compile the model", status));
  return Owned<CompiledModel>{raw, {api_->free_compiled}};
}

Outcome<void> CompiledGroup::read_back(const CompiledModel* compiled, LoadReport& report) const {
  for (const auto& [key, name] : kReadBack)
    if (std::string value = api_.property(compiled, key); !value.empty()) {
      const bool asked = std::any_of(properties_.begin(), properties_.end(),
                                     [&](const auto& property) { return property.first == key; });
      report.effective.push_back(
          {name, std::move(value), asked ? "read back" : "OpenVINO's default"});
    }
  if (std::string own = api_.device_property(core_, kDevice, kPrecisionKey); !own.empty())
    report.effective.push_back({"default_precision", std::move(own),
                                "what OpenVINO would compute in by itself here"});
  report.effective.push_back({"instances", std::int64_t{options_.group.instances},
                              "a stream each, of one compiled model"});
  report.effective.push_back({"dynamic", dynamic_, dynamic_ ? "--backend" : "openvino backend"});
  const std::string precision = api_.property(compiled, kPrecisionKey);
  if (precision.empty() || precision == name_of(options_.group.dtype)) return {};
  return tl::unexpected(unsupported("OpenVINO computes in " + precision +
                                    " on this machine, not in " +
                                    std::string(name_of(options_.group.dtype))));
}

Outcome<std::unique_ptr<Program>> CompiledGroup::prepare(const Candidate& candidate) {
  try {
    BT_TRY_VOID(runtime::check_candidate(candidate, options_.group));
    BT_TRY(program, RequestProgram::prepare(*this, candidate.batch));
    return std::unique_ptr<Program>(std::move(program));
  } catch (const std::bad_alloc&) {
    return tl::unexpected(runtime::no_memory("prepare " + to_string(candidate)));
  }
}

double CompiledGroup::output_tolerance() const {
  return runtime::output_tolerance(model_, options_.group.dtype);
}

}  // namespace batchtune::openvino
