#include "reports/progress.h"

#include <fmt/format.h>
#include <vector>

#include "reports/text/words.h"

namespace batchtune {
namespace {

// In the order of what one would rather not miss.
std::vector<std::string> parts_of(const ProgressState& state) {
  std::vector<std::string> parts;
  parts.push_back(state.budget ? fmt::format("{} of {} s", format_number(state.spent, 2),
                                             format_number(*state.budget, 2))
                               : fmt::format("{} s", format_number(state.spent, 2)));
  if (state.best_batch) {
    std::string best = fmt::format("best so far batch {}", *state.best_batch);
    if (state.best_throughput)
      best += fmt::format(" ({} samples/s)", format_number(*state.best_throughput, 3));
    parts.push_back(best);
  }
  parts.push_back(text::one_line(state.doing));
  parts.push_back(text::counted(state.candidates, "candidate") + ", " +
                  text::counted(state.rounds, "round"));
  if (state.probes > 0) parts.push_back(text::counted(state.probes, "memory probe"));
  return parts;
}

}  // namespace

std::string progress_line(const ProgressState& state, int width) {
  const auto room = static_cast<std::size_t>(width > 0 ? width : 0);
  std::string line = (state.simulated ? "SIMULATED " : "") + text::one_line(state.model);
  for (const std::string& part : parts_of(state)) {
    if (part.empty()) continue;
    if (line.size() + 2 + part.size() > room) break;
    line += "  " + part;
  }
  return line.substr(0, room);
}

}  // namespace batchtune
