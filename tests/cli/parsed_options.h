// What options become, or why they are refused.
#pragma once

#include <string>

#include "tests/support/catch.h"
#include "tuner/cli/defaults.h"

namespace batchtune {

inline TuningRequest requested(const TuningOptions& options) {
  const auto request = parse_tuning(options);
  INFO((request ? "" : to_string(request.error())));
  REQUIRE(request.has_value());
  return *request;
}

inline std::string refused(const TuningOptions& options) {
  const auto request = parse_tuning(options);
  REQUIRE_FALSE(request.has_value());
  CHECK(request.error().kind == ErrorKind::bad_input);
  return to_string(request.error());
}

}  // namespace batchtune
