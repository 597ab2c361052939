// Where the time of a run goes, by operation of the model, of several backends side by side. From a
// pass of its own: profiling slows runs, so these are no measured figures, and each profile says
// what it adds up to beside what a run takes without it. Part of the documents of `tune` and
// `measure` (--layers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/core/units.h"

namespace batchtune {

struct TextOptions;

// One operation in one backend's profile.
struct LayerFigure {
  Seconds seconds = 0;
  double share = 0;              // of what the profile adds up to
  std::optional<double> flops;   // per second, of all operations that it stands for; absent: none
  std::optional<double> roof;    // the roofline's bound of these over `seconds`
  std::vector<std::string> with;  // further operations that were computed with it

  bool operator==(const LayerFigure&) const = default;
};

struct LayerRow {
  std::string name, kind;  // of the model's operation
  std::vector<std::optional<LayerFigure>> figures;  // one for each profile; absent: not told apart
};

// What a profile has that is no operation of the model: layouts changed, nodes that a runtime made.
struct UnmappedLayer {
  std::string name, kind;
  Seconds seconds = 0;
};

struct LayerColumn {
  CandidateGroup group;  // one instance, alone
  std::string missing;   // why there is no profile; "" where there is one
  Seconds run = 0;       // median without profiling, in the same process
  Seconds sum = 0;       // of all layers, as profiled
  std::optional<Seconds> measured;      // undisturbed latency of the session
  std::vector<UnmappedLayer> unmapped;  // longest first
};

struct LayersReport {
  std::string model;
  std::int64_t batch = 1;
  std::vector<LayerColumn> profiles;
  std::vector<LayerRow> rows;   // in the model's order; those with a figure
  std::size_t most_rows = 20;   // shown as text: the longest
};

std::string text_layers(const LayersReport& report, const TextOptions& options);

}  // namespace batchtune
