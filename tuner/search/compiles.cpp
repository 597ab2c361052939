// See compiles.h.
#include "tuner/search/compiles.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "tuner/core/compiling.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr Seconds kUsualCompile = 60;  // before one was seen: those worth counting take minutes

}  // namespace

bool same_programs(const CandidateGroup& a, const CandidateGroup& b) {
  return a.compiled_batch == b.compiled_batch && program_of({a, 1}) == program_of({b, 1});
}

bool Compiles::same(const Candidate& a, const Candidate& b) const {
  const auto device_part = [](const CandidateGroup& group) {
    return std::tie(group.threads, group.instances, group.cores);
  };
  return program_of(a) == program_of(b) &&
         (shared_ || device_part(a.group) == device_part(b.group));
}

const Compiles::Program* Compiles::find(const Candidate& candidate) const {
  for (const Program& program : programs_)
    if (same(program.candidate, candidate)) return &program;
  return nullptr;
}

Compiles::Program& Compiles::at(const Candidate& candidate) {
  for (Program& program : programs_)
    if (same(program.candidate, candidate)) return program;
  return programs_.emplace_back(Program{candidate});
}

bool Compiles::compiles(const CandidateGroup& group) const {
  if (plain_.contains(group.backend)) return false;
  return most_ > 0 || elsewhere_ || compiling_.contains(group.backend);
}

// What was begun ahead before this list could be told, and is in it, was no compilation.
void Compiles::note_found(const CandidateGroup& group, const std::vector<std::int64_t>& batches) {
  for (const std::int64_t batch : batches) {
    CandidateGroup as_it_is = group;
    as_it_is.compiled_batch = 0;
    Program& program = at({as_it_is, batch});
    if (program.early && program.pending) program.counts = false;
    program.compiled = true;
    program.pending = false;
  }
}

Seconds Compiles::tell(const Preparation& preparation) {
  const CandidateGroup& group = preparation.candidate.group;
  const bool ok = preparation.ending.status == TrialStatus::ok;
  note_found(group, preparation.compiled);
  loaded_.push_back(group);
  if (preparation.compile_seconds) compiling_.insert(group.backend);
  if (ok && !preparation.compile_seconds && !compiling_.contains(group.backend))
    plain_.insert(group.backend);
  if (!compiles(group)) return 0;

  const Program* known = find(preparation.candidate);
  const bool was_compiled = known != nullptr && known->compiled;
  const bool failed = !ok && !preparation.first_run && !was_compiled;
  const Seconds wait =
      preparation.compile_seconds.value_or(failed ? preparation.prepare_seconds : 0);
  const bool waited = wait > 0 || failed;
  if (was_compiled && waited && known->candidate.group != group) shared_ = false;
  Program& program = at(preparation.candidate);
  if (waited && !program.compiled) program.counts = true;
  if (preparation.compile_seconds && wait > 0 && !program.pending) waits_.push_back(wait);
  program.compiled = true;
  program.pending = false;
  return wait;
}

void Compiles::tell(const Probe& probe) {
  if (!compiles(probe.candidate.group)) return;
  Program& program = at(probe.candidate);
  if (!program.compiled) program.counts = true;
  program.compiled = true;
  program.pending = false;
}

void Compiles::begin_ahead(const Candidate& candidate) {
  const bool told = std::any_of(loaded_.begin(), loaded_.end(), [&](const CandidateGroup& group) {
    return same_programs(group, candidate.group);
  });
  Program& program = at(candidate);
  program.pending = program.counts = true;
  program.early = !told;
}

bool Compiles::counted(const CandidateGroup& group) const {
  return most_ > 0 && compiles(group);
}

bool Compiles::is_paid(const Candidate& candidate) const {
  const Program* program = find(candidate);
  return program != nullptr && (program->compiled || program->pending);
}

bool Compiles::is_pending(const Candidate& candidate) const {
  const Program* program = find(candidate);
  return program != nullptr && program->pending;
}

bool Compiles::may_prepare(const Candidate& candidate) const {
  return !counted(candidate.group) || left() > 0 || is_paid(candidate);
}

std::vector<std::int64_t> Compiles::paid(const CandidateGroup& group) const {
  std::vector<std::int64_t> batches;
  for (const Program& program : programs_) {
    const std::int64_t batch = program_of(program.candidate).batch;
    if (group.compiled_batch == 0 && is_paid({group, batch}) &&
        std::find(batches.begin(), batches.end(), batch) == batches.end())
      batches.push_back(batch);
  }
  std::sort(batches.begin(), batches.end());
  return batches;
}

int Compiles::used() const {
  return static_cast<int>(std::count_if(programs_.begin(), programs_.end(),
                                        [](const Program& program) { return program.counts; }));
}

int Compiles::used(const CandidateGroup& group) const {
  return static_cast<int>(
      std::count_if(programs_.begin(), programs_.end(), [&](const Program& program) {
        return program.counts && same_programs(program.candidate.group, group);
      }));
}

int Compiles::left() const {
  return most_ > 0 ? std::max(0, most_ - used()) : std::numeric_limits<int>::max();
}

int Compiles::pending() const {
  return static_cast<int>(std::count_if(programs_.begin(), programs_.end(),
                                        [](const Program& program) { return program.pending; }));
}

Seconds Compiles::usual_wait() const {
  return waits_.empty() ? 0 : median(waits_);
}

Seconds Compiles::expected_wait(const Candidate& candidate) const {
  if (!compiles(candidate.group) || is_paid(candidate)) return 0;
  return waits_.empty() ? kUsualCompile : usual_wait();
}

}  // namespace batchtune
