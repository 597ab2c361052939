// How far a device is from its roofline: factors on the time that a model spends computing, moving
// bytes and in overheads, fitted to measured latencies. It re-aims the search, and carried from
// model to model it lets the next one on the same device and data type start closer.
//
//     latency(b) = compute x C(b) + memory x M(b) + overhead x O(b)
//
// with the roofline's own parts C, M and O. The factors are fitted to logs of latencies by robust
// least squares (Huber's weights), each with a weak prior at 1: what the measured batches do not
// tell stays as the roofline says. The trap: parts that grow alike over the measured batches share
// one error, so a factor is to be read with its interval.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/estimate.h"
#include "tuner/core/session.h"

namespace batchtune {

// A factor on a part of the time, as a logarithm: 0 is the roofline's own, log(2) twice as long.
struct CorrectionFactor {
  double log = 0;
  double error = 1;  // standard deviation of `log`

  double factor() const;
  double low() const;  // 95 %
  double high() const;
};

// Time over the roofline's: effective FLOP/s = peak / compute.factor(), bandwidth likewise.
struct Correction {
  CorrectionFactor compute, memory, overhead;
  double residual = 0;  // standard deviation of the logs that the fit leaves
  int points = 0;       // batches that it was fitted to
};

// Before anything was measured: kernels reach a quarter to all of a peak, overheads are known to an
// order of magnitude.
inline constexpr double kUsualError = 0.7;
inline constexpr double kUsualOverheadError = 1.5;
Correction no_correction();

struct MeasuredLatency {
  std::int64_t batch = 1;
  Seconds latency = 0;
  double error = 0;  // standard deviation of its logarithm
};

// `prior`: of an earlier model on the device, or no_correction(). The curve's parts
// must be known (tell_parts_apart). Without points: the prior.
Correction fit_correction(std::span<const PointEstimate> curve,
                          std::span<const MeasuredLatency> measured, const Correction& prior);

// On the curve at any batch >= 1, straight between its points (in the batch), the last per-sample
// cost beyond them. REQUIRES: not empty.
PointEstimate read_curve(std::span<const PointEstimate> curve, std::int64_t batch, int instances);

// Fills the parts where a curve does not say them: computing is what each sample costs at the
// curve's end, moving what a batch takes beyond, and some overhead besides is there for a fit to
// enlarge.
void tell_parts_apart(std::vector<PointEstimate>& curve);

// The same point with corrected parts, latency, throughput and bound.
PointEstimate corrected(PointEstimate point, const Correction& correction);

// The whole curve corrected, and as the seed its knee among the batches that keep the limit.
void correct(Estimate& estimate, const Correction& correction, double give_up,
             std::optional<Bytes> memory_limit = {});

// A session says what its search began with among its settings, "roofline.1" of the first group,
// ...; its estimates stay the roofline's. The trap: these texts are what a resumed session is
// rebuilt from, so the search of a new one starts from them too, not from exact factors.
std::string correction_setting(std::size_t group);
std::string shown(const Correction& correction);

// What stands in the settings; no_correction() where nothing does.
Correction correction_of(const SessionHeader& header, std::size_t group);

// The header's estimates as its search begins with them.
std::vector<Estimate> corrected_estimates(const SessionHeader& header);

}  // namespace batchtune
