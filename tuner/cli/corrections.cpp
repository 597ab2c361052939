#include "tuner/cli/corrections.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "build_id.h"
#include "tuner/cli/ceilings.h"
#include "tuner/cli/command.h"
#include "tuner/estimate/correction.h"

namespace batchtune {
namespace {

using Json = nlohmann::json;

constexpr char kRooflineNote[] = "roofline";
constexpr std::size_t kFewestBatches = 3;  // as many as there are factors
constexpr double kWorstFit = 0.25;         // of logs: a third of what a roofline is usually off by
constexpr double kFarthest = 13.8;         // log of 1e6: no device is that far from its roofline

// The build and the figures that factors are times over.
std::string figures_of(const SessionHeader& header, const CandidateGroup& group) {
  std::string text = kBuildId;
  for (const DeviceInfo& device : header.devices) {
    if (device.backend != group.backend) continue;
    text += "; " + device.version;
    for (const Peak& peak : device.peaks)
      if (peak.dtype == group.dtype)
        text += fmt::format("; {} {}", peak.isa, peak.flops_per_second);
    for (const MemoryLevel& level : device.memory_levels)
      text += fmt::format("; {} {}", level.name, level.bytes_per_second);
    text +=
        fmt::format("; {} {}", device.run_overhead.value_or(0), device.layer_overhead.value_or(0));
    for (const auto& [dtype, isa] : device.isa_in_use)
      if (dtype == group.dtype) text += "; uses " + isa;
  }
  return text;
}

Note empty_note(const std::vector<std::string>& backends, const SessionHeader& header,
                const CandidateGroup& group) {
  Note note;
  note.kind = kRooflineNote;
  note.device = noted_device(backends, header, group);
  note.software_hash = figures_of(header, group);
  note.name =
      fmt::format("{}, {} x {} threads", name_of(group.dtype), group.instances, group.threads);
  return note;
}

bool is_usable(const Correction& correction) {
  for (const CorrectionFactor& factor :
       {correction.compute, correction.memory, correction.overhead})
    if (!(std::abs(factor.log) <= kFarthest) || !std::isfinite(factor.error)) return false;
  return correction.residual <= kWorstFit;  // false for no number
}

struct KnownCorrection {
  Correction correction;
  std::int64_t session = 0;
};

// nullopt for a note that does not read any more.
std::optional<KnownCorrection> known_in(const Note& note) {
  const Json json = Json::parse(note.content, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto number = [&](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number() ? found->get<double>() : std::nan("");
  };
  KnownCorrection known{no_correction(), 0};
  known.correction.compute.log = number("compute");
  known.correction.memory.log = number("memory");
  known.correction.overhead.log = number("overhead");
  const auto session = json.find("session");
  if (!is_usable(known.correction) || session == json.end() || !session->is_number_integer())
    return std::nullopt;
  known.session = session->get<std::int64_t>();
  return known;
}

std::vector<MeasuredLatency> measured_of(const std::vector<Trial>& trials,
                                         const CandidateGroup& group) {
  constexpr double kIn95 = 1.96;
  std::vector<MeasuredLatency> measured;
  for (const Trial& trial : trials) {
    if (trial.candidate.group != group || !trial.measurement) continue;
    const Measurement& seen = *trial.measurement;
    double error = 0.02;  // of a few rounds on a shared machine
    if (seen.undisturbed_ci95 && seen.undisturbed_ci95->low > 0)
      error = std::log(seen.undisturbed_ci95->high / seen.undisturbed_ci95->low) / (2 * kIn95);
    measured.push_back({trial.candidate.batch, seen.undisturbed, error});
  }
  return measured;
}

}  // namespace

Result<std::vector<Setting>> known_corrections(const Store& store,
                                               const std::vector<std::string>& backends,
                                               const SessionHeader& header) {
  std::vector<Setting> settings;
  for (std::size_t i = 0; i < header.estimates.size(); ++i) {
    Estimate estimate = header.estimates[i];
    const Note wanted = empty_note(backends, header, estimate.group);
    BT_TRY(notes, store.notes(kRooflineNote, wanted.device));
    for (const Note& note : notes) {
      if (note.name != wanted.name || note.software_hash != wanted.software_hash) continue;
      const auto known = known_in(note);
      if (!known) say("WARNING: passed over: what was kept of the roofline of " + wanted.device);
      if (!known || estimate.curve.empty()) continue;
      std::string text = shown(known->correction);
      correct(estimate, known->correction, header.wishes.give_up, header.wishes.memory_limit);
      if (estimate.batch != header.estimates[i].batch)
        text += fmt::format(": the search begins at batch {}", estimate.batch);
      settings.push_back({correction_setting(i), std::move(text),
                          fmt::format("corrected by session {}", known->session)});
    }
  }
  return settings;
}

Status keep_corrections(Store& store, const std::vector<std::string>& backends,
                        const SessionHeader& header, const std::vector<Trial>& trials) {
  for (std::size_t i = 0; i < header.estimates.size(); ++i) {
    Estimate estimate = header.estimates[i];
    const auto measured = measured_of(trials, estimate.group);
    if (measured.size() < kFewestBatches || estimate.curve.empty()) continue;
    tell_parts_apart(estimate.curve);
    // What these batches do not tell stays as earlier sessions said.
    const Correction found = fit_correction(estimate.curve, measured, correction_of(header, i));
    if (!is_usable(found)) continue;
    Note note = empty_note(backends, header, estimate.group);
    note.content = Json{{"compute", found.compute.log},   {"memory", found.memory.log},
                        {"overhead", found.overhead.log}, {"residual", found.residual},
                        {"batches", found.points},        {"model", header.model.name},
                        {"session", header.number}}
                       .dump();
    BT_TRY_VOID(store.put_note(note));
  }
  return {};
}

}  // namespace batchtune
