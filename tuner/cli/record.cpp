#include "tuner/cli/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <span>

#include "storage/exchange/table_file.h"
#include "tuner/cli/command.h"
#include "tuner/cli/options.h"
#include "tuner/estimate/figures.h"
#include "tuner/statistics/rounds.h"

namespace batchtune {
namespace {

constexpr char kSimulated[] = ", simulated";  // at the end of a table's source

// What a session knows of one of its candidates beside its samples.
struct Known {
  TableRow row;
  std::optional<double> accounted, probed;  // bytes
};
using KnownTrials = std::map<TrialId, Known>;

// The samples of one round, in the order in which its visits ran; instances ran side by side.
void add_round(const Observation& observation, int number, KnownTrials& known) {
  std::vector<const Visit*> visits;
  for (const Visit& visit : std::get<Round>(observation.what).visits) visits.push_back(&visit);
  std::stable_sort(visits.begin(), visits.end(),
                   [](const Visit* a, const Visit* b) { return a->position < b->position; });
  Seconds turn = observation.started, next_turn = turn;
  for (std::size_t i = 0; i < visits.size(); ++i) {
    const Visit& visit = *visits[i];
    if (i > 0 && visit.position != visits[i - 1]->position) turn = next_turn;
    Seconds now = turn;
    for (std::size_t run = 0; run < visit.seconds.size(); ++run) {
      if (visit.trial != 0 && run >= static_cast<std::size_t>(visit.warm)) {
        TableRow& row = known[visit.trial].row;
        row.latency.push_back(visit.seconds[run]);
        row.round.push_back(number);
        row.start.push_back(now);
      }
      now += visit.seconds[run];
    }
    next_turn = std::max(next_turn, now);
  }
}

bool has_timed(const Round& round, TrialId trial) {
  return std::any_of(round.visits.begin(), round.visits.end(), [&](const Visit& visit) {
    return visit.trial == trial && !timed_of(visit).empty();
  });
}

std::map<Candidate, double> probed_memory(const SessionRecord& record) {
  std::map<Candidate, double> bytes;
  for (const Observation& observation : record.observations)
    if (const auto* probe = std::get_if<Probe>(&observation.what))
      if (probe->ending.status == TrialStatus::ok && probe->memory)
        bytes[probe->candidate] = static_cast<double>(probe->memory->total());
  return bytes;
}

KnownTrials read_trials(const SessionRecord& record) {
  KnownTrials known;
  int number = 0;
  for (const Observation& observation : record.observations) {
    if (const auto* preparation = std::get_if<Preparation>(&observation.what)) {
      Known& trial = known[preparation->trial];
      // Prepared again it is compiled already: the table tells of the first time.
      const auto& compile = preparation->compile_seconds;
      if (!compile || *compile >= trial.row.compile.value_or(0)) {
        trial.row.prepare = preparation->prepare_seconds;
        trial.row.compile = compile;
      }
      if (preparation->memory) trial.accounted = static_cast<double>(preparation->memory->total());
    }
    const auto* round = std::get_if<Round>(&observation.what);
    if (round == nullptr) continue;
    if (record.anchor == 0 || has_timed(*round, record.anchor))
      add_round(observation, number, known);
    ++number;
  }
  return known;
}

bool ran(TrialStatus status) {
  return status == TrialStatus::ok || status == TrialStatus::unstable;
}

const Estimate* estimate_of(const SessionHeader& header, const CandidateGroup& group) {
  for (const Estimate& estimate : header.estimates)
    if (estimate.group == group) return &estimate;
  return nullptr;
}

const DeviceInfo* device_of(const SessionHeader& header, const CandidateGroup& group) {
  for (const DeviceInfo& device : header.devices)
    if (device.backend == group.backend) return &device;
  return nullptr;
}

// The model's counts are in f32; figures of the device are those of the group's threads, where the
// estimate has them.
TableProblem problem_of_group(const SessionHeader& header, const CandidateGroup& group) {
  constexpr double kCountedBytes = size_of(DType::f32);
  const auto known = [](double figure) {
    return figure > 0 ? std::optional(figure) : std::nullopt;
  };
  const auto bytes = static_cast<double>(size_of(group.dtype));
  TableProblem problem;
  problem.flops = known(header.model.flops_per_sample);
  problem.activation_bytes =
      known(header.model.activation_bytes_per_sample * bytes / kCountedBytes);
  problem.weight_bytes = known(header.model.parameters * bytes);
  const Estimate* estimate = estimate_of(header, group);
  if (estimate && estimate->formula) {
    problem.peak = known(estimate->formula->peak_flops);
    problem.bandwidth = known(estimate->formula->bandwidth);
  } else if (const DeviceInfo* device = device_of(header, group)) {
    if (const auto peak = device_peak(*device, group.dtype)) problem.peak = *peak;
    if (const auto rate = main_memory_bandwidth(*device)) problem.bandwidth = *rate;
  }
  return problem;
}

// A limit by default is the machine's of the moment, and says nothing of the recording.
std::optional<Bytes> given_memory_limit(const SessionHeader& header) {
  for (const Setting& setting : header.settings.requested)
    if (setting.name == "memory_limit") return header.wishes.memory_limit;
  return std::nullopt;
}

RecordedTable empty_table(const SessionHeader& header, const CandidateGroup& group) {
  RecordedTable table;
  table.name = table.model = header.model.name;
  if (const DeviceInfo* device = device_of(header, group)) table.device = device->name;
  table.source = fmt::format("batchtune {}, session {}, {}{}", header.command, header.uuid,
                             header.started_at, header.simulated ? kSimulated : "");
  table.group = group;
  table.memory_limit = given_memory_limit(header);
  table.problem = problem_of_group(header, group);
  return table;
}

std::string again(const TuneReport& report, const std::string& file) {
  return fmt::format("The session is stored: batchtune report {} --record {} writes it",
                     report.record.header.number, file);
}

}  // namespace

bool is_simulated(const RecordedTable& table) {
  return table.source.ends_with(kSimulated);
}

Status check_record(const std::string& file, const std::string& strategy,
                    const std::vector<Setting>& links) {
  if (file.empty()) return {};
  for (const Setting& link : links)
    if (link.name == "track" || link.name == "extend")
      return bad_input("a session of its own with --record",
                       "--" + link.name + ", which leaves batches out", "--record",
                       "Measure all batches again: batchtune tune --strategy exhaustive");
  if (strategy != "exhaustive")
    return bad_input("the strategy exhaustive with --record", strategy, "--record",
                     "Give --strategy exhaustive and --batches with it");
  return check_writable(file);
}

std::vector<RecordedTable> tables_of(const SessionRecord& record, const Conclusion& conclusion) {
  KnownTrials known = read_trials(record);
  const auto probed = probed_memory(record);
  std::map<CandidateGroup, RecordedTable> tables;
  for (const Trial& trial : conclusion.trials) {
    Known& from = known[trial.id];
    from.row.batch = trial.candidate.batch;
    from.row.status = trial.ending.status;
    const auto found = probed.find(trial.candidate);
    from.row.memory = found != probed.end() ? std::optional(found->second) : from.accounted;
    // Prepared and then not reached by the budget: nothing is known of it.
    if (ran(from.row.status) && from.row.latency.empty()) continue;
    if (trial.candidate.group.compiled_batch > 0) continue;  // replay searches batches as they are compiled
    RecordedTable& table =
        tables.try_emplace(trial.candidate.group, empty_table(record.header, trial.candidate.group))
            .first->second;
    if (trial.id == record.anchor && !from.row.latency.empty()) table.anchor = from.row.batch;
    table.rows.push_back(std::move(from.row));
  }
  std::vector<RecordedTable> list;
  for (auto& [group, table] : tables) {
    std::sort(table.rows.begin(), table.rows.end(),
              [](const TableRow& a, const TableRow& b) { return a.batch < b.batch; });
    list.push_back(std::move(table));
  }
  return list;
}

std::string part_of_sweep(const SessionRecord& record, const std::vector<RecordedTable>& tables) {
  if (record.end == SessionEnd::converged) return "";
  std::size_t rows = 0, batches = 0;
  for (const RecordedTable& table : tables) rows += table.rows.size();
  for (const Setting& setting : record.header.settings.requested)
    if (setting.name == "batches")
      if (const auto asked = parse_batches(to_string(setting.value))) batches = asked->size();
  const std::size_t all = batches * record.header.estimates.size();
  if (all == 0) return fmt::format("{} candidates", rows);
  return rows < all ? fmt::format("{} of {} candidates", rows, all) : "";
}

Status record_tables(const std::string& file, const TuneReport& report) {
  const auto tables = tables_of(report.record, report.conclusion);
  if (tables.empty()) return environment_error("something measured to record", "nothing", file);
  if (const std::string part = part_of_sweep(report.record, tables); !part.empty()) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file, ignored))
      return environment_error("a file that is not there yet: part of a sweep replaces none",
                               "one, and " + part + " to record", file,
                               again(report, "another file"));
    say(fmt::format("WARNING: {} are recorded, since the session ended before the others", part));
  }
  Status saved = save_tables(file, tables);
  if (!saved) saved.error().todo = again(report, file);
  return saved;
}

int record_after_report(const std::string& file, const TuneReport& report, int code, bool quiet) {
  if (file.empty()) return code;
  const SessionEnd end = report.record.end;
  if (end != SessionEnd::converged && end != SessionEnd::budget) {
    say(fmt::format("not recorded: the session ended as {}. {}", name_of(end),
                    again(report, file)));
    return code;
  }
  if (const Status recorded = record_tables(file, report); !recorded) {
    say(to_string(recorded.error()));
    return kEnvironment;
  }
  if (!quiet) say("recorded in " + file);
  return code;
}

}  // namespace batchtune
