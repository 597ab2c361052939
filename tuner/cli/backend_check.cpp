#include "tuner/cli/backend_check.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "tuner/backend/conformance/checking_backend.h"
#include "tuner/cli/command.h"
#include "tuner/core/process_state.h"
#include "tuner/core/stopwatch.h"
#include "tuner/measure/solo_questions.h"
#include "tuner/measure/worker_process.h"

namespace batchtune {
namespace {

using RuleFinding = conformance::Finding;

RuleFinding rule_failed(std::string seen) {
  return {conformance::Verdict::failed, std::move(seen)};
}

protocol::Load load_of(const CheckSubject& subject) {
  return {kOnlyLoad, subject.model_json, subject.options, std::nullopt, false};
}

Result<RuleFinding> check_in_worker(const conformance::Rule& rule, const CheckSubject& subject) {
  BT_TRY(worker, WorkerProcess::start(conformance::checking_spec(rule, subject.spec)));
  BT_TRY(loaded, ask<protocol::Loaded>(*worker, load_of(subject), subject.timeout));
  if (!loaded) return rule_failed(words_of(loaded.error()));
  const auto finding = conformance::finding_in(loaded->report);
  return finding ? *finding : rule_failed(words_of(loaded->ending));
}

// ---- a worker that is killed in the middle of a run

// The processes that one has started, and those that these have.
std::vector<pid_t> descendants_of(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  std::error_code failed_to_list;
  for (std::filesystem::directory_iterator entry("/proc", failed_to_list), end;
       !failed_to_list && entry != end; entry.increment(failed_to_list)) {
    const std::string name = entry->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry->path() / "status");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("PPid:")) children.emplace(std::stoi(line.substr(5)), std::stoi(name));
  }
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [begin, end] = children.equal_range(found[i]);
    for (auto child = begin; child != end; ++child) found.push_back(child->second);
  }
  return {found.begin() + 1, found.end()};
}

bool lives(pid_t pid) {
  const char state = state_of_process(pid);
  return state != '\0' && state != 'Z';
}

