#include "tuner/core/limits.h"

namespace batchtune {

std::string_view name_of(Objective objective) {
  switch (objective) {
    case Objective::knee:
      return "knee";
    case Objective::throughput:
      return "throughput";
    case Objective::latency:
      return "latency";
    case Objective::cost:
      return "cost";
  }
  return "?";
}

std::optional<Objective> parse_objective(std::string_view text) {
  for (const Objective objective : kObjectives)
    if (name_of(objective) == text) return objective;
  return std::nullopt;
}

std::optional<double> price_of(const Wishes& wishes, const std::string& backend) {
  for (const std::string& name : {backend, std::string()})
    if (const auto found = wishes.prices.find(name);
        found != wishes.prices.end() && found->second > 0)
      return found->second;
  return std::nullopt;
}

double price_of_million(double price_per_hour, double throughput) {
  constexpr double kMillion = 1e6, kSecondsPerHour = 3600;
  return price_per_hour / kSecondsPerHour / throughput * kMillion;
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
