#include "tuner/measure/loaded_group.h"

#include <algorithm>
#include <utility>

#include "tuner/backend/dynamic_batch.h"
#include "tuner/core/stopwatch.h"
#include "tuner/measure/output_check.h"
#include "tuner/measure/visit.h"
#include "tuner/measure/worker_setup.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

using namespace protocol;

constexpr char kReferenceIsa[] = "reference";

// Above what is mapped now.
void limit(const Load& request, Loaded& answer) {
  if (!request.address_space) return;
  const std::string why_not = limit_address_space(peak_address_space(), *request.address_space);
  const bool in_force = why_not.empty();
  answer.report.effective.push_back({"worker.rlimit_as",
                                     in_force ? Value(*request.address_space) : Value(),
                                     in_force ? "memory limit" : why_not});
}

std::unique_ptr<Program> make_program(LoadedModel& model, const Candidate& candidate,
                                      std::uint64_t seed, Prepared& prepared) {
  const Stopwatch stopwatch;
  auto program = model.prepare(candidate);
  if (program) (*program)->set_input(seed);
  const Seconds passed = stopwatch.seconds();
  prepared.spent += program ? (*program)->prepare_seconds().value_or(passed) : passed;
  if (!program) {
    prepared.ending = program.error();
    return nullptr;
  }
  prepared.compile_seconds = (*program)->compile_seconds();
  return std::move(*program);
}

Ending first_run(Program& program, Prepared& prepared) {
  const auto times = program.run(1);
  if (!times) return times.error();
  if (Ending ending = check_durations(*times); ending.status != TrialStatus::ok) return ending;
  prepared.first_run = *std::max_element(times->seconds.begin(), times->seconds.end());
  prepared.spent += *prepared.first_run;
  return {};
}

// Sample 0 at batch 1 (of the first instance), by a program that is made for it and gone after it. What that waits
// for a compiler is a part of preparing.
Outcome<std::vector<float>> output_of_batch_1(LoadedModel& model, const CandidateGroup& group,
                                              std::uint64_t seed, Prepared& prepared) {
  Prepared of_one;
  const auto program = make_program(model, {group, 1}, seed, of_one);
  const Ending ending = program == nullptr ? of_one.ending : first_run(*program, of_one);
  prepared.spent += of_one.spent;
  if (const Seconds waited = of_one.compile_seconds.value_or(0); waited > 0) {
    prepared.compile_seconds = prepared.compile_seconds.value_or(0) + waited;
    prepared.prepare_seconds += waited;
  }
  if (ending.status != TrialStatus::ok) return tl::unexpected(ending);
  auto output = program->read_output(1);
  if (output) *output = first_samples(*output, group.instances, 1).front();
  return output;
}

bool has_isa(const LoadReport& report, const std::string& isa) {
  return std::any_of(report.effective.begin(), report.effective.end(), [&](const Setting& setting) {
    return setting.name == "isa" && setting.value == Value(isa);
  });
}

}  // namespace

Outcome<LoadedGroup> LoadedGroup::load(Backend& backend, const Load& request, Loaded& answer) {
  LoadedGroup group(backend, request.options);
  if (!request.model_json.empty()) {
    auto parsed = parse_model(request.model_json, "the model");
    if (!parsed)
      return tl::unexpected(Ending{TrialStatus::failed, to_string(parsed.error()), "", ""});
    group.model_ = std::move(*parsed);
  }
  if (!request.limit_after_loading) limit(request, answer);
  auto loaded = backend.load(group.model_, request.options, answer.report);
  if (!loaded) return tl::unexpected(loaded.error());
  if (request.limit_after_loading) limit(request, answer);
  group.loaded_ = with_dynamic_batching(std::move(*loaded), backend, group.model_, request.options);
  answer.load_seconds = group.loaded_->load_seconds();
  answer.shares_weights = group.loaded_->shares_weights();
  return group;
}

std::unique_ptr<Program> LoadedGroup::prepare(const Prepare& request, Beacon& beacon,
                                              Prepared& answer) {
  const std::int64_t batch = request.candidate.batch;
  beacon.set(Phase::preparing, request.program, batch);
  auto program = make_program(*loaded_, request.candidate, options_.seed, answer);
  answer.prepare_seconds = answer.spent;
  if (program == nullptr) return nullptr;
  answer.memory = program->memory();
  beacon.set(Phase::first_run, request.program, batch);
  answer.ending = first_run(*program, answer);
  if (answer.ending.status == TrialStatus::ok && (request.check || request.verify)) {
    beacon.set(Phase::checking, request.program, batch);
    answer.ending = check(request, *program, beacon, answer);
  }
  return answer.ending.status == TrialStatus::ok ? std::move(program) : nullptr;
}

