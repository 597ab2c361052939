#include "tuner/cli/wish_request.h"

#include <fmt/format.h>

#include "tuner/backend/backend_list.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

std::string objective_names() {
  std::string names;
  for (const Objective objective : kObjectives)
    names += (names.empty() ? "" : ", ") + std::string(name_of(objective));
  return names;
}

Status parse_limits(const TuningOptions& options, TuningRequest& request) {
  for (const std::string& text : options.latency_limits) {
    BT_TRY(limit, parse_latency_limit(text));
    for (const LatencyLimit& other : request.latency_limits)
      if (other.metric == limit.metric)
        return bad_input("one limit for each metric", text + " beside " + to_string(other),
                         "--latency-limit");
    request.latency_limits.push_back(limit);
  }
  if (!options.memory_limit.empty()) {
    BT_TRY(limit, parse_bytes(options.memory_limit, "--memory-limit"));
    if (limit < 1)
      return bad_input("a memory limit above 0", options.memory_limit, "--memory-limit");
    request.memory_limit = limit;
  }
  return {};
}

// "500/s" or "0.34/h": a number above 0 and what it is per.
Result<double> parse_per(std::string_view text, std::string_view unit, const std::string& wanted,
                         const std::string& typed, const std::string& where) {
  const auto refused = [&] { return bad_input(wanted, "'" + typed + "'", where); };
  if (!text.ends_with(unit)) return refused();
  text.remove_suffix(unit.size());
  const auto number = parse_count(text, where);
  if (!number || *number <= 0) return refused();
  return *number;
}

Status parse_prices(const TuningOptions& options, TuningRequest& request) {
  for (const std::string& text : options.prices) {
    const std::size_t equals = text.find('=');
    const std::string backend = equals == std::string::npos ? "" : text.substr(0, equals);
    const std::string price = equals == std::string::npos ? text : text.substr(equals + 1);
    if (equals != std::string::npos && find_backend(backend) == nullptr)
      return bad_input("a price or BACKEND=PRICE, such as 0.34/h or cpu=0.34/h", "'" + text + "'",
                       "--price", "batchtune list backends has their names");
    BT_TRY(per_hour,
           parse_per(price, "/h", "a price above 0 per hour, such as 0.34/h or cpu=0.34/h", text,
                     "--price"));
    if (!request.prices.emplace(backend, per_hour).second)
      return bad_input("one price for each backend",
                       text + " beside another for " + (backend.empty() ? "any" : backend),
                       "--price");
  }
  return {};
}

Status parse_objective_of(const TuningOptions& options, TuningRequest& request) {
  if (!options.objective.empty()) {
    request.objective = parse_objective(options.objective);
    if (!request.objective)
      return bad_input("an objective: " + objective_names(), "'" + options.objective + "'",
                       "--objective");
  }
  if (!options.give_up.empty()) {
    BT_TRY(share, parse_fraction(options.give_up, "--give-up"));
    request.give_up = share;
  }
  if (!options.min_throughput.empty()) {
    BT_TRY(floor,
           parse_per(options.min_throughput, "/s", "samples per second above 0, such as 500/s",
                     options.min_throughput, "--min-throughput"));
    request.min_throughput = floor;
  }
  return parse_prices(options, request);
}

// A share that is not 0.
Result<std::optional<double>> parse_share(const std::string& text, const char* option,
                                          const char* wanted) {
  if (text.empty()) return std::optional<double>{};
  BT_TRY(share, parse_fraction(text, option));
  if (share <= 0) return bad_input(wanted, text, option);
  return std::optional<double>{share};
}

// Options that one objective alone heeds.
struct Heeded {
  const char* option;
  bool given;
  Objective by;
};

std::vector<Heeded> heeded_options(const TuningRequest& request) {
  return {{"--give-up", request.give_up.has_value(), Objective::knee},
          {"--min-throughput", request.min_throughput.has_value(), Objective::latency},
          {"--price", !request.prices.empty(), Objective::cost}};
}

Status check_heeded(const TuningRequest& request, Objective objective, bool objective_given) {
  for (const auto& [option, given, by] : heeded_options(request)) {
    if (!given || by == objective) continue;
    return bad_input(fmt::format("{} with the objective {}", option, name_of(by)),
                     fmt::format("the objective {}", name_of(objective)), option,
                     objective_given ? "Leave one of the two out"
                                     : fmt::format("Give --objective {} with it", name_of(by)));
  }
  return {};
}

}  // namespace

Status parse_wishes(const TuningOptions& options, TuningRequest& request) {
  BT_TRY_VOID(parse_limits(options, request));
  BT_TRY_VOID(parse_objective_of(options, request));
  if (request.objective) BT_TRY_VOID(check_heeded(request, *request.objective, true));
  BT_TRY(precision,
         parse_share(options.precision, "--precision", "a precision above 0, such as 1%"));
  BT_TRY(tolerance,
         parse_share(options.tolerance, "--tolerance", "a tolerance above 0, such as 1%"));
  request.precision = precision;
  request.tolerance = tolerance;
  return {};
}

Wishes wishes_of(const TuningRequest& request, const Wishes& base) {
  Wishes wishes = base;
  if (request.objective) wishes.objective = *request.objective;
  if (request.give_up) wishes.give_up = *request.give_up;
  if (request.precision) wishes.precision = *request.precision;
  if (request.tolerance) wishes.tolerance = *request.tolerance;
  if (request.min_throughput) wishes.throughput_floor = request.min_throughput;
  if (!request.prices.empty()) wishes.prices = request.prices;
  if (!request.latency_limits.empty()) wishes.latency_limits = request.latency_limits;
  if (request.memory_limit) wishes.memory_limit = request.memory_limit;
  if (request.user_batches.empty()) return wishes;
  wishes.user_batches = request.user_batches;
  // A smaller compiled batch answers no request sooner by giving throughput up.
  if (!request.objective && wishes.objective == Objective::knee) wishes.objective = Objective::throughput;
  return wishes;
}

Status check_wishes(const TuningRequest& request, const Wishes& wishes,
                    const std::vector<std::string>& backends) {
  BT_TRY_VOID(check_heeded(request, wishes.objective, request.objective.has_value()));
  if (wishes.objective == Objective::latency && !wishes.throughput_floor)
    return bad_input("--min-throughput with the objective latency, such as 500/s", "none",
                     "--objective latency",
                     "Say what throughput must be kept, or leave the objective out");
  if (wishes.objective != Objective::cost) return {};
  for (const std::string& backend : backends)
    if (!price_of(wishes, backend))
      return bad_input("--price with the objective cost, such as 0.34/h",
                       backend.empty() ? "none" : "none for " + backend, "--objective cost",
                       "Say what each backend costs per hour");
  return {};
}

}  // namespace batchtune
