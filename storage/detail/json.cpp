#include "storage/detail/json.h"

#include <cmath>
#include <stdexcept>
#include <utility>

namespace batchtune::detail {
namespace {

constexpr std::size_t kShownOfText = 40;  // characters of a wrong text that an error repeats
constexpr FigureOrigin kOrigins[] = {FigureOrigin::catalogue, FigureOrigin::measured,
                                     FigureOrigin::user};
constexpr Bound kBounds[] = {Bound::compute, Bound::memory, Bound::overhead};

template <typename T>
Json maybe(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// A number of exactly the kind that is wanted: nlohmann's own conversions wrap and truncate.
template <typename T>
T number(const Json& json) {
  if constexpr (std::is_integral_v<T>) {
    if (!json.is_number_integer()) throw std::invalid_argument("no integer: " + json.dump());
    const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                                : std::in_range<T>(json.get<std::int64_t>());
    if (!fits) throw std::invalid_argument("too large an integer: " + json.dump());
  } else if (!json.is_number()) {
    throw std::invalid_argument("no number: " + json.dump());
  }
  return json.get<T>();
}

template <typename T>
std::optional<T> maybe_from(const Json& json, const char* key) {
  const Json& value = json.at(key);
  if (value.is_null()) return std::nullopt;
  return number<T>(value);
}

Json value_json(const Value& value) {
  return std::visit(
      [](const auto& held) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>)
          return nullptr;
        else
          return held;
      },
      value);
}

Value value_from(const Json& json) {
  if (json.is_null()) return std::monostate{};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return number<std::int64_t>(json);
  if (json.is_number()) return json.get<double>();
  return json.get<std::string>();
}

Json list_of(const std::vector<Setting>& settings) {
  Json list = Json::array();
  for (const Setting& setting : settings)
    list.push_back(
        {{"name", setting.name}, {"value", value_json(setting.value)}, {"origin", setting.origin}});
  return list;
}

std::vector<Setting> settings_from(const Json& json) {
  std::vector<Setting> settings;
  for (const Json& entry : json)
    settings.push_back({entry.at("name"), value_from(entry.at("value")), entry.at("origin")});
  return settings;
}

DType dtype_from(const Json& json) {
  return named(kDTypes, json.get<std::string>());
}

Json formula_json(const FormulaEstimate& f) {
  return {{"peak_flops", f.peak_flops},
          {"bandwidth", f.bandwidth},
          {"flops_per_sample", f.flops_per_sample},
          {"dense_parameters", f.dense_parameters},
          {"dtype_bytes", f.dtype_bytes},
          {"ridge", f.ridge},
          {"intensity_per_sample", f.intensity_per_sample},
          {"exact", f.exact},
          {"batch", f.batch},
          {"guide_batch", maybe(f.guide_batch)},
          {"below_ridge", f.below_ridge},
          {"above_ridge", f.above_ridge}};
}

FormulaEstimate formula_from(const Json& json) {
  FormulaEstimate f;
  f.peak_flops = json.at("peak_flops");
  f.bandwidth = json.at("bandwidth");
  f.flops_per_sample = json.at("flops_per_sample");
  f.dense_parameters = json.at("dense_parameters");
  f.dtype_bytes = json.at("dtype_bytes");
  f.ridge = json.at("ridge");
  f.intensity_per_sample = json.at("intensity_per_sample");
  f.exact = json.at("exact");
  f.batch = number<std::int64_t>(json.at("batch"));
  f.guide_batch = maybe_from<std::int64_t>(json, "guide_batch");
  f.below_ridge = json.at("below_ridge");
  f.above_ridge = json.at("above_ridge");
  return f;
}

bool all_finite(const Json& json) {
  if (json.is_number_float()) return std::isfinite(json.get<double>());
  if (json.is_structured())
    for (const Json& part : json)
      if (!all_finite(part)) return false;
  return true;
}

}  // namespace

Json to_json(const std::map<std::string, std::int64_t>& dims) {
  Json json = Json::object();
  for (const auto& [name, size] : dims) json[name] = size;
  return json;
}

void from_json_to(const Json& json, std::map<std::string, std::int64_t>& dims) {
  for (const auto& [name, size] : json.items()) dims[name] = number<std::int64_t>(size);
}

Json to_json(const std::vector<std::int64_t>& batches) { return batches; }

void from_json_to(const Json& json, std::vector<std::int64_t>& batches) {
  for (const Json& batch : json) batches.push_back(number<std::int64_t>(batch));
}

Json to_json(const Environment& environment) {
  Json json = Json::object();
  for (const auto& [name, value] : environment) json[name] = value_json(value);
  return json;
}

