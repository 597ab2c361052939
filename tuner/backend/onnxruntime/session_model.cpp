#include "tuner/backend/onnxruntime/session_model.h"

#include <algorithm>
#include <new>
#include <utility>

#include "tuner/backend/onnxruntime/binding_program.h"
#include "tuner/backend/onnxruntime/profile.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/resident.h"
#include "tuner/backend/runtime/tolerance.h"
#include "tuner/workload/opaque.h"

namespace batchtune::onnxruntime {
namespace {

using runtime::Element;
using runtime::unsupported;

constexpr std::pair<ElementType, Element> kElements[] = {
    {ElementType::f32, Element::f32},        {ElementType::f64, Element::f64},
    {ElementType::f16, Element::f16},        {ElementType::bf16, Element::bf16},
    {ElementType::i8, Element::i8},          {ElementType::u8, Element::u8},
    {ElementType::i16, Element::i16},        {ElementType::u16, Element::u16},
    {ElementType::i32, Element::i32},        {ElementType::u32, Element::u32},
    {ElementType::i64, Element::i64},        {ElementType::u64, Element::u64},
    {ElementType::boolean, Element::boolean}};

constexpr char kReadWhat[] = "read the model";

const OnnxTensor* find_tensor(const std::vector<OnnxTensor>& known, const std::string& name) {
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const OnnxTensor& tensor) { return tensor.name == name; });
  return found != known.end() ? &*found : nullptr;
}

tl::unexpected<Ending> failed(std::string reason, std::string evidence = "") {
  return tl::unexpected(Ending{TrialStatus::failed, std::move(reason), std::move(evidence), ""});
}

}  // namespace

std::optional<Element> element_of(ElementType type) {
  for (const auto& [theirs, ours] : kElements)
    if (theirs == type) return ours;
  return std::nullopt;
}

ElementType type_of(Element element) {
  for (const auto& [theirs, ours] : kElements)
    if (ours == element) return theirs;
  return ElementType::f32;
}

Outcome<void> check_group(const LoadOptions& options) {
  const CandidateGroup& group = options.group;
  if (group.dtype != DType::f32)
    return tl::unexpected(unsupported("ONNX Runtime computes in the types of the file: no " +
                                      std::string(batchtune::name_of(group.dtype)) +
                                      " of an f32 model"));
  if (group.threads < 1 || group.instances < 1)
    return tl::unexpected(unsupported("threads and instances must be at least 1"));
  if (!options.isa.empty())
    return tl::unexpected(
        unsupported("ONNX Runtime chooses its instruction set itself: --isa is not for it"));
  return {};
}

SessionModel::SessionModel(const Source& source)
    : api_(source.api),
      environment_(source.environment),
      settings_(source.settings),
      given_(source.model),
      again_(source.again),
      model_(source.model),
      options_(source.options),
      instances_(source.options.group.instances) {}

Outcome<std::unique_ptr<SessionModel>> SessionModel::load(Source source, LoadReport& report) {
  const Seconds start = steady_seconds();
  std::unique_ptr<SessionModel> loaded(new SessionModel(source));
  const Bytes before = runtime::settled_resident_bytes();
  BT_TRY_VOID(
      loaded->api_.run("give its allocator", entry::default_allocator, &loaded->allocator_));
  BT_TRY_VOID(loaded->create_sessions(source));
  loaded->load_seconds_ = steady_seconds() - start;
  loaded->weight_bytes_ = std::max<Bytes>(0, runtime::settled_resident_bytes() - before);
  if (is_opaque(source.model)) BT_TRY_VOID(loaded->declare(source.onnx, report));
  BT_TRY_VOID(loaded->read_inputs(source.onnx.inputs));
  BT_TRY_VOID(loaded->read_outputs(source.onnx.outputs));
  BT_TRY(samples, inputs_of(loaded->model_, source.options));
  loaded->samples_ = std::move(samples);
  return loaded;
}

