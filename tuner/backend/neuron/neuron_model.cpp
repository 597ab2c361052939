#include "tuner/backend/neuron/neuron_model.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
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

// Of which there is a file by the pattern; {batch} is looked for in the last part of the path alone.
std::vector<std::int64_t> batches_in(const std::string& pattern) {
  namespace fs = std::filesystem;
  constexpr std::string_view kBatch = "{batch}";
  std::vector<std::int64_t> batches;
  const fs::path path(pattern);
  const std::string name = path.filename().string();
  const std::size_t at = name.find(kBatch);
  std::error_code none;
  if (at == std::string::npos) return batches;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (fs::directory_iterator file(folder, none), end; !none && file != end; file.increment(none)) {
    const std::string found = file->path().filename().string();
    std::int64_t batch = 0;
    const char* const begin = found.data() + std::min(at, found.size());
    const auto [stop, error] = std::from_chars(begin, found.data() + found.size(), batch);
    if (error == std::errc{} && batch >= 1 && with_batch(name, batch) == found)
      batches.push_back(batch);
  }
  std::sort(batches.begin(), batches.end());
  return batches;
}

Outcome<HloModule> program_of(const HloSource& source, std::int64_t batch, DType dtype) {
  auto program = source.program(batch, dtype);
  if (!program) return tl::unexpected(unsupported(to_string(program.error())));
  return std::move(*program);
}

}  // namespace

Outcome<void> check_group(const LoadOptions& options, std::optional<int> cores) {
  const CandidateGroup& group = options.group;
  if (group.dtype != DType::f32 && group.dtype != DType::bf16)
    return tl::unexpected(unsupported("programs are written in f32 and bf16, not in " +
                                      std::string(name_of(group.dtype))));
  if (group.instances < 1) return tl::unexpected(unsupported("instances must be at least 1"));
  if (group.cores < 1 || group.instances % group.cores != 0)
    return tl::unexpected(unsupported("as many executions in flight on each core: " +
                                      std::to_string(group.instances) + " on " +
                                      std::to_string(group.cores) + " cores are not"));
  if (cores && group.cores > *cores)
    return tl::unexpected(unsupported(std::to_string(group.cores) +
                                      " NeuronCores are wanted, and this process has " +
                                      std::to_string(*cores) + ": neuron:take says how many"));
  if (!options.isa.empty()) return tl::unexpected(unsupported("--isa is for CPUs"));
  if (!options.input_file.empty())
    return tl::unexpected(unsupported("samples of a file are not read here yet"));
  return {};
}

NeuronModel::NeuronModel(const Source& source)
    : library_(source.library),
      settings_(source.settings),
      compilations_(source.compilations),
      model_(source.model),
      options_(source.options),
      in_flight_(source.options.group.instances) {}

Outcome<std::unique_ptr<NeuronModel>> NeuronModel::load(const Source& source) {
  BT_TRY_VOID(check_group(source.options, source.library.cores()));
  const Stopwatch stopwatch;
  std::unique_ptr<NeuronModel> loaded(new NeuronModel(source));
  if (source.compilations != nullptr) BT_TRY_VOID(loaded->write_weights());
  loaded->load_seconds_ = stopwatch.seconds();
  return loaded;
}

// Names and sizes of weights are the same at every batch.
Outcome<void> NeuronModel::write_weights() {
  auto opened = HloSource::open(model_, options_.seed);
  if (!opened) return tl::unexpected(unsupported(to_string(opened.error())));
  programs_.emplace(std::move(*opened));
  BT_TRY(program, program_of(*programs_, 1, options_.group.dtype));
  for (const HloTensor& tensor : program.parameters) {
    if (!is_weight(tensor)) continue;
    const Bytes bytes = bytes_of(tensor);
    std::vector<Tensor> copies;
    for (int core = 0; core < cores(); ++core) {
      BT_TRY(copy,
             Tensor::allocate(library_, core, tensor.name, static_cast<std::size_t>(bytes)));
      copies.push_back(std::move(copy));
    }
    BT_TRY_VOID(write_weight(copies, *programs_, tensor));
    weights_.emplace(tensor.name, std::move(copies));
    weight_bytes_ += bytes;
  }
  return {};
}

const Tensor* NeuronModel::weight(const std::string& name, int core) const {
  const auto found = weights_.find(name);
  return found == weights_.end() ? nullptr : &found->second[static_cast<std::size_t>(core)];
}

NeffEntry NeuronModel::entry_of(std::int64_t batch) const {
  return {model_hash(model_), options_.group.dtype, batch,
          compilations_->compiler().arguments(options_.variant_arguments)};
}

Outcome<std::unique_ptr<Program>> NeuronModel::prepare_neff(std::int64_t batch) {
  BT_TRY(neff, read_neff(with_batch(settings_.neff, batch)));
  return NeuronProgram::prepare(*this, neff, nullptr, batch, std::nullopt);
}

Outcome<std::unique_ptr<Program>> NeuronModel::prepare(const Candidate& candidate) {
  BT_TRY_VOID(runtime::check_candidate(candidate, options_.group));
  if (compilations_ == nullptr) return prepare_neff(candidate.batch);
  BT_TRY(program, program_of(*programs_, candidate.batch, options_.group.dtype));
  BT_TRY(finished, compilations_->finish({program.bytes, entry_of(candidate.batch)}));
  return NeuronProgram::prepare(*this, finished.neff, &program, candidate.batch, finished.waited);
}

void NeuronModel::compile_ahead(const Candidate& candidate) {
  if (compilations_ == nullptr || !runtime::check_candidate(candidate, options_.group)) return;
  auto program = program_of(*programs_, candidate.batch, options_.group.dtype);
  if (program) compilations_->start({std::move(program->bytes), entry_of(candidate.batch)});
}

// What the entries say is held against what would be compiled now.
std::vector<std::int64_t> NeuronModel::compiled() const {
  if (compilations_ == nullptr) return batches_in(settings_.neff);
  const NeffCache& cache = compilations_->compiler().cache();
  const NeffEntry entry = entry_of(1);
  std::vector<std::int64_t> batches = cache.batches_of(entry.model, entry.dtype, entry.arguments);
  std::erase_if(batches, [&](std::int64_t batch) {
    const auto program = program_of(*programs_, batch, entry.dtype);
    return !program || !cache.find(program->bytes, entry.arguments);
  });
  return batches;
}

double NeuronModel::output_tolerance() const {
  return runtime::output_tolerance(model_, options_.group.dtype);
}

}  // namespace batchtune::neuron
