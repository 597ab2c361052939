#include "tuner/cli/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "tuner/backend/backend_list.h"
#include "tuner/cli/command.h"
#include "tuner/cli/devices.h"
#include "tuner/cli/layer_names.h"
#include "tuner/cli/session_plan.h"
#include "tuner/estimate/footprint.h"
#include "tuner/measure/layer_profile.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

constexpr std::size_t kMostRows = 20;
constexpr std::size_t kLargestRows = 1'000'000;  // "all of them" by any count

Result<std::size_t> rows_of(const LayersOptions& options) {
  if (options.most.empty()) return kMostRows;
  std::size_t rows = 0;
  const char* const end = options.most.data() + options.most.size();
  const auto [at, code] = std::from_chars(options.most.data(), end, rows);
  if (code != std::errc{} || at != end || rows < 1 || rows > kLargestRows)
    return bad_input("a number of layers from 1", "'" + options.most + "'", "--layers");
  return rows;
}

// The best measured trial of a backend and data type at this batch; of the whole session where it
// has none there.
const Trial* best_trial(const std::vector<Trial>& trials, const std::string& backend, DType dtype,
                        std::int64_t batch) {
  const Trial* best = nullptr;
  for (const Trial& trial : trials) {
    if (!trial.measurement || trial.candidate.group.backend != backend ||
        trial.candidate.group.dtype != dtype)
      continue;
    const auto rank = [&](const Trial& one) {
      return std::pair(one.candidate.batch == batch, one.measurement->throughput_undisturbed);
    };
    if (best == nullptr || rank(trial) > rank(*best)) best = &trial;
  }
  return best;
}

std::vector<ProfiledCandidate> candidates_at(const std::vector<Trial>& trials, std::int64_t batch) {
  std::vector<std::pair<std::string, DType>> kinds;
  std::vector<ProfiledCandidate> candidates;
  for (const Trial& trial : trials) {
    const std::pair kind(trial.candidate.group.backend, trial.candidate.group.dtype);
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    kinds.push_back(kind);
    const Trial* const best = best_trial(trials, kind.first, kind.second, batch);
    if (best == nullptr) continue;
    ProfiledCandidate profiled{{best->candidate.group, batch}, std::nullopt};
    if (best->candidate == profiled.candidate && best->candidate.group.instances == 1)
      profiled.measured = best->measurement->undisturbed;
    profiled.candidate.group.instances = 1;
    candidates.push_back(std::move(profiled));
  }
  return candidates;
}

// One operation's share of one profile, while it is added up.
struct Sum {
  Seconds seconds = 0;
  std::vector<OpIndex> with;
};

class ReportBuilder {
 public:
  ReportBuilder(const Model& model, const std::vector<ProfiledLayers>& profiles)
      : model_(model), names_(model, node_operations_of(model)), profiles_(profiles) {}

  LayersReport build(std::size_t most_rows);

 private:
  void add_column(const ProfiledLayers& profile);
  OpIndex main_of(const std::vector<OpIndex>& ops) const;
  LayerFigure figure_of(OpIndex op, const Sum& sum, std::size_t column) const;
  std::optional<Seconds> bound_of(OpIndex op, const std::vector<OpIndex>& with,
                                  const std::vector<Seconds>& bounds) const;

  const Model& model_;
  LayerNames names_;
  const std::vector<ProfiledLayers>& profiles_;
  std::vector<std::map<OpIndex, Sum>> sums_;  // by profile
  LayersReport report_;
};

// The one with the most work.
OpIndex ReportBuilder::main_of(const std::vector<OpIndex>& ops) const {
  return *std::max_element(ops.begin(), ops.end(), [&](OpIndex a, OpIndex b) {
    const auto flops = [&](OpIndex op) {
      return work_of(model_, model_.ops[static_cast<std::size_t>(op)]).flops;
    };
    return flops(a) < flops(b);
  });
}