Outcome<void> SessionModel::create_sessions(const Source& source) {
  constexpr char kWhat[] = "load the model";
  const OnnxForRuntime& onnx = source.onnx;
  for (int instance = 0; instance < options_.group.instances; ++instance) {
    BT_TRY(options, make_session_options(api_, source.settings, instance, options_.group.threads,
                                         onnx.external_data));
    Session* raw = nullptr;
    if (onnx.path.empty())
      BT_TRY_VOID(api_.run(kWhat, entry::create_session_from_array, &source.environment,
                           onnx.bytes.data(), onnx.bytes.size(), options.get(), &raw));
    else
      BT_TRY_VOID(api_.run(kWhat, entry::create_session, &source.environment, onnx.path.c_str(),
                           options.get(), &raw));
    sessions_.push_back(api_.own(raw));
  }
  return {};
}

Outcome<std::string> SessionModel::name_of(GetName get, std::size_t index) const {
  char* text = nullptr;
  BT_TRY_VOID(api_.run(kReadWhat, get, session(0), index, allocator_, &text));
  std::string name = text;
  BT_TRY_VOID(api_.run(kReadWhat, entry::allocator_free, allocator_, text));
  return name;
}

Outcome<runtime::DeclaredTensor> SessionModel::declared(std::size_t index, GetName get_name,
                                                        GetType get_type) const {
  runtime::DeclaredTensor tensor;
  BT_TRY(name, name_of(get_name, index));
  tensor.name = std::move(name);
  TypeInfo* raw = nullptr;
  BT_TRY_VOID(api_.run(kReadWhat, get_type, session(0), index, &raw));
  const auto type = api_.own(raw);
  const TensorInfo* info = nullptr;
  BT_TRY_VOID(api_.run(kReadWhat, entry::as_tensor_info, type.get(), &info));
  if (info == nullptr) return tensor;  // a sequence or map
  ElementType element{};
  std::size_t rank = 0;
  BT_TRY_VOID(api_.run(kReadWhat, entry::element_type, info, &element));
  BT_TRY_VOID(api_.run(kReadWhat, entry::dimensions_count, info, &rank));
  tensor.element = element_of(element);
  tensor.dims.resize(rank);
  std::vector<const char*> symbols(rank, nullptr);
  BT_TRY_VOID(api_.run(kReadWhat, entry::dimensions, info, tensor.dims.data(), rank));
  BT_TRY_VOID(api_.run(kReadWhat, entry::symbolic_dimensions, info, symbols.data(), rank));
  for (const char* symbol : symbols) tensor.symbols.emplace_back(symbol != nullptr ? symbol : "");
  return tensor;
}

// What the file itself does not tell us the session does.
Outcome<void> SessionModel::declare(OnnxForRuntime& onnx, LoadReport& report) {
  std::size_t input_count = 0, output_count = 0;
  BT_TRY_VOID(api_.run(kReadWhat, entry::input_count, session(0), &input_count));
  BT_TRY_VOID(api_.run(kReadWhat, entry::output_count, session(0), &output_count));
  std::vector<runtime::DeclaredTensor> inputs, outputs;
  for (std::size_t index = 0; index < input_count; ++index) {
    BT_TRY(input, declared(index, entry::input_name, entry::input_type));
    inputs.push_back(std::move(input));
  }
  for (std::size_t index = 0; index < output_count; ++index) {
    BT_TRY(output, declared(index, entry::output_name, entry::output_type));
    outputs.push_back(std::move(output));
  }
  const auto samples =
      options_.input_file.empty() ? runtime::Samples::seeded : runtime::Samples::of_a_file;
  BT_TRY(known, runtime::declare_and_tell(model_, inputs, outputs, samples, report.effective));
  fixed_batch_ = known.fixed_batch;
  onnx.inputs = std::move(known.inputs);
  onnx.outputs = {std::move(known.result)};
  model_ = std::move(known.model);
  return {};
}

Outcome<void> SessionModel::read_inputs(const std::vector<OnnxTensor>& known) {
  std::size_t count = 0;
  BT_TRY_VOID(api_.run(kReadWhat, entry::input_count, session(0), &count));
  for (std::size_t index = 0; index < count; ++index) {
    BT_TRY(input, read_input(index, known));
    inputs_.push_back(std::move(input));
  }
  return {};
}

