#include "tuner/cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "reports/progress.h"
#include "tuner/core/compiling.h"

namespace batchtune {
namespace {

constexpr int kWidthWithoutTerminal = 100;

std::string doing(const AskPrepare& ask) {
  return fmt::format("preparing batch {}", ask.candidate.batch);
}
std::string doing(const AskProbe& ask) {
  const char* what = ask.request.soak > 0 ? "sustained load of" : "memory of";
  return fmt::format("{} batch {}", what, ask.request.candidate.batch);
}
std::string doing(const AskRound& ask) {
  return fmt::format("a round of {}", std::max<std::size_t>(1, ask.request.contenders.size()));
}
std::string doing(const AskCompile& ask) {
  return fmt::format("compiling batch {} ahead", ask.candidate.batch);
}
std::string doing(const AskRelease&) {
  return "";
}
std::string doing(const AskStop&) {
  return "";
}

// The batch with the best plain throughput so far: a glimpse, no verdict.
void note_best(ProgressState& state, std::span<const Observation> observations) {
  std::map<TrialId, std::pair<double, Seconds>> seen;  // samples done, seconds spent
  std::map<TrialId, const Candidate*> candidates;
  for (const Observation& observation : observations) {
    if (const auto* prepared = std::get_if<Preparation>(&observation.what))
      candidates[prepared->trial] = &prepared->candidate;
    const auto* round = std::get_if<Round>(&observation.what);
    if (round == nullptr) continue;
    for (const Visit& visit : round->visits) {
      if (visit.trial == 0) continue;
      for (std::size_t i = static_cast<std::size_t>(visit.warm); i < visit.seconds.size(); ++i) {
        seen[visit.trial].first += static_cast<double>(candidates[visit.trial]->batch);
        seen[visit.trial].second += visit.seconds[i];
      }
    }
  }
  for (const auto& [trial, done] : seen) {
    if (done.second <= 0) continue;
    const double throughput = done.first / done.second * candidates[trial]->group.instances;
    if (throughput <= state.best_throughput.value_or(0)) continue;
    state.best_throughput = throughput;
    state.best_batch = candidates[trial]->batch;
  }
}

}  // namespace

ProgressLine::ProgressLine(bool wanted) : active_(wanted && isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  clear();
}

void ProgressLine::show(const std::string& text) {
  if (!active_ || text == shown_) return;
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
  shown_ = text;
}

void ProgressLine::clear() {
  if (shown_.empty()) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  shown_.clear();
}

int terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return kWidthWithoutTerminal;
  return size.ws_col;
}

std::string progress_text(const SessionHeader& header, const Ask& ask,
                          std::span<const Observation> observations, Seconds budget, int width) {
  ProgressState state;
  state.model = header.model.name;
  state.simulated = header.simulated;
  state.budget = budget;
  state.doing = std::visit([](const auto& held) { return doing(held); }, ask);
  for (const Observation& observation : observations) {
    const std::string_view kind = kind_of(observation);
    ++(kind == "round" ? state.rounds : kind == "probe" ? state.probes : state.candidates);
    if (kind != "probe") state.spent += observation.device_time - compile_wait(observation);
  }
  note_best(state, observations);
  return progress_line(state, width);
}

}  // namespace batchtune
