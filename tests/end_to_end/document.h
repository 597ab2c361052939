// The JSON that the program prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

namespace batchtune::test {

inline nlohmann::json document_of(const Finished& finished) {
  INFO(finished.err << finished.out);
  const auto document = nlohmann::json::parse(finished.out, nullptr, false);
  REQUIRE(document.is_object());
  return document;
}

// Of a run with `--format json` that ends with that code.
inline nlohmann::json document_of(std::vector<std::string> arguments, int code = 0) {
  arguments.insert(arguments.end(), {"--format", "json"});
  const Finished finished = run(arguments);
  INFO(finished.err);
  REQUIRE(finished.code == code);
  return nlohmann::json::parse(finished.out);
}

}  // namespace batchtune::test
