// The rules of the contract (tuner/backend/conformance) over a backend in this process. Rules about
// the process itself (threads, killing) are for backend-check:
// tests/end_to_end/backend_check_test.cpp.
#pragma once

#include <set>
#include <string>

#include "tests/support/catch.h"
#include "tuner/backend/conformance/rule.h"

namespace batchtune::test {

// Of another process's business, or of its CPUs: not in a test process with threads of its own.
inline const std::set<std::string> kRulesOfProcesses{"threads", "quiet", "cancel", "pace",
                                                     "repetition"};

inline conformance::Finding finding_of_rule(const char* rule, Backend& backend, const Model& model,
                                            const LoadOptions& options) {
  return conformance::find_rule(rule)->check({backend, model, options});
}

inline void check_conformance(Backend& backend, const Model& model, const LoadOptions& options) {
  for (const conformance::Rule& rule : conformance::rules()) {
    if (rule.check == nullptr || kRulesOfProcesses.contains(rule.name)) continue;
    const conformance::Finding finding = rule.check({backend, model, options});
    INFO(rule.name << ": " << finding.seen);
    CHECK(finding.verdict != conformance::Verdict::failed);
  }
}

}  // namespace batchtune::test
