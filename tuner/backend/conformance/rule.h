// The rules that every backend keeps, in one table: what `batchtune backend-check` runs, each in a
// process of its own, and what tests run over the backends that they hold. Rules see a backend
// through backend.h alone.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tuner/backend/backend.h"

namespace batchtune::conformance {

enum class Verdict {
  passed,
  failed,
  skipped,   // nothing to look at, or what it needs is not there: `seen` says what
  advisory,  // allowed, and worth knowing
};
inline constexpr Verdict kVerdicts[] = {Verdict::passed, Verdict::failed, Verdict::skipped,
                                        Verdict::advisory};
std::string_view name_of(Verdict verdict);

struct Finding {
  Verdict verdict = Verdict::passed;
  std::string seen;  // in words, with figures
};

// What is checked. A rule may load the model any number of times, also with other threads,
// instances and limits.
struct Subject {
  Backend& backend;
  const Model& model;
  LoadOptions options;
};

struct Rule {
  const char* name;    // "lifetime"
  const char* demand;  // one sentence
  // The rule without which this one says nothing: where that failed, or was skipped for its own
  // need, this one is skipped too. nullptr: none.
  const char* needs;
  Finding (*check)(const Subject& subject);  // nullptr: it is looked at from outside of the process
};

// In the order in which they are checked; what a rule needs comes before it.
std::span<const Rule> rules();
const Rule* find_rule(std::string_view name);  // nullptr when there is none

// The rule that is about a killed worker: whoever starts workers checks it.
inline constexpr char kKilledRule[] = "killed";

}  // namespace batchtune::conformance
