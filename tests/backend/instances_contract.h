// What every backend's program must do with several instances, by the rule of the contract that says it.
#pragma once

#include "tests/backend/conformance_check.h"

namespace batchtune::test {

inline void check_instances_contract(Backend& backend, const Model& model,
                                     const LoadOptions& options) {
  const conformance::Finding finding = finding_of_rule("instances", backend, model, options);
  INFO(finding.seen);
  CHECK(finding.verdict == conformance::Verdict::passed);
}

inline std::unique_ptr<Program> prepare_instances(LoadedModel& model, const CandidateGroup& group,
                                                  std::int64_t batch) {
  auto program = model.prepare({group, batch});
  INFO((program ? "" : program.error().reason + " " + program.error().evidence));
  REQUIRE(program);
  (*program)->set_input(1);
  return std::move(*program);
}

}  // namespace batchtune::test
