#include "tuner/backend/command/endings.h"

#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <optional>

namespace batchtune::command {
namespace {

// A shell's own: of a command that it could not start, and added to the signal that ended one.
constexpr int kCannotExecute = 126, kNotFound = 127, kSignalled = 128;

std::string signal_words(int signal) {
  const char* const name = strsignal(signal);
  return "signal " + std::to_string(signal) +
         (name != nullptr ? " (" + std::string(name) + ")" : "");
}

// Of the shell itself, or of the program that it waited for.
std::optional<int> signal_of(int status) {
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  if (WIFEXITED(status) && WEXITSTATUS(status) > kSignalled &&
      WEXITSTATUS(status) < kSignalled + SIGRTMIN)
    return WEXITSTATUS(status) - kSignalled;
  return std::nullopt;
}

std::string last_lines(const Child& child) {
  const bool has_errors = !child.errors().last().empty();
  const auto& lines = has_errors ? child.errors().last() : child.printed().last();
  if (lines.empty()) return "";
  std::string text = has_errors ? "stderr:" : "stdout:";
  for (const std::string& line : lines) text += (text.back() == ':' ? " " : " | ") + line;
  return text;
}

std::string with_lines(std::string evidence, const Child& child) {
  const std::string lines = last_lines(child);
  if (!lines.empty()) evidence += (evidence.empty() ? "" : "; ") + lines;
  return evidence;
}

// The rule that says most, of both streams.
std::optional<Ending> ending_by_rules(const Child& child, const std::vector<Rule>& rules,
                                      const std::string& status) {
  const bool by_errors = child.errors().rule() <= child.printed().rule();
  const PrintedLines& stream = by_errors ? child.errors() : child.printed();
  if (stream.rule() >= rules.size()) return std::nullopt;
  const Rule& rule = rules[stream.rule()];
  const std::string reason = rule.status == TrialStatus::out_of_memory
                                 ? "the command says that memory ended"
                                 : "the command says so";
  return Ending{rule.status, reason,
                std::string(by_errors ? "stderr: " : "stdout: ") + stream.telling_line() +
                    (status.empty() ? "" : "; " + status),
                rule.where};
}

Ending ending_of_signal(const Child& child, int signal) {
  const std::string words = signal_words(signal);
  if (signal != SIGKILL)
    return {TrialStatus::crashed, "the command ended by a signal", with_lines(words, child), ""};
  const auto kills = child.oom_kills();
  const std::string evidence =
      kills && *kills > 0 ? "system_oom (probable): " + words + ", and the kernel counts " +
                                std::to_string(*kills) + " more killed for memory"
                          : "inferred: " + words + ", which nobody here sent";
  return {TrialStatus::out_of_memory, "the command was killed", with_lines(evidence, child),
          "host"};
}

Ending ending_of_status(const Child& child, int code, const std::string& missing) {
  const std::string status = "exit status " + std::to_string(code);
  if (code == 0) return {TrialStatus::failed, missing, with_lines("", child), ""};
  if (code == kNotFound)
    return {TrialStatus::failed, "the command was not found", with_lines(status, child), ""};
  if (code == kCannotExecute)
    return {TrialStatus::failed, "the command cannot be executed", with_lines(status, child), ""};
  return {TrialStatus::failed, "the command failed", with_lines(status, child), ""};
}

}  // namespace

bool ended_well(const Child& child) {
  const auto status = child.wait_status();
  return status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0;
}

Ending ending_of(const Child& child, const std::vector<Rule>& rules, const std::string& missing) {
  const int status = child.wait_status().value_or(0);
  const auto signal = signal_of(status);
  const std::string words = signal ? signal_words(*signal)
                            : ended_well(child)
                                ? ""
                                : "exit status " + std::to_string(WEXITSTATUS(status));
  if (auto ending = ending_by_rules(child, rules, words)) return *ending;
  return signal ? ending_of_signal(child, *signal)
                : ending_of_status(child, WEXITSTATUS(status), missing);
}

}  // namespace batchtune::command
