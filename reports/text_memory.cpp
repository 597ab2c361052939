#include "reports/text_memory.h"

#include <fmt/format.h>

#include "reports/text/words.h"
#include "tuner/core/units.h"

namespace batchtune::text {
namespace {

std::string limiter_words(LimiterKind limiter) {
  switch (limiter) {
    case LimiterKind::account:
      return "limit kept by the backend's own account";
    case LimiterKind::rlimit:
      return "limit kept by RLIMIT_AS";
    case LimiterKind::cgroup:
      return "limit kept by a cgroup";
    case LimiterKind::device:
      return "limit of the device";
    case LimiterKind::none:
      break;
  }
  return "no limiter";
}

bool is_band(const Boundary& boundary) {
  return !boundary.exact && boundary.largest_fitting && boundary.smallest_failing;
}

std::string boundary_words(const Boundary& boundary) {
  const auto& fits = boundary.largest_fitting;
  const auto& fails = boundary.smallest_failing;
  if (!fits && !fails) return "memory: no end was found";
  if (fits == 0) return "memory: not even batch 1 fits";
  if (boundary.kind == BoundaryKind::predicted && fails && !boundary.exact)
    return (fits ? fmt::format("memory ends between batch {} and batch {}", *fits, *fails)
                 : fmt::format("memory: batch {} does not fit", *fails)) +
           " (seen when they were prepared, not probed)";
  if (boundary.kind == BoundaryKind::predicted && fits)
    return fmt::format("memory ends at about batch {} (predicted)", *fits);
  std::string words;
  if (is_band(boundary))
    words = fmt::format("memory ends between batch {} and batch {}", *fits, *fails);
  else if (fits && fails)
    words = fmt::format("memory: batch {} fits, batch {} does not", *fits, *fails);
  else
    words = fits ? fmt::format("memory: batch {} fits", *fits)
                 : fmt::format("memory: batch {} does not fit", *fails);
  return words + fmt::format(" ({}; {})", name_of(boundary.kind), limiter_words(boundary.limiter));
}

std::string kills_words(int kills) {
  return kills == 1 ? "1 process was killed to find it"
                    : fmt::format("{} processes were killed to find it", kills);
}

}  // namespace

std::string boundaries(const TuneReport& report, int width) {
  const std::vector<Boundary>& all = report.conclusion.boundaries;
  std::string text;
  int kills = 0;
  for (const Boundary& boundary : all) {
    std::string words = boundary_words(boundary);
    if (!boundary.evidence.empty()) words += ": " + boundary.evidence;
    if (boundary.kills > 0) words += "; " + kills_words(boundary.kills);
    kills += boundary.kills;
    text += wrapped("", (all.size() > 1 ? to_string(boundary.group) + ": " : "") + words, width);
  }
  if (report.conclusion.kills > kills)
    text += wrapped("",
                    fmt::format("memory probes: {} of their processes were killed in all",
                                report.conclusion.kills),
                    width);
  return text;
}

std::string memory_end(const Conclusion& conclusion, const CandidateGroup& group) {
  for (const Boundary& boundary : conclusion.boundaries) {
    if (boundary.group != group || !boundary.largest_fitting) continue;
    if (is_band(boundary))
      return fmt::format("; memory ends between {} and {}", *boundary.largest_fitting,
                         *boundary.smallest_failing);
    if (boundary.kind == BoundaryKind::predicted)
      return fmt::format("; memory ends at about {}", *boundary.largest_fitting);
    return fmt::format("; memory ends at {}", *boundary.largest_fitting);
  }
  return "";
}

std::string soak_words(const Soaked& soaked) {
  std::string words = fmt::format("soaked {} alone: {} run{}", format_seconds(soaked.seconds),
                                  soaked.runs, soaked.runs == 1 ? "" : "s");
  if (soaked.peak) words += ", peak " + format_bytes(static_cast<double>(*soaked.peak));
  const Ending& ending = soaked.ending;
  if (ending.status == TrialStatus::ok) return words;
  words += ", then " + std::string(name_of(ending.status));
  if (!ending.reason.empty()) words += ": " + ending.reason;
  if (!ending.evidence.empty()) words += " [" + ending.evidence + "]";
  return words;
}

std::string headroom_words(const Verdict& verdict) {
  if (!verdict.headroom) return "";
  std::string words = "headroom " + format_bytes(*verdict.headroom);
  if (verdict.headroom_share) words += " (" + format_percent(*verdict.headroom_share) + ")";
  return words;
}

}  // namespace batchtune::text
