// See boundary.h.
#include "tuner/search/boundary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tuner/core/units.h"

namespace batchtune {
namespace {

bool under(const Probe& probe, Bytes limit) {
  return probe.limit && *probe.limit == limit;
}

std::string words_of_line(const Line& line, std::span<const Probe> probes) {
  std::vector<std::int64_t> batches;
  for (const Probe& probe : probes)
    if (probe.ending.status == TrialStatus::ok && probe.memory)
      batches.push_back(probe.candidate.batch);
  std::sort(batches.begin(), batches.end());
  batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
  return fmt::format("{} + {} per sample, measured alone at batches {} (within {:.1f} %)",
                     format_bytes(line.intercept), format_bytes(line.slope),
                     fmt::join(batches, ", "), 100 * line.worst_error);
}

std::string words_of_ending(const Ending& ending) {
  const std::string& words = ending.evidence.empty() ? ending.reason : ending.evidence;
  return words.empty() ? std::string(name_of(ending.status)) : words;
}

// "8 fits, 16 does not", or the half of it that is known.
std::string words_of_bracket(const Bracket& bracket) {
  std::vector<std::string> words;
  if (bracket.fits > 0) words.push_back(fmt::format("{} fits", bracket.fits));
  if (bracket.fails) words.push_back(fmt::format("{} does not fit", *bracket.fails));
  return fmt::format("{}", fmt::join(words, ", "));
}

// Why probes under the limit did not close the bracket; "" when there were none.
std::string why_open(std::span<const Probe> probes, const Bracket& bracket, Bytes limit,
                     std::optional<std::int64_t> predicted, std::optional<Seconds> per_sample) {
  std::string words;
  for (const Probe& probe : probes) {
    if (!under(probe, limit)) continue;
    if (words.empty()) words = "; not probed to the end: " + words_of_bracket(bracket);
    const TrialStatus status = probe.ending.status;
    if (status != TrialStatus::ok && status != TrialStatus::out_of_memory)
      words += fmt::format(", batch {} ended {}", probe.candidate.batch, name_of(status));
  }
  if (!words.empty() && predicted && takes_too_long(*predicted, per_sample))
    words = fmt::format("; predicted, not probed: a run of batch {} would take {}", *predicted,
                        format_seconds(static_cast<double>(*predicted) * *per_sample));
  return words;
}

Boundary probed_boundary(const CandidateGroup& group, std::span<const Probe> probes,
                         const Bracket& bracket, Bytes limit) {
  Boundary boundary;
  boundary.group = group;
  boundary.kind = BoundaryKind::probed;
  boundary.largest_fitting = bracket.fits;
  boundary.smallest_failing = bracket.fails;
  for (const Probe& probe : probes) {
    if (!under(probe, limit) || probe.candidate.batch != *bracket.fails) continue;
    boundary.limiter = probe.limiter;
    boundary.evidence = fmt::format("batch {} ran out of memory: {}", *bracket.fails,
                                    words_of_ending(probe.ending));
  }
  if (bracket.fits > 0)
    boundary.evidence = fmt::format("batch {} ran; {}", bracket.fits, boundary.evidence);
  return boundary;
}

}  // namespace

std::optional<Line> memory_line(std::span<const Probe> probes) {
  std::vector<double> batches, bytes;
  for (const Probe& probe : probes) {
    if (probe.ending.status != TrialStatus::ok || !probe.memory) continue;
    batches.push_back(static_cast<double>(probe.candidate.batch));
    bytes.push_back(static_cast<double>(probe.memory->total()));
  }
  return fit_line(batches, bytes);
}

std::optional<std::int64_t> largest_on_line(const Line& line, Bytes limit) {
  if (line.slope <= 0) return std::nullopt;
  const double batch = (static_cast<double>(limit) - line.intercept) / line.slope;
  if (batch < 1) return 0;
  constexpr double kRounding = 1e-9;  // a batch that fits to the byte must not be lost to rounding
  constexpr double kLargest = 9e15;   // beyond, doubles skip integers
  return static_cast<std::int64_t>(std::min(std::floor(batch * (1 + kRounding)), kLargest));
}

Bracket bracket_of(std::span<const Probe> probes, Bytes limit) {
  Bracket bracket;
  for (const Probe& probe : probes)
    if (under(probe, limit) && probe.ending.status == TrialStatus::out_of_memory)
      bracket.fails =
          std::min(bracket.fails.value_or(probe.candidate.batch), probe.candidate.batch);
  for (const Probe& probe : probes) {
    const std::int64_t batch = probe.candidate.batch;
    if (!under(probe, limit) || probe.ending.status != TrialStatus::ok) continue;
    if (!bracket.fails || batch < *bracket.fails) bracket.fits = std::max(bracket.fits, batch);
  }
  return bracket;
}

std::optional<std::int64_t> next_in_bracket(const Bracket& bracket,
                                            std::optional<std::int64_t> predicted,
                                            std::int64_t largest) {
  const std::int64_t fits = bracket.fits;
  if (bracket.closed() || fits >= largest) return std::nullopt;
  const std::int64_t fails = bracket.fails.value_or(largest + 1);
  const std::int64_t between = fits + (fails - fits) / 2;
  if (!predicted && bracket.fails) return between;
  const std::int64_t start = std::clamp<std::int64_t>(predicted.value_or(2 * fits), 1, largest);
  if (fits < start && start < fails) return start;
  if (start >= fails) {  // the prediction was too high: downwards
    const std::int64_t down = start - std::max<std::int64_t>(1, 2 * (start - fails));
    return down > fits ? down : between;
  }
  const std::int64_t up = std::max(fits + 1, start + 2 * (fits - start));
  if (up < fails) return up;
  return bracket.fails ? between : largest;
}

bool takes_too_long(std::int64_t batch, std::optional<Seconds> per_sample) {
  return per_sample && static_cast<double>(batch) * *per_sample > kLongestProbeRun;
}

Boundary boundary_of(const CandidateGroup& group, std::span<const Probe> probes,
                     std::optional<Bytes> limit, std::optional<Seconds> per_sample) {
  const auto line = memory_line(probes);
  Bracket bracket;
  if (limit) bracket = bracket_of(probes, *limit);
  if (bracket.closed()) return probed_boundary(group, probes, bracket, *limit);

  Boundary boundary;
  boundary.group = group;
  if (!line) {
    boundary.evidence = "memory was measured at fewer than two batches";
    if (limit) boundary.evidence += why_open(probes, bracket, *limit, std::nullopt, per_sample);
    return boundary;
  }
  boundary.evidence = words_of_line(*line, probes);
  if (!limit) {
    boundary.evidence += "; no memory limit is known";
    return boundary;
  }
  boundary.evidence += "; limit " + format_bytes(static_cast<double>(*limit));
  const auto predicted = largest_on_line(*line, *limit);
  boundary.evidence += why_open(probes, bracket, *limit, predicted, per_sample);
  if (!predicted) return boundary;
  boundary.largest_fitting = std::max(*predicted, bracket.fits);  // what ran is known better
  if (bracket.fails)
    boundary.largest_fitting = std::min(*boundary.largest_fitting, *bracket.fails - 1);
  boundary.smallest_failing = *boundary.largest_fitting + 1;
  return boundary;
}

std::optional<Seconds> seconds_per_sample(std::span<const Preparation* const> preparations,
                                          const CandidateGroup& group) {
  std::int64_t largest = 0;
  std::optional<Seconds> result;
  for (const Preparation* preparation : preparations) {
    const Candidate& candidate = preparation->candidate;
    if (candidate.group != group || !preparation->first_run || candidate.batch <= largest) continue;
    if (preparation->ending.status != TrialStatus::ok) continue;
    largest = candidate.batch;
    result = *preparation->first_run / static_cast<double>(largest);
  }
  return result;
}

}  // namespace batchtune
