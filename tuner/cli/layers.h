// --layers: a pass of its own after the session, which profiles what was measured on each backend
// and lays the times over the model's operations. Nothing of it is stored.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "reports/layers_report.h"
#include "reports/report.h"
#include "storage/store.h"
#include "tuner/backend/backend.h"
#include "tuner/cli/arguments.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/estimate/roofline.h"
#include "tuner/measure/protocol.h"
#include "tuner/workload/model.h"

namespace batchtune {

struct LayersOptions {
  bool wanted = false;
  std::string most;  // as typed; "" for the default
};
void add_layers_option(Arguments& arguments, LayersOptions& options);
// CSV has a line for each trial, and no place for layers.
Status check_layers(const LayersOptions& options, Format format = Format::text);

// Profiles: of `tune` the recommended batch, of `measure` every batch that was measured, on each
// backend by its best group at that batch (of one instance). `request` is the session's own. An
// Error: no worker, or no device; a candidate that cannot be profiled is said in its column.
Result<std::vector<LayersReport>> profile_layers(const LayersOptions& options,
                                                 const TuningRequest& request, const Model& model,
                                                 const TuneReport& report, Store& store,
                                                 bool quiet);

// ---- its parts, for tests

// What is profiled: for each batch the candidates with one instance, and what the session measured.
struct ProfiledCandidate {
  Candidate candidate;
  std::optional<Seconds> measured;
};
std::vector<std::vector<ProfiledCandidate>> candidates_for_layers(const TuneReport& report);

struct ProfiledLayers {
  ProfiledCandidate of;
  protocol::Profiled profile;
  std::vector<Seconds> bounds;  // Roofline::layer_bounds(); empty where there is no roofline
};
LayersReport layers_report(const Model& model, const std::vector<ProfiledLayers>& profiles,
                           std::size_t most_rows);

}  // namespace batchtune
