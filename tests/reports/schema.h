// JSON documents against the schemas beside their writers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace batchtune::test {

// The part of JSON Schema that our schemas use: $ref to $defs, type, enum, const, properties,
// required, items, anyOf. Stricter in one point: a key that the schema does not name is a problem,
// since the writer is ours.
struct Validator {
  const nlohmann::json& root;

  bool fits(const nlohmann::json& schema, const nlohmann::json& value) const;
  // The places that do not fit.
  std::vector<std::string> problems(const nlohmann::json& schema, const nlohmann::json& value,
                                    const std::string& where) const;
};

nlohmann::json schema_of(const std::string& name);  // "tune.schema.json"

void check_valid(const std::string& schema_name, const std::string& document);

}  // namespace batchtune::test
