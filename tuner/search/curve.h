// The model of the curve: what some looks say of every batch of some groups. Its guess is the
// roofline, its overheads and rates corrected by what was seen; what the guess leaves is a Gaussian
// process over log2 of the batch with
// - a smooth part, in which neighbours (and, less, groups) share what is learned;
// - a part of kinks, for caches that are full and paths that change;
// - a tile: what is lost where a batch is no multiple of a kernel's tile (2 to 32) or of the
// threads;
// - what a batch has of its own (holes).
// How large each part is, and whether the roofline is to be trusted at all (else the guess is
// flat), is not fixed: many settings are weighted by how likely the looks are under them, and a
// draw is of one of these. So the curve is uncertain where settings disagree. Private to
// tuner/search.
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
#include "tuner/statistics/gaussian_process.h"

namespace batchtune {

// Logs of rates: mean and standard deviation of each candidate.
struct CurveView {
  std::vector<double> mean, deviation;
};

class CurveModel {
 public:
  // Looks of other groups are left out. `earlier`: what was learned of
  // the roofline before.
  CurveModel(std::vector<Estimate> groups, std::span<const Look> looks,
             const Correction& earlier = no_correction());

  CurveView view(std::span<const Candidate> candidates) const;
  // About `count` curves at all candidates together.
  std::vector<std::vector<double>> draws(std::span<const Candidate> candidates, int count,
                                         std::uint64_t seed) const;

  // Probability that the corrected roofline is a better guess than none.
  double trust() const { return trust_; }
  const Correction& correction() const { return correction_; }

 private:
  struct Setting {
    ProcessPrior prior;
    ProcessMean mean;
    bool by_roofline = true;
    double weight = 1;  // before and after the looks
  };
  std::vector<ProcessInput> inputs_of(std::span<const Candidate> candidates) const;
  ProcessMean mean_of(bool by_roofline) const;
  void correct_roofline(std::span<const Look> looks, const Correction& earlier);
  void weigh(std::vector<Setting> settings);

  std::shared_ptr<const std::vector<Estimate>> groups_;
  std::vector<ProcessValue> values_;
  Correction correction_;
  double level_ = 0;  // of the flat guess
  double trust_ = 0;
  struct Weighted {
    double weight = 1;
    GaussianProcess process;
  };
  std::vector<Weighted> processes_;
};

// A backend's groups, and its looks: at most kMostPooled of them, those with the highest rates, as
// work grows with their third power. Holes are left out: batches slower than both their neighbours,
// beyond errors. Nobody would choose one, the smaller neighbour being better in all, and it says
// nothing of other batches.
inline constexpr std::size_t kMostPooled = 48;
std::vector<Estimate> of_backend(const std::vector<Estimate>& groups, const std::string& backend);
std::vector<Look> leading(std::vector<Look> looks, const std::string& backend);

// Rates of what was looked at, with what the others of its backend say of it: of some lucky looks
// and a batch that was looked at for long, the lucky ones are believed less. `curve_of` gives the
// model of a backend's leading looks; those of other looks are their own.
std::map<TrialId, double> pooled_rates(
    const std::vector<Look>& looks,
    const std::function<const CurveModel&(const std::string&)>& curve_of);

}  // namespace batchtune
