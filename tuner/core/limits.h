// What the user asks of a deployment point: objective, latency and memory limits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/core/units.h"

namespace batchtune {

enum class Objective {
  knee,        // the smallest batch within `give_up` of the best throughput
  throughput,  // the best throughput; of indistinguishable ones the smaller batch
  latency,     // the lowest latency of one batch that still gives Wishes::throughput_floor
  cost,        // the lowest price of a million inferences, by Wishes::prices
};
inline constexpr Objective kObjectives[] = {Objective::knee, Objective::throughput,
                                            Objective::latency, Objective::cost};
std::string_view name_of(Objective objective);
std::optional<Objective> parse_objective(std::string_view text);

enum class LatencyMetric { p50, p90, p95, p99, p99_9, max };
inline constexpr LatencyMetric kLatencyMetrics[] = {LatencyMetric::p50,   LatencyMetric::p90,
                                                    LatencyMetric::p95,   LatencyMetric::p99,
                                                    LatencyMetric::p99_9, LatencyMetric::max};
std::string_view name_of(LatencyMetric metric);  // "p99.9"

struct LatencyLimit {
  LatencyMetric metric = LatencyMetric::p99;
  Seconds limit = 0;  // service time of one batch, as seen

  bool operator==(const LatencyLimit&) const = default;
};

// "p99=20ms"; a bad metric or value names what is allowed.
Result<LatencyLimit> parse_latency_limit(std::string_view text);
std::string to_string(const LatencyLimit& limit);  // "p99 <= 20.0 ms"

// Dynamic batching: what users send, and how many of them.
struct UserBatch {
  std::int64_t batch = 1;
  double share = 1;  // of the requests; all of a mix add up to 1

  bool operator==(const UserBatch&) const = default;
};

// Everything that a verdict depends on besides the observations. `report` may change it afterwards.
struct Wishes {
  Objective objective = Objective::knee;
  double give_up =
      0.02;  // knee: share of the best throughput that may be given up for a smaller batch
  std::vector<LatencyLimit> latency_limits;
  std::optional<Bytes> memory_limit;
  double precision = 0.01;  // half width of an interval that is narrow enough, relative
  double tolerance = 0.01;  // a better choice is not looked for if it is worth no more than this
  std::optional<double> throughput_floor;  // objective latency: samples/s, all instances
  std::map<std::string, double> prices;    // per hour, by backend; "": of any other
  std::vector<UserBatch> user_batches;     // a compiled batch for this mix; empty: every batch is its own

  bool operator==(const Wishes&) const = default;
};

// Per hour, of a backend: its own, else the one of any other. nullopt: none is known (a price is
// above 0).
std::optional<double> price_of(const Wishes& wishes, const std::string& backend);

// Of a million inferences at `throughput` samples/s, in the currency of the price.
double price_of_million(double price_per_hour, double throughput);

enum class LimitDecision { kept, broken, unproven };
std::string_view name_of(LimitDecision decision);

struct LimitVerdict {
  LatencyMetric metric = LatencyMetric::p99;
  Seconds limit = 0;
  LimitDecision decision = LimitDecision::unproven;
  // Of the decision, at each look: over all looks a limit exactly at the percentile is called kept
  // by about 4 %. nullopt: nothing was computed.
  std::optional<double> confidence;
  double samples = 0;  // effective number
  int runs = 0;        // that were seen, disturbed ones too
  int over = 0;        // of these, above the limit
};

}  // namespace batchtune