template <typename Condition>
bool comes_true(Seconds patience, Condition condition) {
  const Stopwatch stopwatch;
  while (!condition()) {
    if (stopwatch.seconds() > patience) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Until it runs again and again. nullopt: it does.
std::optional<RuleFinding> start_running(WorkerProcess& worker, const CheckSubject& subject) {
  constexpr std::int64_t kBatch = 8;
  constexpr Seconds kForEver = 3600;
  worker.send(load_of(subject));
  auto reply = worker.receive(subject.timeout);
  if (!reply) return rule_failed(words_of(reply.error()));
  if (const auto* loaded = std::get_if<protocol::Loaded>(&*reply);
      loaded == nullptr || loaded->ending.status != TrialStatus::ok)
    return rule_failed(loaded == nullptr ? "it does not load" : words_of(loaded->ending));
  protocol::Prepare prepare{kOnlyLoad, kOnlyProgram, {subject.options.group, kBatch}};
  prepare.check = false;
  worker.send(prepare);
  reply = worker.receive(subject.timeout);
  if (!reply) return rule_failed(words_of(reply.error()));
  if (const auto* prepared = std::get_if<protocol::Prepared>(&*reply);
      prepared == nullptr || prepared->ending.status != TrialStatus::ok)
    return rule_failed(prepared == nullptr ? "it does not prepare" : words_of(prepared->ending));
  const std::uint64_t before = worker.beacon().beats;
  worker.send(protocol::Soak{kOnlyProgram, kForEver});
  // One that makes many runs in one go does not beat between them.
  constexpr std::uint64_t kSomeRuns = 4;
  constexpr Seconds kSurelyRunning = 1;
  const Stopwatch stopwatch;
  const auto runs = [&] {
    const BeaconState now = worker.beacon();
    return now.phase == Phase::soak &&
           (now.beats >= before + kSomeRuns || stopwatch.seconds() > kSurelyRunning);
  };
  const auto answered = [&] {
    const BeaconState now = worker.beacon();
    return now.phase == Phase::idle && now.beats > before + 1;
  };
  (void)comes_true(subject.timeout, [&] { return runs() || answered() || worker.gone(); });
  if (runs()) return std::nullopt;
  if (!answered()) return rule_failed("it makes no runs");
  reply = worker.receive(subject.timeout);
  const auto* soaked = reply ? std::get_if<protocol::Soaked>(&*reply) : nullptr;
  return rule_failed("its runs end: " + words_of(soaked != nullptr ? soaked->ending : Ending{}));
}

Result<RuleFinding> check_killed(const CheckSubject& subject) {
  constexpr Seconds kPatience = 2;  // of the kernel: to free some GB and end what was started
  BT_TRY(worker, WorkerProcess::start(subject.spec));
  if (auto finding = start_running(*worker, subject)) return std::move(*finding);
  const pid_t pid = worker->pid();
  const std::vector<pid_t> started = descendants_of(pid);
  kill(pid, SIGKILL);
  if (!comes_true(kPatience, [&] { return worker->gone(); }))
    return rule_failed("its process does not die");
  worker.reset();
  const auto left = [&] { return std::find_if(started.begin(), started.end(), lives); };
  if (!comes_true(kPatience, [&] { return left() == started.end(); }))
    return rule_failed("process " + std::to_string(*left()) + ", which it had started, lives on");
  BT_TRY(again, check_in_worker(*conformance::find_rule("run"), subject));
  if (again.verdict != conformance::Verdict::passed) return rule_failed("afterwards: " + again.seen);
  const std::string of_it =
      started.empty() ? "" : ", with " + std::to_string(started.size()) + " that it had started";
  return RuleFinding{conformance::Verdict::passed, "killed while it ran" + of_it + "; the next process works"};
}

// Rules that failed, or were skipped because of one that did: what needs them says nothing.
bool is_broken(const CheckedRule& checked, const std::vector<CheckedRule>& all) {
  if (checked.finding.verdict == conformance::Verdict::failed) return true;
  if (checked.finding.verdict != conformance::Verdict::skipped || checked.rule->needs == nullptr) return false;
  return std::any_of(all.begin(), all.end(), [&](const CheckedRule& other) {
    return other.rule->name == std::string_view(checked.rule->needs) && is_broken(other, all);
  });
}

std::optional<RuleFinding> missing_need(const conformance::Rule& rule, const std::vector<CheckedRule>& checked) {
  for (const CheckedRule& before : checked)
    if (rule.needs != nullptr && before.rule->name == std::string_view(rule.needs) &&
        is_broken(before, checked))
      return RuleFinding{conformance::Verdict::skipped, "it needs the rule " + std::string(rule.needs)};
  return std::nullopt;
}

bool is_asked_for(const conformance::Rule& rule, const std::vector<std::string>& only) {
  return only.empty() || std::find(only.begin(), only.end(), rule.name) != only.end();
}

}  // namespace

Result<std::vector<CheckedRule>> check_backend(
    const CheckSubject& subject, const std::function<void(const CheckedRule&)>& tell) {
  std::vector<CheckedRule> checked;
  for (const conformance::Rule& rule : conformance::rules()) {
    if (!is_asked_for(rule, subject.only)) continue;
    const Stopwatch stopwatch;
    CheckedRule one{&rule, {}, 0};
    if (auto missing = missing_need(rule, checked)) {
      one.finding = std::move(*missing);
    } else {
      auto finding = rule.check != nullptr ? check_in_worker(rule, subject) : check_killed(subject);
      // What was opened once can be opened.
      if (!finding && checked.empty()) return tl::unexpected(finding.error());
      one.finding = finding ? std::move(*finding)
                            : rule_failed("it cannot be opened again: " + to_string(finding.error()));
    }
    one.seconds = stopwatch.seconds();
    tell(one);
    checked.push_back(std::move(one));
  }
  return checked;
}

}  // namespace batchtune
