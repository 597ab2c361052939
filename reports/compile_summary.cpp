#include "reports/compile_summary.h"

#include <fmt/format.h>

#include <set>

#include "tuner/core/compiling.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

std::optional<std::int64_t> limit_of(const SessionHeader& header) {
  for (const Setting& setting : header.settings.effective)
    if (const auto* most = std::get_if<std::int64_t>(&setting.value);
        most && setting.name == "max_compiles")
      return *most;
  return std::nullopt;
}

bool tells_of_a_compiler(const SessionRecord& record) {
  for (const Observation& observation : record.observations)
    if (const auto* preparation = std::get_if<Preparation>(&observation.what))
      if (preparation->compile_seconds) return true;
  return false;
}

}  // namespace

// What failed before its first run told no seconds of the compiler: it counts, and took what it took.
std::optional<CompileSummary> summarise_compiles(const SessionRecord& record) {
  if (!tells_of_a_compiler(record)) return std::nullopt;
  CompileSummary summary;
  summary.limit = limit_of(record.header);
  std::set<Candidate> cached, known;
  for (const Observation& observation : record.observations) {
    const auto* preparation = std::get_if<Preparation>(&observation.what);
    if (!preparation) continue;
    const Candidate program = program_of(preparation->candidate);
    for (const std::int64_t batch : preparation->compiled)
      if (Candidate found{program.group, batch}; !known.contains(found)) cached.insert(found);
    const bool failed = preparation->ending.status != TrialStatus::ok && !preparation->first_run;
    if (!preparation->compile_seconds && !failed) continue;
    summary.waited += preparation->compile_seconds.value_or(0);
    const bool waited = preparation->compile_seconds.value_or(0) > 0;
    if (!known.insert(program).second) continue;
    if (!waited && cached.contains(program)) {
      ++summary.from_cache;
      continue;
    }
    ++summary.used;
    summary.in_background += !waited && !failed;
  }
  return summary;
}

std::string compile_words(const CompileSummary& summary) {
  const auto count = [](int number, const char* what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
  };
  std::string words = count(summary.used, "compilation");
  if (summary.limit) words += fmt::format(" of at most {}", *summary.limit);
  words += fmt::format(", {} waited for", format_seconds(summary.waited));
  if (summary.in_background > 0)
    words += fmt::format("; {} ready when needed, from the background", summary.in_background);
  if (summary.from_cache > 0)
    words += "; " + count(summary.from_cache, "program") + " compiled before";
  return words;
}

}  // namespace batchtune
