// Small pieces of text that several reports share. ASCII in, ASCII out; a figure that is not finite
// is "?", an absent one "-".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune::text {

inline constexpr char kAbsent[] = "-";
// Of a model whose operations cannot be read (core/unknown.h).
inline constexpr char kUnknownEstimate[] = "unknown: the model's operations cannot be read";

std::string figure(const std::optional<double>& value, int digits = 3);
std::string signed_percent(double share);     // "+12 %", "-3.1 %"
std::string clock_words(const Interval& hz);  // "3.60 to 3.70 GHz"
std::string shown(const Value& value);        // "yes", "60", "-"
std::string one_line(std::string_view text);  // control characters become spaces
std::string counted(std::int64_t count, std::string_view thing);  // "1 round", "2 rounds"
std::string joined(const std::vector<std::string>& parts, std::string_view separator);

// Breaks at spaces; the first line begins with `head`, the others are indented as far. No line feed
// at the end is missing. A word wider than the line stays whole.
std::string wrapped(std::string_view head, std::string_view text, int width);

// A latency or memory column in one unit, chosen from its smallest figure.
struct Unit {
  std::string name;
  double size = 1;  // in seconds or bytes
};
Unit latency_unit(double smallest);
Unit memory_unit(double smallest);

// The device's peak for what a group runs: its data type on the instruction set in use, or on the
// fastest where the backend does not say which it uses.
struct GroupPeak {
  double flops_per_second = 0;
  std::string isa;
};
std::optional<GroupPeak> peak_of(const std::vector<DeviceInfo>& devices,
                                 const CandidateGroup& group);

// Of the first Inferentia (core/inferentia.h): what can be done with it here, and the pipeline for strict latency.
inline constexpr char kInferentiaIs[] =
    "neuronx-cc does not compile for Inf1 (neuron-cc did, which AWS has archived): here it is for estimates, simulation, "
    "NEFFs of your own (--neff) and --backend command";
std::string pipeline_words(double weights);  // "NeuronCore Pipeline over 60 cores: ..."

// Bold where colour is on.
std::string bold(std::string_view text, bool color);

}  // namespace batchtune::text