// Of every instance, against the output of batch 1 in the same group; and of the first against that
// of the reference kernels where asked for.
Ending LoadedGroup::check(const Prepare& request, Program& program, Beacon& beacon,
                          Prepared& answer) {
  auto output = program.read_output(kCheckedSamples);
  if (!output && output.error().status == TrialStatus::unsupported)
    return {TrialStatus::ok, "", "not checked: " + output.error().reason, ""};
  if (!output) return output.error();
  const std::int64_t samples = std::min(kCheckedSamples, request.candidate.batch);
  if (Ending ending = check_finite(*output); ending.status != TrialStatus::ok) return ending;
  const auto outputs = first_samples(*output, request.candidate.group.instances, samples);
  if (request.candidate.batch == 1 && request.candidate.group.compiled_batch == 0)
    batch_1_output_ = outputs.front();
  else if (Ending ending = make_batch_1_output(beacon, answer); ending.status != TrialStatus::ok)
    return ending;
  if (Ending ending = compare_with_batch_1(outputs); ending.status != TrialStatus::ok)
    return ending;
  if (!std::exchange(output_told_, true)) {
    answer.output = *batch_1_output_;
    answer.output.resize(std::min(answer.output.size(), kComparedValues));
  }
  return request.verify ? verify(outputs.front(), beacon, answer) : Ending{};
}

Ending LoadedGroup::compare_with_batch_1(const std::vector<std::vector<float>>& outputs) const {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Ending ending = compare_outputs(*batch_1_output_, outputs[i], loaded_->output_tolerance());
    if (ending.status == TrialStatus::ok) continue;
    if (outputs.size() > 1)
      ending.evidence +=
          ", in instance " + std::to_string(i + 1) + " of " + std::to_string(outputs.size());
    return ending;
  }
  return {};
}

Ending LoadedGroup::make_batch_1_output(Beacon& beacon, Prepared& answer) {
  if (batch_1_output_) return {};
  beacon.beat();
  auto expected = output_of_batch_1(*loaded_, options_.group, options_.seed, answer);
  if (!expected)
    return {TrialStatus::failed, "batch 1, which outputs are checked against, did not run",
            expected.error().reason + "; " + expected.error().evidence, ""};
  if (Ending ending = check_finite(*expected); ending.status != TrialStatus::ok) {
    ending.reason = "batch 1, which outputs are checked against: " + ending.reason;
    return ending;
  }
  batch_1_output_ = std::move(*expected);
  return {};
}

// Ok with evidence where there is nothing to hold the output against.
Ending LoadedGroup::verify(const std::vector<float>& output, Beacon& beacon, Prepared& answer) {
  if (!reference_output_ && no_reference_.empty())
    if (Ending ending = make_reference_output(beacon, answer); ending.status != TrialStatus::ok)
      no_reference_ = "not verified: " + ending.reason;
  if (!reference_output_) return {TrialStatus::ok, "", no_reference_, ""};
  // Each of the two may be off by its own tolerance.
  Ending ending = compare_outputs(*reference_output_, output,
                                  reference_tolerance_ + loaded_->output_tolerance());
  if (ending.status != TrialStatus::ok)
    ending.evidence += ", against the reference kernels at batch 1";
  return ending;
}

// By a copy of the model that is loaded for it and gone after it.
Ending LoadedGroup::make_reference_output(Beacon& beacon, Prepared& answer) {
  beacon.beat();
  LoadOptions options = options_;
  options.isa = kReferenceIsa;
  options.group.instances = 1;
  LoadReport report;
  auto model = backend_->load(model_, options, report);
  if (!model)
    return {TrialStatus::unsupported, "no reference kernels: " + model.error().reason, "", ""};
  if (!has_isa(report, kReferenceIsa))
    return {TrialStatus::unsupported, "the backend has no reference kernels", "", ""};
  answer.spent += (*model)->load_seconds();
  auto output = output_of_batch_1(**model, options.group, options_.seed, answer);
  if (!output)
    return {TrialStatus::failed, "the reference kernels did not run: " + output.error().reason, "",
            ""};
  reference_tolerance_ = (*model)->output_tolerance();
  reference_output_ = std::move(*output);
  return {};
}

}  // namespace batchtune
