// See boundary.h.
#include "tuner/search/boundary.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tuner/core/units.h"
#include "tuner/search/bracket.h"

namespace batchtune {
namespace {

std::string words_of_line(const Line& line, std::span<const Probe> probes) {
  std::vector<std::int64_t> batches;
  for (const Probe& probe : probes)
    if (probe.ending.status == TrialStatus::ok && probe.soak == 0 && counted_bytes(probe))
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
std::string words_of_bracket(std::int64_t fits, std::optional<std::int64_t> fails) {
  std::vector<std::string> words;
  if (fits > 0) words.push_back(fmt::format("{} fits", fits));
  if (fails) words.push_back(fmt::format("{} does not fit", *fails));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string prefixed(const std::string& words) {
  return words.empty() ? "" : ": " + words;
}

// Why a prediction was not probed at all; "" when something else stopped the probing.
std::string why_not_probed(std::int64_t predicted, double bytes, std::span<const Probe> probes,
                           const BoundaryFacts& facts) {
  if (!facts.limit || !limiter_under(probes, *facts.limit)) return "";  // nobody tried
  if (takes_too_long(predicted, facts.seconds_per_sample))
    return fmt::format("; predicted, not probed: a run of batch {} would take {}", predicted,
                       format_seconds(static_cast<double>(predicted) * *facts.seconds_per_sample));
  if (is_unsafe(bytes, facts.safe_memory, facts.limit, probes))
    return fmt::format(
        "; predicted, not probed: {} is more than the {} that are safe where no "
        "limit holds a process",
        format_bytes(bytes), format_bytes(static_cast<double>(*facts.safe_memory)));
  if (limiter_under(probes, *facts.limit) == LimiterKind::none)
    return "; predicted, not probed: no limiter holds a process to the limit";
  return "";
}

// How probes under the limit ended without closing the bracket; "" when there were none.
std::string why_open(std::span<const Probe> probes, const Bracket& bracket, Bytes limit) {
  std::string words;
  for (const Probe& probe : probes) {
    if (!probed_under(probe, limit) || probe.soak > 0) continue;
    if (words.empty())
      words = "; not probed to the end" + prefixed(words_of_bracket(bracket.fits, bracket.fails));
    const TrialStatus status = probe.ending.status;
    const bool counted = status == TrialStatus::out_of_memory &&
                         bracket.fails.value_or(probe.candidate.batch + 1) <= probe.candidate.batch;
    if (status != TrialStatus::ok && !counted)
      words += fmt::format(", batch {} ended {}", probe.candidate.batch, name_of(status));
  }
  return words;
}

// The last probe of `batch` under the limit that ended so.
const Probe* last_probe(std::span<const Probe> probes, Bytes limit, std::int64_t batch, bool ok) {
  const Probe* last = nullptr;
  for (const Probe& probe : probes)
    if (probed_under(probe, limit) && probe.candidate.batch == batch &&
        (probe.ending.status == TrialStatus::ok) == ok)
      last = &probe;
  return last;
}

// Of a run that an account let pass; under a process limiter one that swaps does not fit.
std::string words_of_spill(const Probe* probe) {
  if (!probe || !probe->spill || probe->spill->swapped == 0) return "";
  return fmt::format(" (with {} in swap)",
                     format_bytes(static_cast<double>(probe->spill->swapped)));
}

Boundary probed_boundary(const CandidateGroup& group, std::span<const Probe> probes,
                         const Bracket& bracket, Bytes limit) {
  Boundary boundary;
  boundary.group = group;
  boundary.kind = BoundaryKind::probed;
  boundary.largest_fitting = bracket.fits;
  boundary.smallest_failing = bracket.fails;
  if (const Probe* probe = last_probe(probes, limit, *bracket.fails, false))
    boundary.evidence = fmt::format("batch {} ran out of memory: {}", *bracket.fails,
                                    words_of_ending(probe->ending));
  if (bracket.fits > 0)
    boundary.evidence = fmt::format("batch {} ran{}; {}", bracket.fits,
                                    words_of_spill(last_probe(probes, limit, bracket.fits, true)),
                                    boundary.evidence);
  return boundary;
}

Boundary probed_band(const CandidateGroup& group, std::span<const Probe> probes, const Band& band,
                     Bytes limit) {
  Boundary boundary;
  boundary.group = group;
  boundary.kind = BoundaryKind::probed;
  boundary.largest_fitting = band.fits;
  boundary.smallest_failing = band.fails;
  if (band.fits > 0)
    boundary.evidence = fmt::format("batch {} ran in {} of {} tries, ", band.fits, band.fits_tries,
                                    band.fits_tries);
  boundary.evidence += fmt::format("batch {} ran out of memory in {} of {}", *band.fails,
                                   band.fails_tries, band.fails_tries);
  if (const Probe* probe = last_probe(probes, limit, *band.fails, false))
    boundary.evidence += prefixed(words_of_ending(probe->ending));
  if (band.highest_fitting > band.fits)
    boundary.evidence +=
        fmt::format("; batches up to {} ran or failed by chance", band.highest_fitting);
  return boundary;
}

Boundary predicted_boundary(const CandidateGroup& group, std::span<const Probe> probes,
                            const BoundaryFacts& facts) {
  Boundary boundary;
  boundary.group = group;
  const auto line = memory_line(probes);
  Bracket bracket;
  if (facts.limit) bracket = bracket_of(probes, *facts.limit);
  if (!line) {
    boundary.evidence = "memory was measured at fewer than two batches";
    if (facts.limit) boundary.evidence += why_open(probes, bracket, *facts.limit);
    return boundary;
  }
  boundary.evidence = words_of_line(*line, probes);
  if (!facts.limit) {
    boundary.evidence += "; no memory limit is known";
    return boundary;
  }
  boundary.evidence += "; limit " + format_bytes(static_cast<double>(*facts.limit));
  const auto predicted = largest_on_line(*line, *facts.limit);
  std::string why;
  if (predicted)
    why = why_not_probed(*predicted, line->at(static_cast<double>(*predicted)), probes, facts);
  boundary.evidence += why.empty() ? why_open(probes, bracket, *facts.limit) : why;
  if (!predicted) return boundary;
  boundary.largest_fitting = std::max(*predicted, bracket.fits);  // what ran is known better
  if (bracket.fails)
    boundary.largest_fitting = std::min(*boundary.largest_fitting, *bracket.fails - 1);
  boundary.smallest_failing = *boundary.largest_fitting + 1;
  return boundary;
}

bool contradicts(const PreparedBatches& prepared, const Boundary& predicted) {
  return prepared.fails &&
         (!predicted.largest_fitting || *predicted.largest_fitting >= *prepared.fails);
}

Boundary end_seen(const CandidateGroup& group, const PreparedBatches& prepared,
                  const Boundary& predicted) {
  Boundary boundary;
  boundary.group = group;
  boundary.smallest_failing = prepared.fails;
  if (prepared.fits > 0 || *prepared.fails == 1) boundary.largest_fitting = prepared.fits;
  boundary.evidence = fmt::format("batch {} ran out of memory when it was prepared: {}",
                                  *prepared.fails, words_of_ending(prepared.ending));
  if (predicted.largest_fitting)
    boundary.evidence += fmt::format("; by memory measured alone about {} would fit: {}",
                                     *predicted.largest_fitting, predicted.evidence);
  return boundary;
}

}  // namespace

Boundary boundary_of(const CandidateGroup& group, std::span<const Probe> probes,
                     const BoundaryFacts& facts) {
  Boundary boundary;
  const auto limiter = facts.limit ? limiter_under(probes, *facts.limit) : std::nullopt;
  const bool band = limiter && *limiter != LimiterKind::none && !is_exact(*limiter);
  if (band && band_of(probes, *facts.limit).narrow())
    boundary = probed_band(group, probes, band_of(probes, *facts.limit), *facts.limit);
  else if (!band && facts.limit && bracket_of(probes, *facts.limit).closed())
    boundary = probed_boundary(group, probes, bracket_of(probes, *facts.limit), *facts.limit);
  else
    boundary = predicted_boundary(group, probes, facts);
  const bool seen = boundary.kind == BoundaryKind::predicted && contradicts(facts.prepared, boundary);
  if (seen) boundary = end_seen(group, facts.prepared, boundary);
  boundary.limiter = boundary.kind == BoundaryKind::probed ? limiter.value_or(LimiterKind::none)
                                                           : LimiterKind::none;
  boundary.exact = !band && !seen;
  boundary.kills = static_cast<int>(
      std::count_if(probes.begin(), probes.end(), [](const Probe& probe) { return probe.killed; }));
  return boundary;
}

bool is_unsafe(double bytes, std::optional<Bytes> safe_memory, std::optional<Bytes> limit,
               std::span<const Probe> probes) {
  if (!safe_memory || bytes <= static_cast<double>(*safe_memory)) return false;
  if (!limit || *limit > *safe_memory) return true;
  return limiter_under(probes, *limit).value_or(LimiterKind::none) == LimiterKind::none;
}

}  // namespace batchtune
