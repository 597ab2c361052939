#include "tuner/backend/onnxruntime/binding_program.h"

#include <algorithm>
#include <span>
#include <utility>

#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/resident.h"

namespace batchtune::onnxruntime {
namespace {

constexpr char kPrepareWhat[] = "prepare the batch";
constexpr char kRunWhat[] = "run the model";

struct RunFailed {  // thrown from an instance's thread to the caller's
  Ending ending;
};

struct TensorFacts {
  runtime::Element element = runtime::Element::f32;
  runtime::Dimensions dims;
};

Outcome<TensorFacts> facts_of(const Api& api, Value* value) {
  constexpr char kWhat[] = "tell an output's shape";
  TensorInfo* raw = nullptr;
  BT_TRY_VOID(api.run(kWhat, entry::tensor_info, value, &raw));
  const auto info = api.own(raw);
  ElementType type{};
  std::size_t rank = 0;
  BT_TRY_VOID(api.run(kWhat, entry::element_type, raw, &type));
  BT_TRY_VOID(api.run(kWhat, entry::dimensions_count, raw, &rank));
  TensorFacts facts;
  facts.dims.resize(rank);
  BT_TRY_VOID(api.run(kWhat, entry::dimensions, raw, facts.dims.data(), rank));
  const auto element = element_of(type);
  if (!element) return tl::unexpected(runtime::unsupported("an output is of no number type"));
  facts.element = *element;
  return facts;
}

}  // namespace

Outcome<std::unique_ptr<BindingProgram>> BindingProgram::prepare(SessionModel& model,
                                                                 std::int64_t batch) {
  std::unique_ptr<BindingProgram> program(new BindingProgram(model, batch));
  const Bytes before = runtime::settled_resident_bytes();
  for (int instance = 0; instance < model.instances().count(); ++instance)
    BT_TRY_VOID(program->add_instance(instance));
  BT_TRY_VOID(program->fill_inputs(model.seed()));
  for (int instance = 0; instance < model.instances().count(); ++instance) {
    BT_TRY_VOID(program->run_once(instance));
    BT_TRY_VOID(program->bind_outputs(instance));
  }
  std::vector<float> unread;
  BT_TRY_VOID(program->append_output(0, 0, unread));  // whether it can be read at all
  BT_TRY(io, program->input_and_output_bytes());
  const Bytes grown = runtime::settled_resident_bytes() - before;
  program->memory_ = {model.weight_bytes(), io, std::max<Bytes>(0, grown - io), MemoryKind::rss};
  return program;
}

Outcome<void> BindingProgram::add_instance(int instance) {
  const Api& api = model_.api();
  IoBinding* raw = nullptr;
  BT_TRY_VOID(api.run(kPrepareWhat, entry::create_io_binding, model_.session(instance), &raw));
  Instance& own = instances_.emplace_back();
  own.binding = api.own(raw);
  for (const Input& input : model_.inputs()) {
    BT_TRY(bound, make_input(input));
    BT_TRY_VOID(api.run(kPrepareWhat, entry::bind_input, raw, input.tensor.name.c_str(),
                        bound.value.get()));
    own.inputs.push_back(std::move(bound));
  }
  MemoryInfo* memory = nullptr;
  BT_TRY_VOID(api.run(kPrepareWhat, entry::create_cpu_memory_info, AllocatorType::device,
                      MemoryType::standard, &memory));
  const auto owned_memory = api.own(memory);
  for (const std::string& output : model_.outputs())
    BT_TRY_VOID(api.run(kPrepareWhat, entry::bind_output_to_device, raw, output.c_str(), memory));
  return {};
}

Outcome<BindingProgram::Bound> BindingProgram::make_input(const Input& input) const {
  const Api& api = model_.api();
  const Op& op = model_.model().ops[static_cast<std::size_t>(input.op)];
  auto layout = runtime::layout_of(op, input.tensor, batch_, input.rank);
  if (!layout)
    return tl::unexpected(Ending{TrialStatus::failed,
                                 "the input " + input.tensor.name + " does not fit the model",
                                 layout.error(), ""});
  Value* raw = nullptr;
  BT_TRY_VOID(api.run(kPrepareWhat, entry::create_tensor, model_.allocator(), layout->dims.data(),
                      layout->dims.size(), type_of(input.element), &raw));
  Bound bound{api.own(raw), std::move(*layout), nullptr};
  BT_TRY_VOID(api.run(kPrepareWhat, entry::tensor_data, raw, &bound.data));
  return bound;
}

Outcome<void> BindingProgram::fill_inputs(std::uint64_t seed) {
  seed_.reset();
  for (Instance& instance : instances_)
    for (std::size_t i = 0; i < instance.inputs.size(); ++i) {
      const Input& input = model_.inputs()[i];
      const Bound& bound = instance.inputs[i];
      const Op& op = model_.model().ops[static_cast<std::size_t>(input.op)];
      const auto filled = runtime::fill_samples(bound.layout, input.element, bound.data, op,
                                                  model_.samples(), seed);
      if (!filled) return tl::unexpected(no_samples(filled.error()));
    }
  seed_ = seed;
  return {};
}

void BindingProgram::set_input(std::uint64_t seed) {
  if (seed != seed_) input_set_ = fill_inputs(seed);
}

// The outputs of the last run become those of all further ones.
Outcome<void> BindingProgram::bind_outputs(int instance) {
  const Api& api = model_.api();
  Instance& own = instances_[static_cast<std::size_t>(instance)];
  Value** values = nullptr;
  std::size_t count = 0;
  BT_TRY_VOID(api.run(kPrepareWhat, entry::bound_output_values, own.binding.get(),
                      model_.allocator(), &values, &count));
  for (Value* value : std::span(values, count)) own.outputs.push_back(api.own(value));
  BT_TRY_VOID(api.run(kPrepareWhat, entry::allocator_free, model_.allocator(), values));
  if (count != model_.outputs().size())
    return tl::unexpected(
        Ending{TrialStatus::failed, "ONNX Runtime gave other outputs than it has",
               std::to_string(count) + " of " + std::to_string(model_.outputs().size()), ""});
  for (std::size_t i = 0; i < count; ++i) {
    int is_tensor = 0;
    BT_TRY_VOID(api.run(kPrepareWhat, entry::is_tensor, own.outputs[i].get(), &is_tensor));
    if (is_tensor == 0) continue;  // a sequence or map: made anew by each run
    BT_TRY_VOID(api.run(kPrepareWhat, entry::bind_output, own.binding.get(),
                        model_.outputs()[i].c_str(), own.outputs[i].get()));
  }
  return {};
}

Outcome<void> BindingProgram::run_once(int instance) {
  return model_.api().run(kRunWhat, entry::run_with_binding, model_.session(instance),
                          static_cast<const RunOptions*>(nullptr),
                          instances_[static_cast<std::size_t>(instance)].binding.get());
}

Outcome<RunTimes> BindingProgram::run(int n) {
  if (!input_set_) return tl::unexpected(input_set_.error());
  try {
    return model_.instances().run(n, [this](int instance) {
      if (auto done = run_once(instance); !done) throw RunFailed{std::move(done.error())};
    });
  } catch (RunFailed& failure) {
    return tl::unexpected(std::move(failure.ending));
  }
}

Outcome<Bytes> BindingProgram::bytes_of(Value* value) const {
  int is_tensor = 0;
  BT_TRY_VOID(model_.api().run(kPrepareWhat, entry::is_tensor, value, &is_tensor));
  if (is_tensor == 0) return Bytes{0};
  const auto facts = facts_of(model_.api(), value);
  if (!facts) return Bytes{0};  // no numbers
  return runtime::elements_of(facts->dims) * static_cast<Bytes>(runtime::size_of(facts->element));
}

Outcome<Bytes> BindingProgram::input_and_output_bytes() const {
  Bytes total = 0;
  for (const Instance& instance : instances_) {
    for (const Bound& input : instance.inputs) {
      BT_TRY(bytes, bytes_of(input.value.get()));
      total += bytes;
    }
    for (const auto& output : instance.outputs) {
      BT_TRY(bytes, bytes_of(output.get()));
      total += bytes;
    }
  }
  return total;
}

Outcome<void> BindingProgram::append_output(int instance, std::int64_t samples,
                                            std::vector<float>& values) const {
  const Api& api = model_.api();
  Value* const value =
      instances_[static_cast<std::size_t>(instance)].outputs[model_.result()].get();
  BT_TRY(facts, facts_of(api, value));
  const Model& model = model_.model();
  const Op& op = model.ops[static_cast<std::size_t>(find_op(model, model.output))];
  const auto layout = runtime::layout_of_output(op, model_.result_tensor(), batch_, facts.dims);
  if (!layout)
    return tl::unexpected(runtime::unsupported("the output " + model_.result_tensor().name +
                                               " cannot be read: " + layout.error()));
  void* data = nullptr;
  BT_TRY_VOID(api.run("give its output", entry::tensor_data, value, &data));
  runtime::read_samples(*layout, facts.element, data, samples, values);
  return {};
}

Outcome<std::vector<float>> BindingProgram::read_output(std::int64_t samples) {
  std::vector<float> values;
  for (int instance = 0; instance < model_.instances().count(); ++instance)
    BT_TRY_VOID(append_output(instance, std::clamp<std::int64_t>(samples, 0, batch_), values));
  return values;
}

}  // namespace batchtune::onnxruntime
