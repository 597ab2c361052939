#include "tuner/core/limits.h"

namespace batchtune {

std::string_view name_of(Objective objective) {
  return objective == Objective::knee ? "knee" : "throughput";
}

std::optional<Objective> parse_objective(std::string_view text) {
  for (Objective objective : {Objective::knee, Objective::throughput})
    if (name_of(objective) == text) return objective;
  return std::nullopt;
}

std::string_view name_of(LatencyMetric metric) {
  switch (metric) {
    case LatencyMetric::p50:
      return "p50";
    case LatencyMetric::p90:
      return "p90";
    case LatencyMetric::p95:
      return "p95";
    case LatencyMetric::p99:
      return "p99";
    case LatencyMetric::p99_9:
      return "p99.9";
    case LatencyMetric::max:
      return "max";
  }
  return "?";
}

std::string_view name_of(LimitDecision decision) {
  switch (decision) {
    case LimitDecision::kept:
      return "kept";
    case LimitDecision::broken:
      return "broken";
    case LimitDecision::unproven:
      return "unproven";
  }
  return "?";
}

Result<LatencyLimit> parse_latency_limit(std::string_view text) {
  const auto equals = text.find('=');
  const auto metric_text = text.substr(0, equals);
  for (LatencyMetric metric : kLatencyMetrics) {
    if (equals == std::string_view::npos || name_of(metric) != metric_text) continue;
    BT_TRY(seconds, parse_seconds(text.substr(equals + 1), "--latency-limit"));
    if (seconds <= 0) return bad_input("a latency above 0", std::string(text), "--latency-limit");
    return LatencyLimit{metric, seconds};
  }
  return bad_input("METRIC=TIME with one of p50, p90, p95, p99, p99.9, max, such as p99=20ms",
                   "'" + std::string(text) + "'", "--latency-limit");
}

std::string to_string(const LatencyLimit& limit) {
  return std::string(name_of(limit.metric)) + " <= " + format_seconds(limit.limit);
}

}  // namespace batchtune
