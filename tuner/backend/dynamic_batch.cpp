#include "tuner/backend/dynamic_batch.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "tuner/core/stopwatch.h"
#include "tuner/core/units.h"
#include "tuner/core/user_batches.h"

namespace batchtune {
namespace {

constexpr Bytes kIdBytes = 4;

// A program of the compiled batch with what must be done to it once.
struct Compiled {
  std::unique_ptr<Program> program;
  bool has_input = false;
  bool prepared = false;  // its preparation was told
};

// What one instance copies for a request, in buffers of its own: user's input -> the compiled batch's, and back.
class Copies {
 public:
  Copies(const SampleBytes& sample, std::int64_t user_batch, std::int64_t compiled_batch)
      : input_(bytes(sample.input, user_batch)),
        output_(bytes(sample.output, user_batch)),
        compiled_input_(bytes(sample.input, compiled_batch)),
        compiled_output_(bytes(sample.output, compiled_batch)) {}

  static Bytes total(const SampleBytes& sample, std::int64_t user_batch, std::int64_t compiled_batch) {
    return (sample.input + sample.output) * (user_batch + compiled_batch);
  }

  // Seconds of splitting, padding and joining one request.
  Seconds run() {
    const Stopwatch stopwatch;
    for (std::size_t begin = 0; begin < input_.size(); begin += compiled_input_.size()) {
      const std::size_t part = std::min(compiled_input_.size(), input_.size() - begin);
      std::memcpy(compiled_input_.data(), input_.data() + begin, part);
      std::memset(compiled_input_.data() + part, 0, compiled_input_.size() - part);
      keep(compiled_input_);
    }
    for (std::size_t begin = 0; begin < output_.size(); begin += compiled_output_.size()) {
      const std::size_t part = std::min(compiled_output_.size(), output_.size() - begin);
      std::memcpy(output_.data() + begin, compiled_output_.data(), part);
      keep(output_);
    }
    return stopwatch.seconds();
  }

 private:
  using Buffer = std::vector<std::byte>;

  static std::size_t bytes(Bytes of_sample, std::int64_t samples) {
    return static_cast<std::size_t>(of_sample * samples);
  }
  // Nobody reads what was copied: without this the compiler may leave it out.
  static void keep(Buffer& buffer) { asm volatile("" : : "r"(buffer.data()) : "memory"); }

  Buffer input_, output_, compiled_input_, compiled_output_;
};

class SplitProgram final : public Program {
 public:
  // `copies`: one for each instance, or none. `compiled` is shared, since programs of other user batches run it too.
  SplitProgram(std::shared_ptr<Compiled> compiled, const Candidate& candidate, std::vector<Copies> copies,
               Bytes copied)
      : compiled_(std::move(compiled)),
        candidate_(candidate),
        runs_(static_cast<int>(runs_of(candidate.batch, candidate.group.compiled_batch))),
        copies_(std::move(copies)),
        copied_(copied),
        first_(!std::exchange(compiled_->prepared, true)) {}

  Outcome<RunTimes> run(int n) override {
    RunTimes all;
    // Instances must not wait for each other between requests; one alone copies between them, as it would.
    const int together = instances() > 1 ? n : 1;
    for (int done = 0; done < n; done += together) {
      auto times = inner().run(together * runs_);
      if (!times) return times;
      all.clock = times->clock;
      add_requests(*times, all);
    }
    return all;
  }

  void set_input(std::uint64_t seed) override {
    if (!std::exchange(compiled_->has_input, true)) inner().set_input(seed);
  }

  Outcome<std::vector<float>> read_output(std::int64_t samples) override {
    const std::int64_t compiled_batch = candidate_.group.compiled_batch;
    const std::int64_t wanted = std::min(samples, candidate_.batch);
    const std::int64_t had = std::min(wanted, compiled_batch);
    auto output = inner().read_output(had);
    if (!output || wanted == had) return output;
    const std::size_t sample = output->size() / static_cast<std::size_t>(instances() * had);
    std::vector<float> joined;
    joined.reserve(static_cast<std::size_t>(instances() * wanted) * sample);
    for (std::int64_t instance = 0; instance < instances(); ++instance)
      for (std::int64_t i = 0; i < wanted; ++i) {
        const auto first = static_cast<std::size_t>(instance * had + i % compiled_batch) * sample;
        const auto begin = output->begin() + static_cast<std::ptrdiff_t>(first);
        joined.insert(joined.end(), begin, begin + static_cast<std::ptrdiff_t>(sample));
      }
    return joined;
  }

  MemoryUse memory() const override {
    MemoryUse use = compiled_->program->memory();
    if (use.kind == MemoryKind::account) use.activations += copied_;
    return use;
  }

  std::optional<Seconds> prepare_seconds() const override { return once(compiled_->program->prepare_seconds()); }
  std::optional<Seconds> compile_seconds() const override { return once(compiled_->program->compile_seconds()); }
  void announce(int runs) override { inner().announce(runs * runs_); }
  Seconds take_extra() override { return inner().take_extra(); }

 private:
  Program& inner() { return *compiled_->program; }
  int instances() const { return candidate_.group.instances; }

  // Of what was prepared for another program already nothing is told again.
  std::optional<Seconds> once(std::optional<Seconds> told) const {
    return told && !first_ ? std::optional<Seconds>(0) : told;
  }

