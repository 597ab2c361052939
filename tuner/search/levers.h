// What would bring a candidate that misses a limit nearer to it, each lever with its reason: from
// what other groups measured in this session, else from estimates, else said as a guess. Private to
// tuner/search.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {

enum class Missed { latency, throughput, memory };

// How far the nearest candidate misses what it misses most.
struct Gap {
  Missed missed = Missed::latency;
  double factor = 1;    // above 1: so many times too long, too slow, too large
  std::string words;    // "p50 31.0 ms, 1.55 x the limit"; empty: it misses nothing by a figure
  std::string relaxed;  // the wish that it would keep: "a latency limit of 31.0 ms (p50)"
};

// `trials` are all of the session; `nearest` may be without a measurement.
std::vector<std::string> levers_for(const Candidate& nearest, const Gap& gap,
                                    const std::vector<Trial>& trials, const SessionHeader& header);

}  // namespace batchtune