void from_json_to(const Json& json, Environment& environment) {
  for (const auto& [name, value] : json.items()) environment.emplace_back(name, value_from(value));
}

Json to_json(const Settings& settings) {
  return {{"requested", list_of(settings.requested)}, {"effective", list_of(settings.effective)}};
}

void from_json_to(const Json& json, Settings& settings) {
  settings.requested = settings_from(json.at("requested"));
  settings.effective = settings_from(json.at("effective"));
}

Json to_json(const Wishes& wishes) {
  Json limits = Json::array();
  for (const LatencyLimit& limit : wishes.latency_limits)
    limits.push_back({{"metric", name_of(limit.metric)}, {"limit", limit.limit}});
  Json mix = Json::array();
  for (const UserBatch& user : wishes.user_batches) mix.push_back({{"batch", user.batch}, {"share", user.share}});
  return {{"objective", name_of(wishes.objective)},
          {"give_up", wishes.give_up},
          {"latency_limits", limits},
          {"memory_limit", maybe(wishes.memory_limit)},
          {"precision", wishes.precision},
          {"tolerance", wishes.tolerance},
          {"throughput_floor", maybe(wishes.throughput_floor)},
          {"prices", wishes.prices},
          {"user_batches", mix}};
}

void from_json_to(const Json& json, Wishes& wishes) {
  wishes.objective = named(kObjectives, json.at("objective").get<std::string>());
  wishes.give_up = json.at("give_up");
  for (const Json& limit : json.at("latency_limits"))
    wishes.latency_limits.push_back({named(kLatencyMetrics, limit.at("metric").get<std::string>()),
                                     limit.at("limit").get<double>()});
  wishes.memory_limit = maybe_from<Bytes>(json, "memory_limit");
  // Absent in sessions that older versions wrote.
  if (json.contains("precision")) wishes.precision = json.at("precision");
  if (json.contains("tolerance")) wishes.tolerance = json.at("tolerance");
  if (json.contains("throughput_floor"))
    wishes.throughput_floor = maybe_from<double>(json, "throughput_floor");
  if (json.contains("prices"))
    for (const auto& [backend, price] : json.at("prices").items())
      wishes.prices[backend] = number<double>(price);
  if (json.contains("user_batches"))
    for (const Json& user : json.at("user_batches"))
      wishes.user_batches.push_back({number<std::int64_t>(user.at("batch")), number<double>(user.at("share"))});
}

Json to_json(const DeviceInfo& device) {
  Json peaks = Json::array(), levels = Json::array(), isas = Json::array();
  for (const Peak& peak : device.peaks)
    peaks.push_back({{"dtype", name_of(peak.dtype)},
                     {"isa", peak.isa},
                     {"flops_per_second", peak.flops_per_second},
                     {"origin", name_of(peak.origin)},
                     {"source", peak.source}});
  for (const MemoryLevel& level : device.memory_levels)
    levels.push_back({{"name", level.name},
                      {"capacity_bytes", maybe(level.capacity_bytes)},
                      {"bytes_per_second", level.bytes_per_second},
                      {"origin", name_of(level.origin)},
                      {"source", level.source}});
  for (const auto& [dtype, isa] : device.isa_in_use)
    isas.push_back({{"dtype", name_of(dtype)}, {"isa", isa}});
  return {{"name", device.name},
          {"backend", device.backend},
          {"version", device.version},
          {"peaks", peaks},
          {"memory_levels", levels},
          {"memory_bytes", maybe(device.memory_bytes)},
          {"run_overhead", maybe(device.run_overhead)},
          {"layer_overhead", maybe(device.layer_overhead)},
          {"cores", device.cores},
          {"load_seconds", maybe(device.load_seconds)},
          {"simulated", device.simulated},
          {"default_dtype", device.default_dtype ? Json(name_of(*device.default_dtype)) : Json(nullptr)},
          {"compiles_elsewhere", device.compiles_elsewhere},
          {"isa_in_use", isas}};
}

void from_json_to(const Json& json, DeviceInfo& device) {
  device.name = json.at("name");
  device.backend = json.at("backend");
  device.version = json.at("version");
  for (const Json& peak : json.at("peaks"))
    device.peaks.push_back(
        {dtype_from(peak.at("dtype")), peak.at("isa"), peak.at("flops_per_second"),
         named(kOrigins, peak.at("origin").get<std::string>()), peak.at("source")});
  for (const Json& level : json.at("memory_levels"))
    device.memory_levels.push_back({level.at("name"), maybe_from<double>(level, "capacity_bytes"),
                                    level.at("bytes_per_second"),
                                    named(kOrigins, level.at("origin").get<std::string>()),
                                    level.at("source")});
  device.memory_bytes = maybe_from<double>(json, "memory_bytes");
  device.run_overhead = maybe_from<double>(json, "run_overhead");
  device.layer_overhead = maybe_from<double>(json, "layer_overhead");
  device.cores = number<int>(json.at("cores"));
  device.load_seconds = maybe_from<double>(json, "load_seconds");
  device.simulated = json.at("simulated");
  // Absent in sessions that older versions wrote.
  if (json.contains("default_dtype") && !json.at("default_dtype").is_null())
    device.default_dtype = dtype_from(json.at("default_dtype"));
  if (json.contains("compiles_elsewhere")) device.compiles_elsewhere = json.at("compiles_elsewhere");
  for (const Json& isa : json.at("isa_in_use"))
    device.isa_in_use.emplace_back(dtype_from(isa.at("dtype")), isa.at("isa").get<std::string>());
}

