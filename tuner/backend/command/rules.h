// What a line that a program prints says of how it ended: a text that is looked for, and what it
// means. The built-in ones are of frameworks' messages about memory; a file adds others, which come
// first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/core/observation.h"

namespace batchtune::command {

struct Rule {
  std::string text;  // in lower case: found anywhere in a line, whatever the line's case
  TrialStatus status = TrialStatus::failed;
  std::string where;  // of out_of_memory: "device" or "host"; else ""

  bool operator==(const Rule&) const = default;
};

const std::vector<Rule>& built_in_rules();

// Lines of STATUS WHERE TEXT, such as "out_of_memory device NRT_RESOURCE"; WHERE is device, host,
// or
// - for other statuses; "#" begins a comment line. Errors name the line.
Result<std::vector<Rule>> parse_rules(std::string_view content, const std::string& path);

// Those of the file ("" for none), then the built-in ones.
Result<std::vector<Rule>> rules_with(const std::string& path);

// The first rule whose text is in the line; its place in `rules`, or rules.size().
std::size_t find_rule(const std::vector<Rule>& rules, std::string_view line);

}  // namespace batchtune::command