  // One duration for each request of each instance, from those of its runs.
  void add_requests(const RunTimes& times, RunTimes& all) {
    std::map<int, std::pair<int, Seconds>> begun;  // by instance: runs so far, their seconds
    for (std::size_t i = 0; i < times.seconds.size(); ++i) {
      auto& [runs, seconds] = begun[times.instance[i]];
      seconds += times.seconds[i];
      if (++runs < runs_) continue;
      all.seconds.push_back(seconds + copy_seconds(times.instance[i], times.clock));
      all.instance.push_back(times.instance[i]);
      begun[times.instance[i]] = {};
    }
  }

  Seconds copy_seconds(int instance, ClockKind clock) {
    const auto index = static_cast<std::size_t>(instance);
    if (clock != ClockKind::host || index >= copies_.size()) return 0;
    return copies_[index].run();
  }

  std::shared_ptr<Compiled> compiled_;
  Candidate candidate_;
  int runs_;
  std::vector<Copies> copies_;
  Bytes copied_;  // bytes of `copies_`
  bool first_;    // of the programs that share the compiled one
};

class DynamicBatchModel final : public LoadedModel {
 public:
  DynamicBatchModel(std::unique_ptr<LoadedModel> inner, Backend& backend, const SampleBytes& sample,
                    std::optional<Bytes> account_limit)
      : inner_(std::move(inner)), backend_(backend), sample_(sample), account_limit_(account_limit) {}

  bool shares_weights() const override { return inner_->shares_weights(); }
  Seconds load_seconds() const override { return inner_->load_seconds(); }
  double output_tolerance() const override { return inner_->output_tolerance(); }
  void compile_ahead(const Candidate& candidate) override { inner_->compile_ahead(compiled_of(candidate)); }

  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    if (candidate.group.compiled_batch == 0) return inner_->prepare(candidate);
    auto compiled = compiled_program(candidate);
    if (!compiled) return tl::unexpected(compiled.error());
    std::vector<Copies> copies;
    Bytes copied = 0;
    if (copies_on_host()) {
      const std::int64_t batch = candidate.batch, compiled_batch = candidate.group.compiled_batch;
      copied = candidate.group.instances * Copies::total(sample_, batch, compiled_batch);
      if (auto ending = over_limit((*compiled)->program->memory(), copied)) return tl::unexpected(*ending);
      for (int instance = 0; instance < candidate.group.instances; ++instance)
        copies.emplace_back(sample_, batch, compiled_batch);
    }
    return std::make_unique<SplitProgram>(std::move(*compiled), candidate, std::move(copies), copied);
  }

 private:
  static Candidate compiled_of(const Candidate& candidate) {
    if (candidate.group.compiled_batch == 0) return candidate;
    return {group_to_load(candidate.group), candidate.group.compiled_batch};
  }

  Outcome<std::shared_ptr<Compiled>> compiled_program(const Candidate& candidate) {
    std::weak_ptr<Compiled>& known = compiled_[candidate.group.compiled_batch];
    if (auto compiled = known.lock()) return compiled;
    auto program = inner_->prepare(compiled_of(candidate));
    if (!program) return tl::unexpected(program.error());
    auto compiled = std::make_shared<Compiled>();
    compiled->program = std::move(*program);
    known = compiled;
    return compiled;
  }

  bool copies_on_host() {
    if (!simulated_) simulated_ = backend_.describe().simulated;
    return !*simulated_ && sample_.input + sample_.output > 0;
  }

  std::optional<Ending> over_limit(const MemoryUse& use, Bytes copied) const {
    if (!account_limit_ || use.kind != MemoryKind::account || use.total() + copied <= *account_limit_)
      return std::nullopt;
    return Ending{TrialStatus::out_of_memory, "no memory for splitting a user's batch",
                  "account: wanted " + format_bytes(static_cast<double>(use.total() + copied)) + " of " +
                      format_bytes(static_cast<double>(*account_limit_)),
                  "host"};
  }

  std::unique_ptr<LoadedModel> inner_;
  Backend& backend_;
  SampleBytes sample_;
  std::optional<Bytes> account_limit_;
  std::optional<bool> simulated_;                           // the backend, once it was asked
  std::map<std::int64_t, std::weak_ptr<Compiled>> compiled_;  // by compiled batch, while a program runs it
};

}  // namespace

SampleBytes sample_bytes_of(const Model& model, DType dtype) {
  SampleBytes bytes;
  const auto element = static_cast<Bytes>(size_of(dtype));
  for (const Op& op : model.ops)
    if (op.kind == OpKind::input)
      bytes.input += elements(op.output) * (op.input_kind == InputKind::token_ids ? kIdBytes : element);
  if (const OpIndex output = find_op(model, model.output); output >= 0 && bytes.input > 0)
    bytes.output = elements(model.ops[static_cast<std::size_t>(output)].output) * element;
  return bytes;
}

CandidateGroup group_to_load(CandidateGroup group) {
  group.compiled_batch = 0;
  return group;
}

std::unique_ptr<LoadedModel> with_dynamic_batching(std::unique_ptr<LoadedModel> inner, Backend& backend,
                                                   const Model& model, const LoadOptions& options) {
  return std::make_unique<DynamicBatchModel>(std::move(inner), backend, sample_bytes_of(model, options.group.dtype),
                                             options.account_limit);
}

}  // namespace batchtune
