// A rule run by a worker: a Backend whose load() checks one rule on another backend and tells the
// finding as a setting, so that everything around a worker (watching it, judging its death) is what
// measuring has.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/backend/conformance/rule.h"
#include "tuner/core/error.h"

namespace batchtune::conformance {

// "check=lifetime/cpu": what a worker is started with, to check that rule of the backend `spec`.
std::string checking_spec(const Rule& rule, const std::string& spec);

// nullopt: it is no such spec. `open` opens the backend that is checked.
using Open = std::function<Result<std::unique_ptr<Backend>>(const std::string& spec)>;
std::optional<Result<std::unique_ptr<Backend>>> open_checking(const std::string& spec,
                                                              const Open& open);

// Of what its load() reported; nullopt: it did not get to an end.
std::optional<Finding> finding_in(const LoadReport& report);

}  // namespace batchtune::conformance
