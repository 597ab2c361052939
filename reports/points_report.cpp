#include "reports/points_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/csv/row.h"
#include "reports/dynamic_batch.h"
#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr int kPointsSchema = 1;
constexpr char kSimulatedPoints[] =
    "SIMULATED: figures of points marked so are a simulated device's, none was measured on "
    "hardware.";

// "knee; p99 <= 20.0 ms; 2.00 GiB": what the point was chosen by.
std::string wishes_words(const Wishes& wishes) {
  std::vector<std::string> parts{std::string(name_of(wishes.objective))};
  if (!wishes.user_batches.empty()) parts.push_back("user batches " + to_string(wishes.user_batches));
  for (const LatencyLimit& limit : wishes.latency_limits) parts.push_back(to_string(limit));
  if (wishes.memory_limit) parts.push_back(format_bytes(static_cast<double>(*wishes.memory_limit)));
  return text::joined(parts, "; ");
}

std::string dtype_words(const std::vector<DType>& dtypes) {
  std::vector<std::string> names;
  for (const DType dtype : dtypes) names.emplace_back(name_of(dtype));
  return text::joined(names, "/");
}

// "5 min", "3 h", "12 d".
std::string age_words(const std::optional<Seconds>& age) {
  constexpr Seconds kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  if (!age) return text::kAbsent;
  const auto whole = [&](Seconds unit) { return static_cast<long long>(*age / unit); };
  if (*age < kHour) return fmt::format("{} min", whole(kMinute));
  if (*age < 2 * kDay) return fmt::format("{} h", whole(kHour));
  return fmt::format("{} d", whole(kDay));
}

std::string state_words(const DeploymentPoint& point) {
  std::vector<std::string> words{point.stale.empty() ? "current" : "STALE"};
  if (!point.trial)
    words.emplace_back("none");  // a line below says why
  else if (!point.proven)
    words.emplace_back("unproven");
  if (point.simulated) words.emplace_back("simulated");
  return text::joined(words, ", ");
}

std::string name_of_point(const DeploymentPoint& point) {
  return fmt::format("{} on {} (session {})", point.model, point.backend, point.session);
}

std::string table(const std::vector<DeploymentPoint>& points, int width) {
  text::Column session{"", "session", false, 6, {}}, model{"", "model", true, 0, {}},
      backend{"", "backend", true, 4, {}}, device{"", "device", true, 8, {}},
      dtype{"", "dtype", true, 7, {}}, wishes{"", "chosen by", true, 3, {}},
      batch{"", "batch", false, 0, {}}, split{"", "split", false, 5, {}},
      rate{"undisturbed", "samples/s", false, 0, {}},
      latency{"undisturbed", "latency", false, 2, {}}, cost{"cost of", "a million", false, 1, {}},
      age{"", "age", false, 0, {}}, state{"", "state", true, 0, {}};
  for (const DeploymentPoint& point : points) {
    const auto& trial = point.trial;
    const auto measured = trial ? trial->measurement : std::nullopt;
    session.cells.push_back(std::to_string(point.session));
    model.cells.push_back(point.model);
    backend.cells.push_back(point.backend);
    device.cells.push_back(point.device);
    dtype.cells.push_back(trial ? std::string(name_of(trial->candidate.group.dtype))
                                : dtype_words(point.dtypes));
    wishes.cells.push_back(wishes_words(point.wishes));
    batch.cells.push_back(trial ? std::to_string(trial->candidate.batch) : text::kAbsent);
    split.cells.push_back(trial ? fmt::format("{} x {}", trial->candidate.group.instances,
                                              trial->candidate.group.threads)
                                : text::kAbsent);
    rate.cells.push_back(measured ? format_number(users_throughput(*trial, point.wishes), 3)
                                  : text::kAbsent);
    latency.cells.push_back(measured ? format_seconds(measured->undisturbed) : text::kAbsent);
    cost.cells.push_back(text::figure(point.cost));
    age.cells.push_back(age_words(point.age));
    state.cells.push_back(state_words(point));
  }
  return text::format_table({session, model, backend, device, dtype, wishes, batch, split, rate,
                             latency, cost, age, state},
                            width);
}

json::Json limits_of(const Wishes& wishes) {
  json::Json limits = json::Json::array();
  for (const LatencyLimit& limit : wishes.latency_limits)
    limits.push_back({{"metric", name_of(limit.metric)}, {"limit", json::number(limit.limit)}});
  return limits;
}

