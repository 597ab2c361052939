#include "tuner/backend/runtime/parameters.h"

#include <algorithm>
#include <vector>

namespace batchtune::runtime {
namespace {

// Of those that users are told of.
std::string list_of(std::span<const Parameter> known) {
  std::string list;
  for (const Parameter& one : known)
    if (!one.meaning.empty()) list += (list.empty() ? "" : ", ") + std::string(one.name);
  return list;
}

}  // namespace

Result<std::map<std::string, std::string>> parse_parameters(std::string_view text,
                                                            std::span<const Parameter> known,
                                                            const std::string& where) {
  std::map<std::string, std::string> parameters;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const auto equals = one.find('=');
    const std::string name(one.substr(0, equals));
    const bool is_known = std::any_of(known.begin(), known.end(),
                                      [&](const Parameter& each) { return each.name == name; });
    if (equals == std::string_view::npos || equals + 1 == one.size() || !is_known)
      return bad_input("NAME=VALUE, NAME being one of " + list_of(known),
                       "\"" + std::string(one) + "\"", where);
    if (!parameters.emplace(name, one.substr(equals + 1)).second)
      return bad_input("each parameter once", "\"" + name + "\" twice", where);
  }
  return parameters;
}

Result<std::map<std::string, std::string>> parse_parameters(std::string_view text,
                                                            std::span<const std::string_view> known,
                                                            const std::string& where) {
  std::vector<Parameter> parameters;
  for (const std::string_view name : known) parameters.push_back({name, "", "known"});
  return parse_parameters(text, std::span<const Parameter>(parameters), where);
}

Result<bool> parse_switch(const std::string& text, const std::string& where) {
  if (text != "0" && text != "1") return bad_input("0 or 1", "\"" + text + "\"", where);
  return text == "1";
}

}  // namespace batchtune::runtime
