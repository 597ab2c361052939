// The model of the curve: what some looks say of every batch of some groups. Its guess is the
// roofline, its overheads and rates corrected by what was seen, or where that is not to be trusted
// a latency of so much for the run and so much for each sample, or a level; what the guess leaves
// is a Gaussian process over log2 of the batch with
// - a smooth part, in which neighbours (and, less, groups) share what is learned;
// - kinks, for caches that are full and paths that change;
// - tiles: what is lost where a batch is no multiple of a kernel's tile or of the threads, by whole
//   tiles that are computed for a few samples, or by each sample that lacks (a sawtooth);
// - holes: single batches that are slower than both their neighbours, and say nothing of them.
// How large each part is, which tile there is, if any, and whether a slow batch is a hole or shows
// a tile is not fixed: some hundred settings are weighted by how likely the looks are under them
// (statistics/process_mixture.h), and a draw is of one of these. That nothing but its tile or a
// hole makes a batch differ from those around it is what lets the search stop: else any batch of a
// plateau might be a percent better. Private to tuner/search.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/estimate.h"
#include "tuner/estimate/correction.h"
#include "tuner/search/looks.h"
#include "tuner/statistics/process_mixture.h"

namespace batchtune {

// Logs of rates: mean and standard deviation of each candidate.
struct CurveView {
  std::vector<double> mean, deviation;
};

class CurveModel {
 public:
  // Looks of other groups are left out. `earlier`: what was learned of the roofline before.
  CurveModel(std::vector<Estimate> groups, std::span<const Look> looks,
             const Correction& earlier = no_correction());

  CurveView view(std::span<const Candidate> candidates) const;
  // `count` curves at all candidates together.
  std::vector<std::vector<double>> draws(std::span<const Candidate> candidates, int count,
                                         std::uint64_t seed) const;

  // Probability that the corrected roofline is a better guess than none.
  double trust() const { return trust_; }
  const Correction& correction() const { return correction_; }
  // In words, what the looks have that the roofline has not: tiles, a loss at large batches,
  // overheads; "": nothing stands out.
  std::string cause() const;

 private:
  void correct_roofline(std::span<const Look> looks, const Correction& earlier);
  void fit_lines();
  double by_roofline(std::size_t group, std::int64_t batch) const;
  MixturePoint point(std::size_t group, std::int64_t batch) const;
  std::vector<MixturePoint> points(std::span<const Candidate> candidates) const;

  std::vector<Estimate> groups_;
  std::vector<Look> looks_;
  Correction correction_;
  double level_ = 0;  // of the flat guess
  struct LatencyLine {
    double fixed = 0, sample = 0;  // seconds; sample 0: there are too few looks
  };
  std::vector<LatencyLine> lines_;  // by group
  double trust_ = 0;
  std::unique_ptr<const ProcessMixture> mixture_;
};

// A backend's groups, and its looks: at most kMostPooled of them, those with the highest rates, as
// work grows with their third power. Holes are marked: batches slower than both their neighbours,
// beyond errors. Nobody would choose one, the smaller neighbour being better in all.
inline constexpr std::size_t kMostPooled = 48;
std::vector<Estimate> of_backend(const std::vector<Estimate>& groups, const std::string& backend);
std::vector<Look> leading(std::vector<Look> looks, const std::string& backend);

// Rates of what was looked at, with what the others of its backend say of it: of some lucky looks
// and a batch that was looked at for long, the lucky ones are believed less. `curve_of` gives the
// model of a backend's leading looks; those of other looks and of holes are their own.
std::map<TrialId, double> pooled_rates(
    const std::vector<Look>& looks,
    const std::function<const CurveModel&(const std::string&)>& curve_of);

}  // namespace batchtune
