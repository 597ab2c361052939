#include "kernels/probe/calibration.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <random>

#include "kernels/probe/burst.h"
#include "kernels/probe/plateaus.h"
#include "kernels/probe/sweep.h"

namespace batchtune::probe {
namespace {

using kernels::Dtype;
using kernels::Isa;

constexpr double kPreparingShare =
    0.4;  // of the budget: growing the sweep ends there at the latest
// Ends early: after this many rounds in which no best grew by more than kGain. Twelve rounds are
// about three seconds, longer than disturbances usually last.
constexpr int kQuietRounds = 12;
constexpr double kGain = 0.03;
// A burst that takes long (a pass over much memory) is visited less often: none gets more than this
// many usual bursts' time per round.
constexpr double kMostShares = 15;
// Beyond every first-level cache (up to 64 KiB) and within every second-level one (from 256 KiB).
constexpr std::size_t kL2Bytes = 192 * 1024;

class Calibration {
 public:
  explicit Calibration(const CalibrationOptions& options)
      : options_(options),
        team_(options.cpus.empty() ? allowed_cpus() : options.cpus),
        counts_(thread_counts(team_.size())) {}

  CalibrationFigures run() {
    CalibrationFigures figures;
    figures.cpus = options_.cpus.empty() ? allowed_cpus() : options_.cpus;
    figures.pinned = team_.pinned();
    if (team_.size() == 0) {
      figures.failure = "the system did not give a thread to measure with";
      return figures;
    }
    const double memory = largest_working_set(
        team_.size(), options_.memory_bytes > 0 ? options_.memory_bytes : available_memory());
    const auto sizes = working_set_sizes(memory / team_.size(), options_.size_step);
    Sweep sweep(team_.size(), std::max(sizes.empty() ? 0 : sizes.back(), kL2Bytes));
    if (!sweep.ok()) {
      figures.failure = "the system did not give memory to measure with";
      return figures;
    }
    prepare(sweep, sizes);
    figures.rounds = run_rounds();
    fill(figures);
    figures.seconds = elapsed();
    return figures;
  }

 private:
  static std::vector<int> thread_counts(int all) {
    std::vector<int> counts;
    for (int threads = 1; threads < all; threads *= 2) counts.push_back(threads);
    if (all > 0) counts.push_back(all);
    return counts;
  }

  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  void report(std::string_view stage) const {
    if (options_.progress) options_.progress({elapsed(), options_.seconds, stage});
  }

  void prepare(Sweep& sweep, const std::vector<std::size_t>& sizes) {
    report("preparing");
    peaks_ = peak_bursts(counts_);
    for (PeakBurst& peak : peaks_) fit(team_, peak.burst);
    for (const int threads : counts_) {
      l2_.push_back(sweep.burst(team_, kL2Bytes, threads));
      fit(team_, l2_.back());
    }
    for (const std::size_t bytes : sizes) {
      if (elapsed() > kPreparingShare * options_.seconds) break;
      Burst burst = sweep.burst(team_, bytes, team_.size());
      if (!sweep_.empty()) burst.repeats = repeats_like(sweep_.back(), burst);
      fit(team_, burst);
      sweep_.push_back(std::move(burst));
      report("preparing");
    }
  }

  // The next size reads about as many bytes in a burst.
  static std::int64_t repeats_like(const Burst& smaller, const Burst& burst) {
    const double repeats = static_cast<double>(smaller.repeats) * smaller.work / burst.work;
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(repeats));
  }

  std::vector<Burst*> all_bursts() {
    std::vector<Burst*> all;
    for (PeakBurst& peak : peaks_) all.push_back(&peak.burst);
    for (Burst& burst : l2_) all.push_back(&burst);
    for (Burst& burst : sweep_) all.push_back(&burst);
    return all;
  }

  int run_rounds() {
    std::vector<Burst*> all = all_bursts();
    std::mt19937 random(1);  // the order is of no consequence; only that it differs between rounds
    int rounds = 0, quiet = 0;
    while (elapsed() < options_.seconds && quiet < kQuietRounds) {
      ++rounds;
      std::shuffle(all.begin(), all.end(), random);
      bool gained = false;
      for (Burst* burst : all) {
        if (burst->spent > kMostShares * kBurstSeconds * rounds) continue;
        if (elapsed() >= options_.seconds) break;
        const double best = *std::max_element(burst->rates.begin(), burst->rates.end());
        visit(team_, *burst);
        gained = gained || burst->rates.back() > best * (1 + kGain);
      }
      quiet = gained ? 0 : quiet + 1;
      report("measuring");
    }
    return rounds;
  }

  void fill(CalibrationFigures& figures) const {
    for (const PeakBurst& peak : peaks_) {
      if (peak.burst.threads != 1 && peak.burst.threads != team_.size()) continue;
      figures.peaks.push_back({peak.dtype, peak.isa, peak.burst.threads, rate_of(peak.burst)});
      // Without instructions for bf16 its products are f32 ones.
      if (peak.dtype == Dtype::f32) {
        figures.peaks.push_back({Dtype::bf16, peak.isa, peak.burst.threads, rate_of(peak.burst)});
      }
    }
    fill_scaling(figures);
    for (const Burst& burst : sweep_) figures.sweep.push_back({burst.work, rate_of(burst)});
    fill_levels(figures);
  }

  void fill_scaling(CalibrationFigures& figures) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      ScalingFigure scaling;
      scaling.threads = counts_[i];
      scaling.l2_bytes = rate_of(l2_[i]);
      for (const PeakBurst& peak : peaks_) {  // the last f32 row is the widest
        if (peak.dtype == Dtype::f32 && peak.burst.threads == counts_[i]) {
          scaling.flops = rate_of(peak.burst);
        }
      }
      figures.scaling.push_back(scaling);
    }
  }

  static void fill_levels(CalibrationFigures& figures) {
    std::vector<BandwidthPoint> points;
    for (const SweepPoint& point : figures.sweep) points.push_back({point.bytes, point.rate.best});
    const auto plateaus = find_plateaus(points);
    for (std::size_t i = 0; i < plateaus.size(); ++i) {
      const bool last = i + 1 == plateaus.size();
      LevelFigure level;
      level.name = last ? "DRAM" : "L" + std::to_string(i + 1);
      level.capacity_bytes = last ? 0 : points[plateaus[i].last].bytes;
      level.bytes.best = plateaus[i].bytes_per_second;
      std::vector<double> medians;
      for (std::size_t p = plateaus[i].first; p <= plateaus[i].last; ++p) {
        medians.push_back(figures.sweep[p].rate.median);
        level.bytes.bursts += figures.sweep[p].rate.bursts;
      }
      std::sort(medians.begin(), medians.end());
      level.bytes.median = medians[medians.size() / 2];
      figures.levels.push_back(level);
    }
  }

  const CalibrationOptions& options_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  PinnedTeam team_;
  std::vector<int> counts_;
  std::vector<PeakBurst> peaks_;
  std::vector<Burst> l2_;     // as counts_
  std::vector<Burst> sweep_;  // ascending
};

}  // namespace

CalibrationOptions fast_calibration() {
  CalibrationOptions options;
  options.seconds = 2;
  options.size_step = 1.6;
  return options;
}

CalibrationOptions full_calibration() {
  CalibrationOptions options;
  options.seconds = 60;
  options.size_step = 1.15;
  return options;
}

CalibrationFigures calibrate(const CalibrationOptions& options) {
  try {
    return Calibration(options).run();
  } catch (const std::exception& error) {
    CalibrationFigures figures;
    figures.failure = error.what();
    return figures;
  }
}

}  // namespace batchtune::probe
