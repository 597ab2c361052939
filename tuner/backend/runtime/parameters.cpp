#include "tuner/backend/runtime/parameters.h"

#include <algorithm>

namespace batchtune::runtime {
namespace {

std::string list_of(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return list;
}

}  // namespace

Result<std::map<std::string, std::string>> parse_parameters(std::string_view text,
                                                            std::span<const std::string_view> known,
                                                            const std::string& where) {
  std::map<std::string, std::string> parameters;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const auto equals = one.find('=');
    const std::string name(one.substr(0, equals));
    if (equals == std::string_view::npos || equals + 1 == one.size() ||
        std::find(known.begin(), known.end(), name) == known.end())
      return bad_input("NAME=VALUE, NAME being one of " + list_of(known),
                       "\"" + std::string(one) + "\"", where);
    if (!parameters.emplace(name, one.substr(equals + 1)).second)
      return bad_input("each parameter once", "\"" + name + "\" twice", where);
  }
  return parameters;
}

Result<bool> parse_switch(const std::string& text, const std::string& where) {
  if (text != "0" && text != "1") return bad_input("0 or 1", "\"" + text + "\"", where);
  return text == "1";
}

}  // namespace batchtune::runtime
