#include "tuner/backend/neuron/neuron_model.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "tuner/backend/neuron/neuron_program.h"
#include "tuner/backend/neuron/values.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/tolerance.h"
#include "tuner/core/stopwatch.h"

namespace batchtune::neuron {
namespace {

using runtime::unsupported;

std::string with_batch(std::string pattern, std::int64_t batch) {
  constexpr std::string_view kBatch = "{batch}";
  for (std::size_t at; (at = pattern.find(kBatch)) != std::string::npos;)
    pattern.replace(at, kBatch.size(), std::to_string(batch));
  return pattern;
}

// A batch for which the user has none is no fault.
Outcome<std::string> read_neff(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return tl::unexpected(
        unsupported("there is no NEFF of this batch size: " + path + ": " + std::strerror(errno)));
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

Outcome<HloModule> program_of(const Model& model, std::int64_t batch, DType dtype) {
  auto program = make_hlo(model, batch, dtype);
  if (!program) return tl::unexpected(unsupported(to_string(program.error())));
  return std::move(*program);
}

}  // namespace

Outcome<void> check_group(const LoadOptions& options) {
  if (options.group.dtype != DType::f32 && options.group.dtype != DType::bf16)
    return tl::unexpected(unsupported("programs are written in f32 and bf16, not in " +
                                      std::string(name_of(options.group.dtype))));
  if (options.group.instances < 1)
    return tl::unexpected(unsupported("instances must be at least 1"));
  if (!options.isa.empty()) return tl::unexpected(unsupported("--isa is for CPUs"));
  if (!options.input_file.empty())
    return tl::unexpected(unsupported("samples of a file are not read here yet"));
  return {};
}

NeuronModel::NeuronModel(const Source& source)
    : library_(source.library),
      settings_(source.settings),
      compiler_(source.compiler),
      model_(source.model),
      options_(source.options),
      in_flight_(source.options.group.instances) {}

Outcome<std::unique_ptr<NeuronModel>> NeuronModel::load(const Source& source) {
  BT_TRY_VOID(check_group(source.options));
  const Stopwatch stopwatch;
  std::unique_ptr<NeuronModel> loaded(new NeuronModel(source));
  if (source.compiler != nullptr) BT_TRY_VOID(loaded->write_weights());
  loaded->load_seconds_ = stopwatch.seconds();
  return loaded;
}

// Names and sizes of weights are the same at every batch.
Outcome<void> NeuronModel::write_weights() {
  BT_TRY(program, program_of(model_, 1, options_.group.dtype));
  for (const HloTensor& tensor : program.parameters) {
    if (!tensor.role) continue;
    const Bytes bytes = bytes_of(tensor);
    BT_TRY(weight, Tensor::allocate(library_, tensor.name, static_cast<std::size_t>(bytes)));
    BT_TRY_VOID(write_weight(weight, model_, tensor, options_.seed));
    weights_.emplace(tensor.name, std::move(weight));
    weight_bytes_ += bytes;
  }
  return {};
}

const Tensor* NeuronModel::weight(const std::string& name) const {
  const auto found = weights_.find(name);
  return found == weights_.end() ? nullptr : &found->second;
}

Outcome<std::unique_ptr<Program>> NeuronModel::prepare(const Candidate& candidate) {
  BT_TRY_VOID(runtime::check_candidate(candidate, options_.group));
  if (compiler_ == nullptr) {
    BT_TRY(neff, read_neff(with_batch(settings_.neff, candidate.batch)));
    return NeuronProgram::prepare(*this, neff, nullptr, candidate.batch);
  }
  BT_TRY(program, program_of(model_, candidate.batch, options_.group.dtype));
  BT_TRY(compiled, compiler_->compile(program.bytes));
  return NeuronProgram::prepare(*this, compiled.neff, &program, candidate.batch);
}

double NeuronModel::output_tolerance() const {
  return runtime::output_tolerance(model_, options_.group.dtype);
}

}  // namespace batchtune::neuron
