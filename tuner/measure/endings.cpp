#include "tuner/measure/endings.h"

#include <sys/wait.h>

#include <csignal>
#include <cstring>

namespace batchtune {
namespace {

// A process that held so much of what was free is the likely victim of the kernel.
constexpr double kNearlyAll = 0.9;
// Tasks wait some milliseconds for memory on any busy machine; before the kernel kills they wait
// longer, since it first tries to free pages.
constexpr Seconds kTellingStall = 0.1;

constexpr char kOutOfMemory[] = "its process was killed for memory";

bool rose(const std::optional<std::int64_t>& counter) {
  return counter && *counter > 0;
}

std::string bytes(Bytes count) {
  return format_bytes(static_cast<double>(count));
}

// Of a SIGKILL that nobody counted: why memory is the likely reason, or "".
std::string inferred(const EndingEvidence& seen) {
  if (!takes_memory(seen.last.phase)) return "";
  if (seen.available && !seen.at_most &&
      static_cast<double>(seen.peak_resident) > kNearlyAll * static_cast<double>(*seen.available))
    return "it held " + bytes(seen.peak_resident) + " of " + bytes(*seen.available) + " free";
  if (seen.memory_stall && *seen.memory_stall > kTellingStall)
    return "tasks waited " + format_seconds(*seen.memory_stall) + " for memory";
  return "";
}

Judgement out_of_memory(std::string evidence, const char* where, const EndingEvidence& seen) {
  return {{TrialStatus::out_of_memory, kOutOfMemory, std::move(evidence) + last_seen(seen), where},
          true,
          false};
}

Judgement judge_kill(const EndingEvidence& seen) {
  if (rose(seen.limiter_kills))
    return out_of_memory("cgroup_oom_kill: " + std::to_string(*seen.limiter_kills) +
                             " killed under the memory limit",
                         "device", seen);
  if (rose(seen.system_kills))
    return out_of_memory("system_oom (probable): the machine killed " +
                             std::to_string(*seen.system_kills) + " for memory",
                         "host", seen);
  if (const std::string why = inferred(seen); !why.empty())
    return out_of_memory("inferred: " + why, "host", seen);
  const std::string how = "signal " + std::to_string(SIGKILL) + " (" + strsignal(SIGKILL) + ")";
  return {{TrialStatus::crashed, "the worker process died: " + how,
           how + ": unknown SIGKILL, nothing says that memory ran out" + last_seen(seen), ""},
          true,
          true};
}

Judgement judge_death(const EndingEvidence& seen) {
  const int status = seen.wait_status;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return judge_kill(seen);
  const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) +
                                                    " (" + strsignal(WTERMSIG(status)) + ")"
                                              : "exit code " + std::to_string(WEXITSTATUS(status));
  return {{TrialStatus::crashed, "the worker process died: " + how, how + last_seen(seen), ""},
          false,
          false};
}

}  // namespace

bool takes_memory(Phase phase) {
  return phase == Phase::loading || phase == Phase::preparing || phase == Phase::first_run ||
         phase == Phase::checking || phase == Phase::soak;
}

std::string last_seen(const EndingEvidence& seen) {
  std::string words = ", last seen " + std::string(name_of(seen.last.phase));
  if (seen.last.batch > 0) words += " batch " + std::to_string(seen.last.batch);
  if (seen.peak_resident > 0)
    words += std::string(", peak resident ") + (seen.at_most ? "at most " : "") +
             bytes(seen.peak_resident);
  return words;
}

Judgement judge(const EndingEvidence& seen) {
  switch (seen.how) {
    case EndingEvidence::How::died:
      return judge_death(seen);
    case EndingEvidence::How::silent: {
      const std::string seconds = format_seconds(seen.silence);
      return {{TrialStatus::timeout, "no answer for " + seconds,
               "killed after " + seconds + " without a sign of life" + last_seen(seen), ""},
              true,
              false};
    }
    case EndingEvidence::How::garbage:
      return {{TrialStatus::failed, "the worker process sent garbage",
               seen.detail + last_seen(seen), ""},
              false,
              false};
    case EndingEvidence::How::deaf:
      return {{TrialStatus::failed, "the worker process closed its channel",
               (seen.detail.empty() ? "while it lived" : seen.detail) + last_seen(seen), ""},
              false,
              false};
  }
  return {{TrialStatus::failed, "the worker process ended", "", ""}, false, false};
}

}  // namespace batchtune
