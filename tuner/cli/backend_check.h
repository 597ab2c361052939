// The rules of backend/conformance checked on one backend, each in a worker process of its own: a
// backend that dies or hangs has failed that rule, with what was seen as evidence.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/conformance/rule.h"
#include "tuner/core/error.h"

namespace batchtune {

struct CheckSubject {
  std::string spec;  // named_plugin() is behind it
  std::string model_json;
  LoadOptions options;
  Seconds timeout = 60;           // of each rule
  std::vector<std::string> only;  // names of rules; empty: all
};

struct CheckedRule {
  const conformance::Rule* rule = nullptr;
  conformance::Finding finding;
  Seconds seconds = 0;
};

// `tell` gets each as it is known. A rule whose need was not met is skipped, unless it was named.
// Errors: the backend cannot be opened, or no process can be started.
Result<std::vector<CheckedRule>> check_backend(const CheckSubject& subject,
                                               const std::function<void(const CheckedRule&)>& tell);

}  // namespace batchtune
