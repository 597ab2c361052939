#include "tests/reports/schema.h"

#include <algorithm>
#include <fstream>

#include "tests/support/catch.h"

namespace batchtune::test {
namespace {

using Json = nlohmann::json;

bool has_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return false;
}

void append(std::vector<std::string>& all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

void check_value(const Json& schema, const Json& value, const std::string& where,
                 std::vector<std::string>& found) {
  if (schema.contains("const") && value != schema["const"])
    found.push_back(where + ": not the constant");
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
    found.push_back(where + ": " + value.dump() + " is not in the enum");
  if (!schema.contains("type")) return;
  bool one = false;
  const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
  for (const Json& type : types) one |= has_type(value, type.get<std::string>());
  if (!one) found.push_back(where + ": " + value.dump() + " is no " + schema["type"].dump());
}

void check_object(const Validator& validator, const Json& schema, const Json& value,
                  const std::string& where, std::vector<std::string>& found) {
  const Json properties = schema.value("properties", Json::object());
  for (const Json& key : schema.value("required", Json::array()))
    if (!value.contains(key.get<std::string>()))
      found.push_back(where + ": lacks " + key.get<std::string>());
  for (const auto& [key, part] : value.items()) {
    if (properties.contains(key))
      append(found, validator.problems(properties[key], part, where + "." + key));
    else if (!properties.empty())
      found.push_back(where + ": unknown key " + key);
  }
}

}  // namespace

bool Validator::fits(const Json& schema, const Json& value) const {
  return problems(schema, value, "").empty();
}

std::vector<std::string> Validator::problems(const Json& schema, const Json& value,
                                             const std::string& where) const {
  if (schema.contains("$ref")) {
    const std::string name =
        schema["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
    return problems(root["$defs"].at(name), value, where);
  }
  if (schema.contains("anyOf")) {
    for (const Json& option : schema["anyOf"])
      if (fits(option, value)) return {};
    return {where + ": fits none of anyOf"};
  }
  std::vector<std::string> found;
  check_value(schema, value, where, found);
  if (value.is_object()) check_object(*this, schema, value, where, found);
  if (value.is_array() && schema.contains("items"))
    for (std::size_t i = 0; i < value.size(); ++i)
      append(found, problems(schema["items"], value[i], where + "[" + std::to_string(i) + "]"));
  return found;
}

Json schema_of(const std::string& name) {
  std::ifstream file(std::string(BT_REPORT_SCHEMAS) + "/" + name);
  REQUIRE(file);
  return Json::parse(file);
}

void check_valid(const std::string& schema_name, const std::string& document) {
  const Json schema = schema_of(schema_name);
  const auto problems = Validator{schema}.problems(schema, Json::parse(document), "$");
  for (const std::string& problem : problems) UNSCOPED_INFO(problem);
  CHECK(problems.empty());
}

}  // namespace batchtune::test
