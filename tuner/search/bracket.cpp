// See bracket.h.
#include "tuner/search/bracket.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace batchtune {
namespace {

constexpr std::int64_t kBandShare = 50;  // a band of 1/50 of the batch is narrow
constexpr std::int64_t kStepShare = 100;

bool fitted(const Probe& probe, Bytes limit) {
  if (!probed_under(probe, limit) || probe.ending.status != TrialStatus::ok) return false;
  const auto bytes = counted_bytes(probe);
  return probe.limiter != LimiterKind::none || (bytes && *bytes <= limit);
}

bool has_own_memory(std::span<const Probe> probes) {
  return std::any_of(probes.begin(), probes.end(), [](const Probe& probe) {
    return probe.limiter == LimiterKind::device ||
           (probe.memory && probe.memory->kind == MemoryKind::device);
  });
}

bool ran_out(const Probe& probe, Bytes limit, bool own_memory) {
  const Ending& ending = probe.ending;
  if (!probed_under(probe, limit) || probe.soak > 0 || ending.status != TrialStatus::out_of_memory)
    return false;
  const bool host = ending.where == "host";
  return ending.where != "compile" && !(host && (own_memory || probe.killed));
}

// Upwards of `from`, twice as far from `start` as that is.
std::int64_t further_up(std::int64_t start, std::int64_t from, std::int64_t step) {
  return std::max(from + step, start + 2 * (from - start));
}

const Ceiling* ceiling_for(std::span<const Ceiling> ceilings, const CandidateGroup& group,
                           Bytes limit) {
  for (const Ceiling& ceiling : ceilings)
    if (ceiling.group == group && ceiling.limit == limit && ceiling.fails > ceiling.fits)
      return &ceiling;
  return nullptr;
}

bool was_probed(std::span<const Probe> probes, std::int64_t batch, Bytes limit) {
  return std::any_of(probes.begin(), probes.end(), [&](const Probe& probe) {
    return probed_under(probe, limit) && probe.candidate.batch == batch;
  });
}

}  // namespace

std::optional<Bytes> counted_bytes(const Probe& probe) {
  if (probe.limiter == LimiterKind::cgroup && probe.peak_resident) return probe.peak_resident;
  if (probe.memory) return probe.memory->total();
  return std::nullopt;
}

