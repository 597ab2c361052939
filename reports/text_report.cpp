// The report for a terminal: context first, the verdict last, where the eye is.
#include <fmt/format.h>
#include <algorithm>

#include "reports/dynamic_batch.h"
#include "reports/compile_summary.h"
#include "reports/host_summary.h"
#include "reports/report.h"
#include "reports/text/words.h"
#include "reports/text_limits.h"
#include "reports/text_memory.h"
#include "reports/text_trials.h"
#include "reports/text_verdict.h"
#include "tuner/core/units.h"
#include "tuner/core/unknown.h"

namespace batchtune {
namespace {

using text::label_of;
using text::wrapped;

constexpr char kSimulated[] =
    "SIMULATED: every figure below is a simulated device's, none was measured on hardware.";

std::string head(std::string_view name) {
  return fmt::format("  {:<10} ", name);
}

std::string model_line(const ModelSummary& model) {
  if (!has_counts(model)) return "parameters and work unknown, hash " + model.hash;
  return fmt::format(
      "{} parameters, {}FLOP per sample ({}FLOP dense), activations {} per sample in f32, hash {}",
      format_count(model.parameters), format_count(model.flops_per_sample),
      format_count(model.dense_flops_per_sample), format_bytes(model.activation_bytes_per_sample),
      model.hash);
}

std::string device_line(const DeviceInfo& device) {
  std::vector<std::string> parts = {fmt::format("{}: {}", device.backend, device.name)};
  if (!device.version.empty()) parts.push_back(device.version);
  for (const auto& [dtype, isa] : device.isa_in_use)
    if (!isa.empty()) parts.push_back(fmt::format("{} runs on {}", name_of(dtype), isa));
  if (!device.memory_levels.empty()) {
    const MemoryLevel& level = device.memory_levels.back();
    parts.push_back(fmt::format("{} {} ({})", level.name, format_rate(level.bytes_per_second),
                                name_of(level.origin)));
  }
  return text::joined(parts, "; ");
}

std::string groups_line(const TuneReport& report) {
  std::vector<std::string> groups;
  for (const Trial& trial : report.conclusion.trials) {
    const std::string group = to_string(trial.candidate.group);
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  if (groups.empty())
    for (const Estimate& estimate : report.record.header.estimates)
      groups.push_back(to_string(estimate.group));
  return text::joined(groups, "; ");
}

// With its unit, which plain numbers in the store and in JSON do without.
std::string shown_setting(const Setting& setting) {
  const auto* bytes = std::get_if<std::int64_t>(&setting.value);
  const auto* number = std::get_if<double>(&setting.value);
  if (bytes && (setting.name == "memory_limit" || setting.name == "safe_memory"))
    return format_bytes(static_cast<double>(*bytes));
  for (const std::string_view seconds : {"budget", "probe_budget", "timeout", "soak"})
    if (number && setting.name == seconds) return format_seconds(*number);
  for (const std::string_view share : {"give_up", "precision", "tolerance"})
    if (number && setting.name == share) return format_percent(*number);
  return text::shown(setting.value);
}

std::string settings_line(const Settings& settings) {
  std::vector<std::string> parts;
  for (const Setting& setting : settings.effective)
    parts.push_back(
        fmt::format("{} {} ({})", setting.name, shown_setting(setting), setting.origin));
  return text::joined(parts, ", ");
}

std::string session_line(const TuneReport& report) {
  const SessionHeader& header = report.record.header;
  std::string line =
      header.number == 0 ? "not stored" : fmt::format("{} in {}", header.number, header.database);
  line += fmt::format(", {}", name_of(report.record.end));
  if (!report.record.end_reason.empty()) line += ": " + report.record.end_reason;
  line += fmt::format(" ({} observations", report.record.observations.size());
  if (const Trial* anchor = text::find_trial(report.conclusion, report.conclusion.anchor))
    line += ", anchor " + label_of(report, anchor->candidate);
  return line + ")";
}

std::string estimate_line(const Estimate& estimate) {
  std::string line = fmt::format("said {} ({}-bound)", estimate.batch, name_of(estimate.bound));
  if (const auto& formula = estimate.formula) {
    line += fmt::format("; formula {}", formula->batch);
    if (formula->guide_batch) line += fmt::format("; guide {}", *formula->guide_batch);
  }
  return line;
}

// "quiet in 83 % of 212 visits, by canaries; clock 3.60 to 3.70 GHz"; "" before the first round.
std::string host_line(const TuneReport& report) {
  const HostSummary host = summarise_host(report.record);
  const auto& quiet = report.conclusion.quiet_share;
  std::vector<std::string> parts;
  if (quiet) {
    const std::string count =
        host.judged_visits > 0 ? std::to_string(host.judged_visits) + " " : "";
    parts.push_back(
        fmt::format("quiet in {} of {}visits, by canaries", format_percent(*quiet), count));
  } else if (!report.conclusion.trials.empty()) {
    parts.push_back("not judged: no canaries ran");
  }
  if (host.clock_hz) parts.push_back("clock " + text::clock_words(*host.clock_hz));
  if (host.steal.value_or(0) > 0)
    parts.push_back("up to " + format_seconds(*host.steal) + " stolen in a turn");
  return text::joined(parts, "; ");
}

std::string overhead_line(const Overhead& overhead) {
  std::string line =
      fmt::format("{} inside a timed run, {} between visits", format_seconds(overhead.in_interval),
                  format_seconds(overhead.between_visits));
  if (overhead.outside_share)
    line += ", " + format_percent(*overhead.outside_share) + " of the time outside measuring";
  return line;
}

std::string context(const TuneReport& report, int width) {
  const SessionHeader& header = report.record.header;
  std::string text = header.simulated ? wrapped("", kSimulated, width) : "";
  text += wrapped("", header.model.name, width);
  text += wrapped(head("model"), model_line(header.model), width);
  for (const DeviceInfo& device : header.devices)
    text += wrapped(head("device"), device_line(device), width);
  text += wrapped(head("running"), groups_line(report), width);
  text += wrapped(head("objective"), text::wishes_words(header.wishes), width);
  if (!header.settings.effective.empty())
    text += wrapped(head("settings"), settings_line(header.settings), width);
  text += wrapped(head("session"), session_line(report), width);
  if (const auto compiles = summarise_compiles(report.record))
    text += wrapped(head("compiler"), compile_words(*compiles), width);
  if (const std::string host = host_line(report); !host.empty())
    text += wrapped(head("host"), host, width);
  if (const auto& overhead = report.record.overhead)
    text += wrapped(head("harness"), overhead_line(*overhead), width);
  if (!has_estimates(header) && !header.estimates.empty())
    text += wrapped(head("estimate"), text::kUnknownEstimate, width);
  for (const Estimate& estimate : header.estimates) {
    if (!is_known(estimate)) continue;
    const std::string group = header.estimates.size() > 1 ? to_string(estimate.group) + ": " : "";
    text += wrapped(head("roofline"), group + estimate_line(estimate), width);
  }
  return text;
}

const Estimate* estimate_of(const SessionHeader& header, const CandidateGroup& group) {
  for (const Estimate& estimate : header.estimates)
    if (estimate.group == group) return &estimate;
  return nullptr;
}

std::string nothing_words(const TuneReport& report, const NothingFits& nothing) {
  std::string words = "no batch keeps the limits";
  if (const Trial* nearest = text::find_trial(report.conclusion, nothing.nearest))
    words += "; nearest is " + label_of(report, nearest->candidate);
  if (!nothing.gap.empty()) words += ": " + nothing.gap;
  if (!nothing.levers.empty()) words += "; what would help: " + text::joined(nothing.levers, ", ");
  return words;
}

std::string no_verdict(const TuneReport& report) {
  for (const Verdict& verdict : report.conclusion.verdicts)
    if (verdict.nothing_fits) return nothing_words(report, *verdict.nothing_fits);
  for (const Boundary& boundary : report.conclusion.boundaries)
    if (boundary.largest_fitting == 0)
      return "nothing fits: not even batch 1 keeps the memory limit";
  return "no batch can be recommended: none was measured";
}

std::string verdict_details(const TuneReport& report, const TextOptions& options) {
  std::string text;
  const auto& verdicts = report.conclusion.verdicts;
  for (const Verdict& verdict : verdicts) {
    std::vector<std::string> parts;
    if (!verdict.reason.empty()) parts.push_back(verdict.reason);
    if (verdict.runner_up)
      if (const Trial* second = text::find_trial(report.conclusion, *verdict.runner_up))
        parts.push_back("runner-up " + label_of(report, second->candidate));
    if (const auto words = text::alike_words(report, verdict); !words.empty())
      parts.push_back(words);
    if (verdict.stability) parts.push_back(text::stability_words(verdict));
    if (const auto words = text::cost_words(report, verdict); !words.empty())
      parts.push_back(words);
    if (verdict.soaked) parts.push_back(text::soak_words(*verdict.soaked));
    if (verdict.headroom) parts.push_back(text::headroom_words(verdict));
    if (const auto words = text::pipeline_words(report, verdict); !words.empty())
      parts.push_back(words);
    if (verdicts.size() > 1 && verdict.nothing_fits)
      parts.push_back(nothing_words(report, *verdict.nothing_fits));
    const std::string name =
        verdicts.size() > 1
            ? verdict.backend + (verdict.trial ? fmt::format(", batch {}", verdict.batch) : "")
            : std::string("why");
    if (!parts.empty())
      text += wrapped("  " + name + ": ", text::joined(parts, "; "), options.width);
  }
  return text;
}

void append_section(std::string& text, const std::string& section) {
  if (!section.empty()) text += "\n" + section;
}

// Of users, by runs of their batches where there were some.
std::string mix_figures(const MixRow& row) {
  const MixService service = row.measured.value_or(row.promised);
  return fmt::format(": {} samples/s of this mix, a request {} on average, the longest {}",
                     format_number(service.throughput, 3), format_seconds(service.request),
                     format_seconds(service.longest));
}

}  // namespace

std::string verdict_sentence(const TuneReport& report) {
  const Conclusion& conclusion = report.conclusion;
  const Trial* trial =
      conclusion.best ? text::find_trial(conclusion, conclusion.best->trial) : nullptr;
  if (trial == nullptr) return text::one_line(no_verdict(report));
  const bool several =
      label_of(report, trial->candidate) != fmt::format("batch {}", trial->candidate.batch);
  const auto mixed = best_for_mix(report);
  std::string words = fmt::format(
      "deploy {}{} {}", several ? to_string(trial->candidate.group) + ", " : "",
      mixed ? "with dynamic batching, compiled for batch" : "at batch", trial->candidate.batch);
  if (mixed) {
    words += mix_figures(*mixed);
  } else if (const auto& m = trial->measurement) {
    words += fmt::format(": {} samples/s", format_number(m->throughput_undisturbed, 3));
    words += m->p50 ? fmt::format(", p50 {}", format_seconds(*m->p50))
                    : fmt::format(", undisturbed {}", format_seconds(m->undisturbed));
  }
  words += text::unproven_words(*trial);
  if (const Estimate* estimate = estimate_of(report.record.header, trial->candidate.group);
      estimate && is_known(*estimate))
    words += fmt::format("; the roofline said {}", estimate->batch);
  words += text::memory_end(conclusion, trial->candidate.group);
  return text::one_line(words);
}

std::string text_report(const TuneReport& report, const TextOptions& options) {
  const int width = options.width;
  std::string text = context(report, width);
  append_section(text, text::trial_table(report, options));
  append_section(text, text::dynamic_batching(report, width));
  append_section(text, text::failed_trials(report, width));
  if (options.plot) append_section(text, text::front_plot(report, width));
  append_section(text, text::limit_decisions(report, width));
  append_section(text, text::boundaries(report, width));
  for (const LayersReport& layers : report.layers) append_section(text, text_layers(layers, options));
  if (report.record.header.command == "measure") return text;
  const std::string simulated = report.record.header.simulated ? "SIMULATED: " : "";
  std::string sentence = wrapped("=> ", simulated + verdict_sentence(report), width);
  sentence.pop_back();
  append_section(text,
                 text::bold(sentence, options.color) + "\n" + verdict_details(report, options));
  return text;
}

std::string quiet_report(const TuneReport& report) {
  const auto& best = report.conclusion.best;
  return best ? std::to_string(best->batch) + "\n" : "none\n";
}

}  // namespace batchtune
