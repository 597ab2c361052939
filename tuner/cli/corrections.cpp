#include "tuner/cli/corrections.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "tuner/cli/ceilings.h"
#include "tuner/estimate/correction.h"

namespace batchtune {
namespace {

using Json = nlohmann::json;

constexpr char kNoteKind[] = "roofline";
// A setting's value, written and read: times over the roofline's.
constexpr char kShown[] = "compute x%lf, memory x%lf, overhead x%lf";
constexpr std::size_t kFewestBatches = 3;  // as many as there are factors

// Splits of the CPUs share one: their peaks and bandwidths are scaled alike.
std::string note_name(const CandidateGroup& group) {
  return std::string(name_of(group.dtype));
}

std::string setting_name(std::size_t group) {
  return fmt::format("roofline.{}", group + 1);
}

Json to_json(const CorrectionFactor& factor) {
  return {{"log", factor.log}, {"error", factor.error}};
}

// nullopt for a note that does not read any more.
std::optional<Correction> correction_in(const Note& note) {
  const Json json = Json::parse(note.content, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  Correction correction = no_correction();
  const auto read = [&](const char* name, CorrectionFactor& factor) {
    const auto part = json.find(name);
    if (part == json.end() || !part->is_object()) return false;
    const double log = part->value("log", std::nan("")), error = part->value("error", std::nan(""));
    if (!std::isfinite(log) || !std::isfinite(error) || error <= 0) return false;
    factor = {log, error};
    return true;
  };
  const bool whole = read("compute", correction.compute) && read("memory", correction.memory) &&
                     read("overhead", correction.overhead);
  return whole ? std::optional(correction) : std::nullopt;
}

// What the session's estimates were corrected by when it began.
Correction begun_with(const SessionHeader& header, std::size_t group) {
  Correction correction = no_correction();
  for (const Setting& setting : header.settings.effective) {
    double compute = 1, memory = 1, overhead = 1;
    if (setting.name != setting_name(group) ||
        std::sscanf(to_string(setting.value).c_str(), kShown, &compute, &memory, &overhead) != 3)
      continue;
    correction.compute.log = std::log(compute);
    correction.memory.log = std::log(memory);
    correction.overhead.log = std::log(overhead);
  }
  return correction;
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

Status apply_corrections(const Store& store, const std::vector<std::string>& backends,
                         SessionHeader& header) {
  for (std::size_t i = 0; i < header.estimates.size(); ++i) {
    Estimate& estimate = header.estimates[i];
    BT_TRY(notes, store.notes(kNoteKind, noted_device(backends, header, estimate.group)));
    for (const Note& note : notes) {
      const auto known = correction_in(note);
      if (note.name != note_name(estimate.group) || !known || estimate.curve.empty()) continue;
      correct(estimate, *known, header.wishes.give_up);
      header.settings.effective.push_back(
          {setting_name(i),
           fmt::format("compute x{:.6g}, memory x{:.6g}, overhead x{:.6g}", known->compute.factor(),
                       known->memory.factor(), known->overhead.factor()),
           "earlier sessions"});
    }
  }
  return {};
}

Status keep_corrections(Store& store, const std::vector<std::string>& backends,
                        const SessionHeader& header, const std::vector<Trial>& trials) {
  for (std::size_t i = 0; i < header.estimates.size(); ++i) {
    const Estimate& estimate = header.estimates[i];
    const auto measured = measured_of(trials, estimate.group);
    if (measured.size() < kFewestBatches || estimate.curve.empty()) continue;
    const Correction before = begun_with(header, i);
    Correction found = fit_correction(estimate.curve, measured, no_correction());
    found.compute.log += before.compute.log;
    found.memory.log += before.memory.log;
    found.overhead.log += before.overhead.log;
    Note note;
    note.kind = kNoteKind;
    note.device = noted_device(backends, header, estimate.group);
    note.name = note_name(estimate.group);
    note.content = Json{
        {"compute", to_json(found.compute)},
        {"memory", to_json(found.memory)},
        {"overhead", to_json(found.overhead)},
        {"residual", found.residual},
        {"batches", found.points},
        {"model", header.model.name},
        {"session",
         header.uuid}}.dump();
    BT_TRY_VOID(store.put_note(note));
  }
  return {};
}

}  // namespace batchtune