std::optional<Line> memory_line(std::span<const Probe> probes) {
  std::vector<double> batches, bytes;
  for (const Probe& probe : probes) {
    const auto counted = counted_bytes(probe);
    if (probe.ending.status != TrialStatus::ok || probe.soak > 0 || !counted) continue;
    batches.push_back(static_cast<double>(probe.candidate.batch));
    bytes.push_back(static_cast<double>(*counted));
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

std::optional<LimiterKind> limiter_under(std::span<const Probe> probes, Bytes limit) {
  std::optional<LimiterKind> limiter;
  for (const Probe& probe : probes)
    if (probed_under(probe, limit)) limiter = probe.limiter;
  return limiter;
}

Bracket bracket_of(std::span<const Probe> probes, Bytes limit) {
  const bool own_memory = has_own_memory(probes);
  Bracket bracket;
  for (const Probe& probe : probes)
    if (ran_out(probe, limit, own_memory))
      bracket.fails =
          std::min(bracket.fails.value_or(probe.candidate.batch), probe.candidate.batch);
  for (const Probe& probe : probes) {
    const std::int64_t batch = probe.candidate.batch;
    if (!fitted(probe, limit)) continue;
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
  const std::int64_t up = further_up(start, fits, 1);
  if (up < fails) return up;
  return bracket.fails ? between : largest;
}

Band band_of(std::span<const Probe> probes, Bytes limit) {
  struct Tries {
    int fitted = 0, failed = 0;
  };
  const bool own_memory = has_own_memory(probes);
  std::map<std::int64_t, Tries> tries;
  Band band;
  for (const Probe& probe : probes) {
    const std::int64_t batch = probe.candidate.batch;
    if (fitted(probe, limit)) {
      ++tries[batch].fitted;
      band.highest_fitting = std::max(band.highest_fitting, batch);
    } else if (ran_out(probe, limit, own_memory)) {
      ++tries[batch].failed;
      band.lowest_failing = std::min(band.lowest_failing.value_or(batch), batch);
    }
  }
  for (const auto& [batch, its] : tries) {
    if (its.fitted > 0 && its.failed == 0 && batch < band.lowest_failing.value_or(batch + 1)) {
      band.fits = batch;
      band.fits_tries = its.fitted;
    }
    if (!band.fails && its.failed > 0 && batch > band.highest_fitting) {
      band.fails = batch;
      band.fails_tries = its.failed;
    }
  }
  return band;
}

bool Band::narrow() const {
  if (!fails) return false;
  const std::int64_t wide = std::max<std::int64_t>(1, *fails / kBandShare);
  return *lowest_failing - fits <= wide && *fails - highest_fitting <= wide;
}

std::optional<std::int64_t> next_in_band(const Band& band, std::optional<std::int64_t> predicted,
                                         std::int64_t largest) {
  if (band.narrow()) {
    if (band.fits > 0 && band.fits_tries < kBandTries) return band.fits;
    return band.fails_tries < kBandTries ? band.fails : std::nullopt;
  }
  const std::int64_t highest = std::max(band.highest_fitting, band.lowest_failing.value_or(0));
  const std::int64_t likely = std::clamp<std::int64_t>(
      predicted.value_or(std::max<std::int64_t>(2 * band.fits, 1)), 1, largest);
  const std::int64_t step = std::max<std::int64_t>(1, likely / kStepShare);
  const std::int64_t start = std::max<std::int64_t>(1, likely - step);
  if (!band.fails) {
    if (highest >= largest) return std::nullopt;
    return std::min(largest, highest < start ? start : further_up(start, highest, step));
  }
  // Too high a start: down in doubling steps. Else upwards again from what fits, a quarter at once.
  const std::int64_t fails = *band.fails;
  const std::int64_t low = std::max(band.highest_fitting, band.fits);
  if (fails - low <= std::max<std::int64_t>(1, fails / kBandShare))
    return std::max(band.fits + 1, *band.lowest_failing - step);
  const std::int64_t down = start - 2 * std::max(step, start - fails);
  if (fails <= start && down > low) return down;
  return std::min(fails - 1, low + std::max(step, (fails - low) / 4));
}

bool is_puzzling(std::span<const Probe> probes, Bytes limit) {
  const bool own_memory = has_own_memory(probes);
  return std::any_of(probes.begin(), probes.end(), [&](const Probe& probe) {
    return probed_under(probe, limit) && probe.soak == 0 && !fitted(probe, limit) &&
           !ran_out(probe, limit, own_memory);
  });
}

Soaks soaks_of(std::span<const Probe> probes, std::int64_t batch, std::optional<Bytes> limit) {
  Soaks soaks;
  for (const Probe& probe : probes) {
    if (probe.soak <= 0 || probe.limit != limit || probe.candidate.batch != batch) continue;
    ++soaks.made;
    soaks.unstable += probe.ending.status == TrialStatus::unstable;
  }
  return soaks;
}

bool fails_soak(std::span<const Probe> probes, std::int64_t batch, std::optional<Bytes> limit) {
  if (soaks_of(probes, batch, limit).unstable >= kUnstableSoaks) return true;
  return std::any_of(probes.begin(), probes.end(), [&](const Probe& probe) {
    const TrialStatus status = probe.ending.status;
    if (probe.soak <= 0 || probe.limit != limit) return false;
    if (status == TrialStatus::ok || status == TrialStatus::unstable) return false;
    return probe.candidate.batch == batch ||
           (status == TrialStatus::out_of_memory && probe.candidate.batch < batch);
  });
}

std::optional<std::int64_t> next_to_verify(std::span<const Ceiling> ceilings,
                                           const CandidateGroup& group,
                                           std::span<const Probe> probes, Bytes limit) {
  const Ceiling* ceiling = ceiling_for(ceilings, group, limit);
  if (!ceiling) return std::nullopt;
  if (ceiling->fits > 0 && !was_probed(probes, ceiling->fits, limit)) return ceiling->fits;
  const auto fails = band_of(probes, limit).lowest_failing;
  if (fails && *fails <= ceiling->fits) return std::nullopt;  // it disagrees already
  if (!was_probed(probes, ceiling->fails, limit)) return ceiling->fails;
  return std::nullopt;
}

bool is_verified(std::span<const Ceiling> ceilings, const CandidateGroup& group,
                 std::span<const Probe> probes, Bytes limit) {
  const Ceiling* ceiling = ceiling_for(ceilings, group, limit);
  if (!ceiling) return false;
  const Band band = band_of(probes, limit);
  return band.fits >= ceiling->fits && band.fails == ceiling->fails;
}

bool takes_too_long(std::int64_t batch, std::optional<Seconds> per_sample) {
  return per_sample && static_cast<double>(batch) * *per_sample > kLongestProbeRun;
}

}  // namespace batchtune