json::Json point_of(const DeploymentPoint& point) {
  const auto& trial = point.trial;
  const auto measured = trial ? trial->measurement : std::nullopt;
  const auto figure = [&](double Measurement::*member) {
    return measured ? json::number((*measured).*member) : json::Json(nullptr);
  };
  json::Json dtypes = json::Json::array();
  for (const DType dtype : point.dtypes) dtypes.push_back(name_of(dtype));
  json::Json dims = json::Json::object();
  for (const auto& [name, size] : point.dims) dims[name] = size;
  return {{"model", {{"name", point.model}, {"hash", point.model_hash}}},
          {"dims", dims},
          {"backend", point.backend},
          {"device", point.device},
          {"dtypes", dtypes},
          {"objective", name_of(point.wishes.objective)},
          {"limits", limits_of(point.wishes)},
          {"memory_limit", json::integer(point.wishes.memory_limit)},
          {"simulated", point.simulated},
          {"session", point.session},
          {"measured_at", point.measured_at},
          {"age", json::number(point.age)},
          {"candidate", trial ? json::candidate(trial->candidate) : json::Json(nullptr)},
          {"batch", trial ? json::Json(trial->candidate.batch) : json::Json(nullptr)},
          {"proven", trial.has_value() && point.proven},
          {"gap", point.gap},
          {"throughput",
           {{"undisturbed", figure(&Measurement::throughput_undisturbed)},
            {"as_seen", figure(&Measurement::throughput_as_seen)}}},
          {"latency",
           {{"undisturbed", figure(&Measurement::undisturbed)},
            {"p50", measured ? json::number(measured->p50) : json::Json(nullptr)},
            {"p99", measured ? json::number(measured->p99) : json::Json(nullptr)}}},
          {"memory", trial ? json::integer(trial->memory) : json::Json(nullptr)},
          {"price", json::number(point.price)},
          {"cost_per_million", json::number(point.cost)},
          {"stale", !point.stale.empty()},
          {"stale_reasons", point.stale},
          {"unchecked", point.unchecked}};
}

}  // namespace

std::string text_points(const std::vector<DeploymentPoint>& points, const TextOptions& options) {
  if (points.empty()) return "No session has finished yet: batchtune tune MODEL gives the first.\n";
  std::string text;
  if (std::any_of(points.begin(), points.end(),
                  [](const DeploymentPoint& point) { return point.simulated; }))
    text += text::wrapped("", kSimulatedPoints, options.width) + "\n";
  text += table(points, options.width);
  for (const DeploymentPoint& point : points)
    if (!point.trial)
      text += text::wrapped("none: ",
                            name_of_point(point) + ": nothing keeps the limits" +
                                (point.gap.empty() ? "" : "; the nearest: " + point.gap),
                            options.width);
  for (const DeploymentPoint& point : points)
    if (!point.stale.empty())
      text += text::wrapped(
          "STALE: ", name_of_point(point) + ": " + text::joined(point.stale, "; "), options.width);
  for (const DeploymentPoint& point : points)
    if (!point.unchecked.empty())
      text += text::wrapped(
          "not looked at: ", name_of_point(point) + ": " + text::joined(point.unchecked, ", "),
          options.width);
  return text;
}

std::string json_points(const std::vector<DeploymentPoint>& points) {
  json::Json list = json::Json::array();
  for (const DeploymentPoint& point : points) list.push_back(point_of(point));
  return json::document(
      {{"schema_version", kPointsSchema}, {"command", "points"}, {"points", list}});
}

std::string csv_points(const std::vector<DeploymentPoint>& points) {
  std::string text =
      "session,measured_at,age,model,model_hash,backend,device,dtype,objective,limits,batch,"
      "instances,threads,throughput_undisturbed,throughput_as_seen,latency_undisturbed,p50,p99,"
      "memory,proven,price,cost_per_million,simulated,stale,reasons\n";
  for (const DeploymentPoint& point : points) {
    const auto& trial = point.trial;
    const auto measured = trial ? trial->measurement : std::nullopt;
    const auto whole = [&](auto value) {
      return trial ? Value(static_cast<std::int64_t>(value(*trial))) : Value();
    };
    const auto figure = [&](double Measurement::*member) {
      return measured ? std::optional((*measured).*member) : std::nullopt;
    };
    csv::Row row;
    row.integer(point.session);
    row.text(point.measured_at);
    row.number(point.age);
    row.text(point.model);
    row.text(point.model_hash);
    row.text(point.backend);
    row.text(point.device);
    row.text(trial ? std::string(name_of(trial->candidate.group.dtype))
                   : dtype_words(point.dtypes));
    row.text(name_of(point.wishes.objective));
    row.text(wishes_words(point.wishes));
    row.value(whole([](const Trial& t) { return t.candidate.batch; }));
    row.value(whole([](const Trial& t) { return t.candidate.group.instances; }));
    row.value(whole([](const Trial& t) { return t.candidate.group.threads; }));
    row.number(figure(&Measurement::throughput_undisturbed));
    row.number(figure(&Measurement::throughput_as_seen));
    row.number(figure(&Measurement::undisturbed));
    row.number(measured ? measured->p50 : std::nullopt);
    row.number(measured ? measured->p99 : std::nullopt);
    row.value(trial && trial->memory ? Value(*trial->memory) : Value());
    row.flag(trial.has_value() && point.proven);
    row.number(point.price);
    row.number(point.cost);
    row.flag(point.simulated);
    row.flag(!point.stale.empty());
    row.text(text::joined(point.stale, "; "));
    text += row.line();
  }
  return text;
}

}  // namespace batchtune
