#include "tuner/backend/command/substitution.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace batchtune::command {

Values values_of(const Candidate& candidate, int n, std::uint64_t seed) {
  const CandidateGroup& group = candidate.group;
  Values values{{"batch", std::to_string(candidate.batch)},
                {"threads", std::to_string(group.threads)},
                {"instances", std::to_string(group.instances)},
                {"dtype", std::string(name_of(group.dtype))},
                {"seed", std::to_string(seed)}};
  if (n >= 1) values.emplace_back("n", std::to_string(n));
  for (const auto& [name, size] : group.dims) values.emplace_back(name, std::to_string(size));
  return values;
}

std::string substitute(std::string_view command, const Values& values) {
  std::string result;
  while (!command.empty()) {
    const std::size_t open = command.find('{');
    result += command.substr(0, open);
    if (open == std::string_view::npos) break;
    command.remove_prefix(open);
    const std::size_t close = command.find('}');
    const bool is_shells = result.ends_with('$');
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& entry) {
      return close != std::string_view::npos && !is_shells &&
             entry.first == command.substr(1, close - 1);
    });
    result += value == values.end() ? "{" : value->second;
    command.remove_prefix(value == values.end() ? 1 : close + 1);
  }
  return result;
}

std::string shell_quoted(std::string_view text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::vector<std::string> environment_of(const Values& values) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : values) {
    std::string upper = name;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) {
      return std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
    });
    entries.push_back("BATCHTUNE_" + upper + "=" + value);
  }
  return entries;
}

}  // namespace batchtune::command
