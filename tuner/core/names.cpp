// Names of enumerators, as shown, stored and read back: one table each, in the order of the
// enumeration.
#include <array>
#include <optional>
#include <string_view>

#include "tuner/core/device.h"
#include "tuner/core/estimate.h"
#include "tuner/core/observation.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {
namespace {

constexpr std::string_view kTrialStatusNames[] = {"ok",           "unstable", "out_of_memory",
                                                  "timeout",      "crashed",  "unsupported",
                                                  "wrong_result", "failed"};
constexpr std::string_view kSessionEndNames[] = {"running", "converged", "budget", "interrupted",
                                                 "failed"};

template <typename Enum, std::size_t N>
std::string_view pick(const std::string_view (&names)[N], Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : "?";
}

template <typename Enum, std::size_t N>
std::optional<Enum> find(const std::string_view (&names)[N], std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name_of(TrialStatus status) {
  return pick(kTrialStatusNames, status);
}
std::optional<TrialStatus> parse_trial_status(std::string_view text) {
  return find<TrialStatus>(kTrialStatusNames, text);
}

std::string_view name_of(SessionEnd end) {
  return pick(kSessionEndNames, end);
}
std::optional<SessionEnd> parse_session_end(std::string_view text) {
  return find<SessionEnd>(kSessionEndNames, text);
}

std::string_view name_of(MemoryKind kind) {
  constexpr std::string_view names[] = {"account", "rss", "device"};
  return pick(names, kind);
}

std::string_view name_of(LimiterKind kind) {
  constexpr std::string_view names[] = {"none", "account", "rlimit", "cgroup", "device"};
  return pick(names, kind);
}

std::string_view name_of(BoundaryKind kind) {
  constexpr std::string_view names[] = {"predicted", "probed"};
  return pick(names, kind);
}

std::string_view name_of(BoundaryShape shape) {
  constexpr std::string_view names[] = {"smooth", "cliff"};
  return pick(names, shape);
}

std::string_view name_of(Bound bound) {
  constexpr std::string_view names[] = {"compute", "memory", "overhead"};
  return pick(names, bound);
}

std::string_view name_of(FigureOrigin origin) {
  constexpr std::string_view names[] = {"catalogue", "measured", "user"};
  return pick(names, origin);
}

std::string_view kind_of(const Observation& observation) {
  constexpr std::string_view names[] = {"preparation", "round", "probe"};
  return pick(names, observation.what.index());
}

}  // namespace batchtune