void ReportBuilder::add_column(const ProfiledLayers& profile) {
  const protocol::Profiled& told = profile.profile;
  LayerColumn column{profile.of.candidate.group, "", told.run, 0, profile.of.measured, {}};
  std::map<OpIndex, Sum> sums;
  if (told.ending.status != TrialStatus::ok)
    column.missing = told.ending.reason + (told.ending.evidence.empty() ? "" : "; ") + told.ending.evidence;
  else if (told.layers.empty())
    column.missing = "this backend does not tell layers apart";
  const auto operations = names_.operations_of(told.layers);
  for (std::size_t i = 0; i < told.layers.size(); ++i) {
    const LayerTime& layer = told.layers[i];
    column.sum += layer.seconds;
    if (operations[i].empty()) {
      column.unmapped.push_back({layer.name, layer.kind, layer.seconds});
      continue;
    }
    const OpIndex main = main_of(operations[i]);
    Sum& sum = sums[main];
    sum.seconds += layer.seconds;
    for (const OpIndex op : operations[i])
      if (op != main && std::find(sum.with.begin(), sum.with.end(), op) == sum.with.end())
        sum.with.push_back(op);
  }
  std::stable_sort(column.unmapped.begin(), column.unmapped.end(),
                   [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  // What has time of its own is no other operation's companion.
  for (auto& [main, sum] : sums)
    std::erase_if(sum.with, [&](OpIndex op) { return sums.count(op) > 0; });
  report_.profiles.push_back(std::move(column));
  sums_.push_back(std::move(sums));
}

std::optional<Seconds> ReportBuilder::bound_of(OpIndex op, const std::vector<OpIndex>& with,
                                               const std::vector<Seconds>& bounds) const {
  if (bounds.empty()) return std::nullopt;
  Seconds bound = 0;
  std::size_t layer = 0;
  for (std::size_t i = 0; i < model_.ops.size(); ++i) {
    if (!is_layer(model_.ops[i])) continue;
    const auto index = static_cast<OpIndex>(i);
    if (index == op || std::find(with.begin(), with.end(), index) != with.end())
      bound += bounds[layer];
    ++layer;
  }
  return bound;
}

LayerFigure ReportBuilder::figure_of(OpIndex op, const Sum& sum, std::size_t column) const {
  const LayerColumn& profile = report_.profiles[column];
  const ProfiledLayers& told = profiles_[column];
  LayerFigure figure{sum.seconds, profile.sum > 0 ? sum.seconds / profile.sum : 0, {}, {}, {}};
  double flops = work_of(model_, model_.ops[static_cast<std::size_t>(op)]).flops;
  for (const OpIndex other : sum.with) {
    flops += work_of(model_, model_.ops[static_cast<std::size_t>(other)]).flops;
    figure.with.push_back(model_.ops[static_cast<std::size_t>(other)].name);
  }
  flops *= static_cast<double>(told.of.candidate.batch);
  if (sum.seconds <= 0) return figure;
  if (flops > 0) figure.flops = flops / sum.seconds;
  const auto bound = bound_of(op, sum.with, told.bounds);
  if (bound && *bound > 0) figure.roof = *bound / sum.seconds;
  return figure;
}

LayersReport ReportBuilder::build(std::size_t most_rows) {
  report_.model = model_.name;
  report_.most_rows = most_rows;
  for (const ProfiledLayers& profile : profiles_) {
    report_.batch = profile.of.candidate.batch;
    add_column(profile);
  }
  for (std::size_t i = 0; i < model_.ops.size(); ++i) {
    const Op& op = model_.ops[i];
    const auto index = static_cast<OpIndex>(i);
    LayerRow row{op.name,
                 std::string(op.kind == OpKind::foreign ? op.operation : name_of(op.kind)),
                 {}};
    bool any = false;
    for (std::size_t column = 0; column < sums_.size(); ++column) {
      const auto found = sums_[column].find(index);
      row.figures.emplace_back();
      if (found == sums_[column].end()) continue;
      row.figures.back() = figure_of(index, found->second, column);
      any = true;
    }
    if (any) report_.rows.push_back(std::move(row));
  }
  return std::move(report_);
}

// Empty where there is nothing to hold a layer against (an unknown peak; operations that cannot be
// read).
std::vector<Seconds> bounds_of(const Model& model, const std::vector<OpenDevice>& devices,
                               const Candidate& candidate) {
  for (const OpenDevice& device : devices) {
    if (device.entry->name != candidate.group.backend) continue;
    auto roofline =
        Roofline::make(layers_of(model), planned_memory_line(model, candidate.group),
                       device.at(candidate.group.threads), candidate.group);
    if (roofline) return roofline->layer_bounds(candidate.batch);
  }
  return {};
}

}  // namespace

void add_layers_option(Arguments& arguments, LayersOptions& options) {
  arguments.optional_value("--layers", options.wanted, options.most,
                           "also where the time goes, by operation and backend: the N longest "
                           "(default 20), profiled in a pass of its own after the measurements");
}

Status check_layers(const LayersOptions& options, Format format) {
  BT_TRY_VOID(rows_of(options));
  if (options.wanted && format == Format::csv)
    return bad_input("text or json with --layers", "csv", "--format");
  return {};
}

std::vector<std::vector<ProfiledCandidate>> candidates_for_layers(const TuneReport& report) {
  const std::vector<Trial>& trials = report.conclusion.trials;
  std::vector<std::int64_t> batches;
  for (const Trial& trial : trials) {
    const bool chosen = report.record.header.command == "measure" ||
                        (report.conclusion.best && report.conclusion.best->trial == trial.id);
    if (chosen && trial.measurement) batches.push_back(trial.candidate.batch);
  }
  std::sort(batches.begin(), batches.end());
  batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
  std::vector<std::vector<ProfiledCandidate>> candidates;
  for (const std::int64_t batch : batches) candidates.push_back(candidates_at(trials, batch));
  return candidates;
}

LayersReport layers_report(const Model& model, const std::vector<ProfiledLayers>& profiles,
                           std::size_t most_rows) {
  return ReportBuilder(model, profiles).build(most_rows);
}

Result<std::vector<LayersReport>> profile_layers(const LayersOptions& options,
                                                 const TuningRequest& request, const Model& model,
                                                 const TuneReport& report, Store& store,
                                                 bool quiet) {
  std::vector<LayersReport> layers;
  BT_TRY(rows, rows_of(options));
  if (!options.wanted || report.record.end == SessionEnd::interrupted) return layers;
  BT_TRY(plan, make_plan(request, model, report.record.header, store));
  BT_TRY(devices, open_devices(request, store, quiet));
  const ProfileOptions profiling{plan.measuring.seed, plan.measuring.timeout};
  const std::string model_json = write_model(model);
  for (const auto& candidates : candidates_for_layers(report)) {
    std::vector<ProfiledLayers> profiles;
    for (const ProfiledCandidate& one : candidates) {
      const BackendEntry* const entry = find_backend(one.candidate.group.backend);
      if (entry != nullptr && entry->one_instance) {  // a command: starting it would tell nothing
        profiles.push_back({one, {}, {}});
        continue;
      }
      if (!quiet) say("profiling the layers of " + to_string(one.candidate));
      const auto backend = std::find_if(
          plan.measuring.backends.begin(), plan.measuring.backends.end(),
          [&](const MeasuredBackend& each) { return each.name == one.candidate.group.backend; });
      BT_TRY(profile, profile_alone(*backend, model_json, one.candidate, profiling));
      profiles.push_back({one, std::move(profile), bounds_of(model, devices, one.candidate)});
    }
    layers.push_back(layers_report(model, profiles, rows));
  }
  return layers;
}

}  // namespace batchtune