Json to_json(const HostState& host) {
  Json json = Json::object();
  const auto put = [&json](const char* name, const auto& value) {
    if (value) json[name] = *value;
  };
  if (!host.compute_canary.empty()) json["compute_canary"] = host.compute_canary;
  if (!host.cache_canary.empty()) json["cache_canary"] = host.cache_canary;
  if (!host.exchange_canary.empty()) json["exchange_canary"] = host.exchange_canary;
  if (!host.compute_cycles.empty()) json["compute_cycles"] = host.compute_cycles;
  put("clock_hz", host.clock_hz);
  put("involuntary_switches", host.involuntary_switches);
  put("minor_faults", host.minor_faults);
  put("major_faults", host.major_faults);
  put("cpu_pressure", host.cpu_pressure);
  put("load", host.load);
  put("steal", host.steal);
  put("parked_cpu", host.parked_cpu);
  return json;
}

void from_json_to(const Json& json, HostState& host) {
  if (!json.is_object()) throw std::invalid_argument("a host state that is no object");
  const auto take = [&json](const char* name, auto& value) {
    if (json.contains(name)) value = number<std::decay_t<decltype(*value)>>(json.at(name));
  };
  const auto numbers = [&json](const char* name) {
    std::vector<double> list;
    if (json.contains(name))
      for (const Json& one : json.at(name)) list.push_back(number<double>(one));
    return list;
  };
  host.compute_canary = numbers("compute_canary");
  host.cache_canary = numbers("cache_canary");
  host.exchange_canary = numbers("exchange_canary");
  host.compute_cycles = numbers("compute_cycles");
  take("clock_hz", host.clock_hz);
  take("involuntary_switches", host.involuntary_switches);
  take("minor_faults", host.minor_faults);
  take("major_faults", host.major_faults);
  take("cpu_pressure", host.cpu_pressure);
  take("load", host.load);
  take("steal", host.steal);
  take("parked_cpu", host.parked_cpu);
}

Json to_json(const Estimate& estimate) {
  Json curve = Json::array();
  for (const PointEstimate& point : estimate.curve)
    curve.push_back({{"batch", point.batch},
                     {"latency", point.latency},
                     {"throughput", point.throughput},
                     {"memory", point.memory},
                     {"bound", name_of(point.bound)},
                     {"computing", point.computing},
                     {"moving", point.moving},
                     {"overhead", point.overhead}});
  return {{"batch", estimate.batch},
          {"bound", name_of(estimate.bound)},
          {"formula", estimate.formula ? formula_json(*estimate.formula) : Json(nullptr)},
          {"curve", curve}};
}

void from_json_to(const Json& json, Estimate& estimate) {
  estimate.batch = number<std::int64_t>(json.at("batch"));
  estimate.bound = named(kBounds, json.at("bound").get<std::string>());
  if (!json.at("formula").is_null()) estimate.formula = formula_from(json.at("formula"));
  for (const Json& point : json.at("curve"))
    estimate.curve.push_back({number<std::int64_t>(point.at("batch")), point.at("latency"),
                              point.at("throughput"), point.at("memory"),
                              named(kBounds, point.at("bound").get<std::string>()),
                              point.value("computing", 0.0), point.value("moving", 0.0),
                              point.value("overhead", 0.0)});
}

Status check_json(const std::string& text, std::string_view where) {
  if (Json::accept(text)) return {};
  return environment_error("JSON", "'" + text.substr(0, kShownOfText) + "'", std::string(where),
                           "Report this as a bug");
}

Result<std::string> encode(const Json& json) {
  if (!all_finite(json))
    return environment_error("figures that are finite numbers", "NaN or infinity",
                             "a record for the database", "Report this as a bug");
  try {
    return json.dump();
  } catch (const std::exception& exception) {  // text that is not UTF-8
    return environment_error("text in UTF-8", exception.what(), "a record for the database");
  }
}

}  // namespace batchtune::detail
