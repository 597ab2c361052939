#include "tuner/measure/session_references.h"

#include <iterator>
#include <utility>

#include "tuner/measure/worker.h"

namespace batchtune {
namespace {

// Before a reference program has run; the real ones take 2 to 5 ms.
constexpr Seconds kReferenceGuess = 0.004;

}  // namespace

std::string reference_name(TrialId program) {
  return kReferencePrograms[program - 1];
}

SessionReferences::SessionReferences(RacingSetup setup, int threads, OnLost on_lost)
    : worker_(std::move(setup)), threads_(threads), on_lost_(std::move(on_lost)) {}

Result<Seconds> SessionReferences::prepare() {
  Seconds spent = 0;
  if (std::exchange(prepared_, true)) return spent;
  Candidate candidate;
  candidate.group.backend = kReferenceBackend;
  candidate.group.threads = threads_;
  for (TrialId program = 1; program <= std::ssize(kReferencePrograms); ++program) {
    BT_TRY(prepared, worker_.prepare(program, candidate, reference_name(program)));
    spent += prepared.answer.spent;
    if (prepared.answer.ending.status == TrialStatus::ok)
      known_.prepared(program, prepared.answer.first_run.value_or(kReferenceGuess));
    else
      lose(program, prepared.answer.ending);
  }
  return spent;
}

void SessionReferences::lose(TrialId program, const Ending& ending) {
  known_.forget(program);
  if (on_lost_) on_lost_(reference_name(program), ending);
}

}  // namespace batchtune
