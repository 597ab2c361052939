// See levers.h.
#include "tuner/search/levers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tuner/core/units.h"
#include "tuner/search/facts.h"

namespace batchtune {
namespace {

const DeviceInfo* device_of(const SessionHeader& header, const std::string& backend) {
  for (const DeviceInfo& device : header.devices)
    if (device.backend == backend) return &device;
  return nullptr;
}

const Trial* find_measured(const std::vector<Trial>& trials, const Candidate& candidate) {
  for (const Trial& trial : trials)
    if (trial.candidate == candidate && is_measured(trial)) return &trial;
  return nullptr;
}

const PointEstimate* find_estimate(const SessionHeader& header, const Candidate& candidate) {
  for (const Estimate& estimate : header.estimates)
    if (estimate.group == candidate.group)
      for (const PointEstimate& point : estimate.curve)
        if (point.batch == candidate.batch) return &point;
  return nullptr;
}

// Latencies and throughputs as factors on another candidate's.
struct Effect {
  double latency = 1, throughput = 1;
  const char* origin = "measured";
};

// Of running as `other` does; nullopt: neither measured nor estimated.
std::optional<Effect> effect_of(const Candidate& from, const Candidate& other,
                                const std::vector<Trial>& trials, const SessionHeader& header) {
  const Trial* before = find_measured(trials, from);
  const Trial* after = find_measured(trials, other);
  if (before && after)
    return Effect{
        after->measurement->undisturbed / before->measurement->undisturbed,
        after->measurement->throughput_undisturbed / before->measurement->throughput_undisturbed,
        "measured"};
  const PointEstimate* was = find_estimate(header, from);
  const PointEstimate* would = find_estimate(header, other);
  if (!was || !would) return std::nullopt;
  return Effect{would->latency / was->latency, would->throughput / was->throughput, "estimated"};
}

std::string times(double factor) {
  return format_number(factor, 2) + " x";
}

std::string plural(int count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

double peak_of(const DeviceInfo& device, DType dtype) {
  double best = 0;
  std::string isa;
  for (const auto& [used, name] : device.isa_in_use)
    if (used == dtype) isa = name;
  for (const Peak& peak : device.peaks)
    if (peak.dtype == dtype && (isa.empty() || peak.isa == isa))
      best = std::max(best, peak.flops_per_second);
  return best;
}

// Half the bytes help where memory is the bound; the arithmetic's speed where that is.
std::string smaller_dtype(const Candidate& nearest, const Gap& gap, const SessionHeader& header) {
  std::string words = "a smaller data type (bf16";
  if (gap.missed == Missed::memory) return words + ": half the bytes)";
  const PointEstimate* estimate = find_estimate(header, nearest);
  const DeviceInfo* device = device_of(header, nearest.group.backend);
  if (!estimate || !device) return words + ")";
  if (estimate->bound == Bound::memory)
    return words + ": it is bound by memory, and half the bytes take half the time)";
  const double before = peak_of(*device, nearest.group.dtype);
  const double after = peak_of(*device, DType::bf16);
  if (estimate->bound == Bound::compute && before > 0 && after > 0)
    return words + ": its arithmetic is " + times(after / before) + " as fast here)";
  return words + ")";
}

// Fewer instances with more threads shorten a latency, more instances raise a throughput: the best
// such split of the same CPUs, if any group of the session has one.
std::string other_split(const Candidate& nearest, const Gap& gap, const std::vector<Trial>& trials,
                        const SessionHeader& header) {
  const bool fewer = gap.missed != Missed::throughput;
  std::optional<Effect> best;
  Candidate split;
  const auto consider = [&](const CandidateGroup& group) {
    CandidateGroup alike = group;
    alike.threads = nearest.group.threads;
    alike.instances = nearest.group.instances;
    if (alike != nearest.group || group == nearest.group) return;
    if (fewer ? group.instances >= nearest.group.instances
              : group.instances <= nearest.group.instances)
      return;
    const Candidate candidate{group, nearest.batch};
    const auto effect = effect_of(nearest, candidate, trials, header);
    if (!effect || (fewer ? effect->latency >= 1 : effect->throughput <= 1)) return;
    if (best && (fewer ? effect->latency >= best->latency : effect->throughput <= best->throughput))
      return;
    best = effect;
    split = candidate;
  };
  for (const Trial& trial : trials) consider(trial.candidate.group);
  for (const Estimate& estimate : header.estimates) consider(estimate.group);
  if (!best)
    return fewer && nearest.group.instances > 1 ? "fewer instances with more threads each" : "";
  return fmt::format("{} of {} ({} {} the {} at batch {})",
                     plural(split.group.instances, "instance"),
                     plural(split.group.threads, "thread"), best->origin,
                     times(fewer ? best->latency : best->throughput),
                     fewer ? "latency" : "throughput", nearest.batch);
}

// By the best-known speed-up from few to all threads of one instance.
struct Scaling {
  int few = 0, many = 0;
  double speedup = 1;
};
std::optional<Scaling> scaling_of(const Candidate& nearest, const std::vector<Trial>& trials) {
  std::optional<Scaling> best;
  for (const Trial& one : trials)
    for (const Trial& other : trials) {
      const CandidateGroup &a = one.candidate.group, &b = other.candidate.group;
      if (!is_measured(one) || !is_measured(other) ||
          one.candidate.batch != other.candidate.batch || a.backend != nearest.group.backend ||
          b.backend != a.backend || a.dtype != b.dtype || a.dims != b.dims || a.instances != 1 ||
          b.instances != 1 || a.threads >= b.threads)
        continue;
      if (best && b.threads - a.threads <= best->many - best->few) continue;
      best = Scaling{a.threads, b.threads,
                     one.measurement->undisturbed / other.measurement->undisturbed};
    }
  return best;
}

std::string more_cores(const Candidate& nearest, const Gap& gap, const std::vector<Trial>& trials,
                       const SessionHeader& header) {
  const DeviceInfo* device = device_of(header, nearest.group.backend);
  const int used = nearest.group.threads * nearest.group.instances;
  if (device && used < device->cores)
    return fmt::format("more of the {} cores: {} {} used", device->cores, used,
                       used == 1 ? "is" : "are");
  const auto scaling = scaling_of(nearest, trials);
  const PointEstimate* estimate = find_estimate(header, nearest);
  if (!scaling && estimate && estimate->bound == Bound::memory)
    return fmt::format("a device with {} the memory bandwidth (it is bound by that)",
                       times(gap.factor));
  double exponent = 1;  // of time by cores
  std::string reason = "if it scaled with them";
  if (scaling) {
    exponent =
        std::log(scaling->speedup) / std::log(static_cast<double>(scaling->many) / scaling->few);
    constexpr double kHardly = 0.2;  // cores to the power of five: no lever
    if (exponent < kHardly)
      return fmt::format("a faster device (more cores hardly help: {} are {} as fast as {})",
                         scaling->many, times(scaling->speedup), scaling->few);
    reason = fmt::format("{} are {} as fast as {} here", scaling->many, times(scaling->speedup),
                         scaling->few);
  }
  constexpr double kMostTimes = 16;  // nobody extrapolates further from two points
  const double more = std::pow(gap.factor, 1 / exponent);
  if (more > kMostTimes) return fmt::format("a device that is {} as fast", times(gap.factor));
  const double cores = std::ceil(used * more - 1e-9);
  return fmt::format("a device with {:.0f} such cores ({}), or a faster one", cores, reason);
}

}  // namespace

std::vector<std::string> levers_for(const Candidate& nearest, const Gap& gap,
                                    const std::vector<Trial>& trials, const SessionHeader& header) {
  std::vector<std::string> levers;
  const auto add = [&](std::string words) {
    if (!words.empty()) levers.push_back(std::move(words));
  };
  if (size_of(nearest.group.dtype) > 2) add(smaller_dtype(nearest, gap, header));
  if (gap.missed == Missed::memory) {
    if (nearest.group.instances > 1) add("fewer instances: each needs its own activations");
    add(gap.relaxed);
    return levers;
  }
  const bool is_smallest = std::none_of(trials.begin(), trials.end(), [&](const Trial& trial) {
    return trial.candidate.group == nearest.group && trial.candidate.batch < nearest.batch &&
           is_measured(trial);
  });
  if (gap.missed == Missed::latency && nearest.batch > 1 && is_smallest)
    add(fmt::format("a batch below {}: none was measured", nearest.batch));
  add(other_split(nearest, gap, trials, header));
  add(more_cores(nearest, gap, trials, header));
  add(gap.relaxed);
  return levers;
}

}  // namespace batchtune