Outcome<Input> SessionModel::read_input(std::size_t index,
                                        const std::vector<OnnxTensor>& known) const {
  BT_TRY(name, name_of(entry::input_name, index));
  const OnnxTensor* const tensor = find_tensor(known, name);
  const OpIndex op = tensor != nullptr ? find_op(model_, tensor->op) : -1;
  if (op < 0) return failed("the model's input " + name + " is not known", "no values for it");
  TypeInfo* raw = nullptr;
  BT_TRY_VOID(api_.run(kReadWhat, entry::input_type, session(0), index, &raw));
  const auto type = api_.own(raw);
  const TensorInfo* info = nullptr;
  BT_TRY_VOID(api_.run(kReadWhat, entry::as_tensor_info, type.get(), &info));
  if (info == nullptr) return tl::unexpected(unsupported("the input " + name + " is no tensor"));
  ElementType element{};
  std::size_t rank = 0;
  BT_TRY_VOID(api_.run(kReadWhat, entry::element_type, info, &element));
  BT_TRY_VOID(api_.run(kReadWhat, entry::dimensions_count, info, &rank));
  const auto ours = element_of(element);
  if (!ours)
    return tl::unexpected(unsupported("the input " + name + " has element type " +
                                      std::to_string(static_cast<int>(element)) +
                                      " of ONNX, for which there are no values"));
  return Input{*tensor, op, *ours, rank};
}

Outcome<void> SessionModel::read_outputs(const std::vector<OnnxTensor>& known) {
  std::size_t count = 0;
  BT_TRY_VOID(api_.run(kReadWhat, entry::output_count, session(0), &count));
  for (std::size_t index = 0; index < count; ++index) {
    BT_TRY(name, name_of(entry::output_name, index));
    outputs_.push_back(std::move(name));
  }
  for (const OnnxTensor& tensor : known) {
    const auto found = std::find(outputs_.begin(), outputs_.end(), tensor.name);
    if (tensor.op != model_.output || found == outputs_.end()) continue;
    result_ = static_cast<std::size_t>(found - outputs_.begin());
    result_tensor_ = tensor;
    return {};
  }
  return failed("the model's output " + model_.output + " is none of the session's");
}

Outcome<std::unique_ptr<Program>> SessionModel::prepare(const Candidate& candidate) {
  try {
    BT_TRY_VOID(runtime::check_candidate(candidate, options_.group));
    if (fixed_batch_ && candidate.batch != *fixed_batch_)
      return tl::unexpected(unsupported(
          "the file takes batch " + std::to_string(*fixed_batch_) +
          " alone: its batch was fixed when it was made. Convert the ONNX file again with its batch "
          "left open, or tune that file, whose batch can be freed"));
    BT_TRY(program, BindingProgram::prepare(*this, candidate.batch));
    return std::unique_ptr<Program>(std::move(program));
  } catch (const std::bad_alloc&) {
    return tl::unexpected(runtime::no_memory("prepare " + to_string(candidate)));
  }
}

Outcome<std::vector<LayerTime>> SessionModel::profile(std::int64_t batch, int runs) const {
  BT_TRY(folder, TemporaryFolder::make());
  SessionSettings settings = settings_;
  settings.profile = (folder.path() / "runs").string();
  LoadOptions options = options_;
  options.group.instances = 1;
  BT_TRY(onnx, runtime::onnx_of(again_, given_, options.seed, kOwnFormat));
  LoadReport unread;
  BT_TRY(model, load({api_, environment_, settings, given_, options, std::move(onnx), again_}, unread));
  {
    BT_TRY(program, model->prepare({options.group, batch}));
    for (int i = 0; i < runs; ++i) BT_TRY_VOID(program->run(1));
  }
  char* text = nullptr;
  BT_TRY_VOID(api_.run("end its profile", entry::end_profiling, model->session(0), allocator_, &text));
  const std::string path = text;
  BT_TRY_VOID(api_.run("end its profile", entry::allocator_free, allocator_, text));
  return read_profile_file(path, runs);
}

double SessionModel::output_tolerance() const {
  return runtime::output_tolerance(model_, options_.group.dtype);
}

}  // namespace batchtune::onnxruntime
