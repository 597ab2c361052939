#include "tuner/estimate/device_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tuner/workload/json_reader.h"

namespace batchtune {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr std::int64_t kMostCores = 1 << 20;    // far above any device; keeps products small
constexpr std::size_t kLargestFile = 1u << 20;  // a device file has some kilobytes

constexpr FigureOrigin kOrigins[] = {FigureOrigin::catalogue, FigureOrigin::measured,
                                     FigureOrigin::user};

std::string dtype_names() {
  std::string names;
  for (DType dtype : kDTypes) names += (names.empty() ? "" : ", ") + std::string(name_of(dtype));
  return names;
}

DType read_dtype(ObjectReader& object) {
  const std::string text = object.text("dtype");
  const auto dtype = parse_dtype(text);
  if (!dtype) object.fail("dtype", "one of " + dtype_names(), "\"" + text + "\"");
  return dtype.value_or(DType::f32);
}

FigureOrigin read_origin(ObjectReader& object) {
  const std::string text = object.text("origin", "user");
  for (FigureOrigin origin : kOrigins)
    if (text == name_of(origin)) return origin;
  object.fail("origin", "catalogue, measured or user", "\"" + text + "\"");
  return FigureOrigin::user;
}

std::vector<Peak> read_peaks(ObjectReader& parent, bool required) {
  std::vector<Peak> peaks;
  for (ObjectReader& object : parent.objects("peaks", required)) {
    Peak peak{.dtype = read_dtype(object),
              .isa = object.text("isa", ""),
              .flops_per_second = object.positive("flops_per_second"),
              .origin = read_origin(object),
              .source = object.text("source", "")};
    object.refuse_unknown_members();
    for (const Peak& other : peaks)
      if (other.dtype == peak.dtype && other.isa == peak.isa)
        object.fail("dtype", "one peak for each data type and instruction set",
                    std::string(name_of(peak.dtype)) + " " + peak.isa + " again");
    peaks.push_back(std::move(peak));
  }
  return peaks;
}

std::vector<MemoryLevel> read_levels(ObjectReader& parent, bool required) {
  std::vector<MemoryLevel> levels;
  std::vector<ObjectReader> objects = parent.objects("memory_levels", required);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    ObjectReader& object = objects[i];
    MemoryLevel level{.name = object.text("name"),
                      .capacity_bytes = object.optional_positive("capacity_bytes"),
                      .bytes_per_second = object.positive("bytes_per_second"),
                      .origin = read_origin(object),
                      .source = object.text("source", "")};
    object.refuse_unknown_members();
    for (const MemoryLevel& other : levels)
      if (other.name == level.name) object.fail("name", "one level of each name", level.name);
    if (required && !level.capacity_bytes && i + 1 < objects.size())
      object.fail("capacity_bytes", "the capacity of every level but the last (main memory)",
                  "nothing");
    if (required && level.capacity_bytes && i > 0 && levels[i - 1].capacity_bytes &&
        *level.capacity_bytes < *levels[i - 1].capacity_bytes)
      object.fail("capacity_bytes", "levels from the smallest to the largest",
                  std::to_string(*level.capacity_bytes) + " after " +
                      std::to_string(*levels[i - 1].capacity_bytes));
    levels.push_back(std::move(level));
  }
  return levels;
}

std::vector<std::pair<DType, std::string>> read_isa_in_use(ObjectReader& parent) {
  std::vector<std::pair<DType, std::string>> in_use;
  for (ObjectReader& object : parent.objects("isa_in_use", false)) {
    in_use.emplace_back(read_dtype(object), object.text("isa"));
    object.refuse_unknown_members();
  }
  return in_use;
}

DeviceInfo read_device(ObjectReader& object) {
  DeviceInfo device;
  object.integer("schema_version", kSchemaVersion, kSchemaVersion);
  device.name = object.text("name");
  device.backend = object.text("backend", "");
  device.version = object.text("version", "");
  device.peaks = read_peaks(object, true);
  device.memory_levels = read_levels(object, true);
  device.memory_bytes = object.optional_positive("memory_bytes");
  device.run_overhead = object.optional_non_negative("run_overhead");
  device.layer_overhead = object.optional_non_negative("layer_overhead");
  device.cores = static_cast<int>(object.integer("cores", 1, kMostCores, 1));
  device.load_seconds = object.optional_non_negative("load_seconds");
  device.simulated = object.boolean("simulated", false);
  device.isa_in_use = read_isa_in_use(object);
  return device;
}

std::vector<ThreadFigures> read_scaling(ObjectReader& parent, int cores) {
  std::vector<ThreadFigures> scaling;
  for (ObjectReader& object : parent.objects("scaling", false)) {
    ThreadFigures figures{
        .threads = static_cast<int>(object.integer("threads", 1, std::max(1, cores - 1))),
        .peaks = read_peaks(object, false),
        .memory_levels = read_levels(object, false)};
    object.refuse_unknown_members();
    if (!scaling.empty() && figures.threads <= scaling.back().threads)
      object.fail("threads", "ascending thread counts", std::to_string(figures.threads));
    scaling.push_back(std::move(figures));
  }
  return scaling;
}

Json peaks_json(const std::vector<Peak>& peaks) {
  Json array = Json::array();
  for (const Peak& peak : peaks)
    array.push_back({{"dtype", name_of(peak.dtype)},
                     {"isa", peak.isa},
                     {"flops_per_second", peak.flops_per_second},
                     {"origin", name_of(peak.origin)},
                     {"source", peak.source}});
  return array;
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json levels_json(const std::vector<MemoryLevel>& levels) {
  Json array = Json::array();
  for (const MemoryLevel& level : levels)
    array.push_back({{"name", level.name},
                     {"capacity_bytes", optional_json(level.capacity_bytes)},
                     {"bytes_per_second", level.bytes_per_second},
                     {"origin", name_of(level.origin)},
                     {"source", level.source}});
  return array;
}

Json device_json(const DeviceInfo& device) {
  Json in_use = Json::array();
  for (const auto& [dtype, isa] : device.isa_in_use)
    in_use.push_back({{"dtype", name_of(dtype)}, {"isa", isa}});
  return {{"schema_version", kSchemaVersion},
          {"name", device.name},
          {"backend", device.backend},
          {"version", device.version},
          {"peaks", peaks_json(device.peaks)},
          {"memory_levels", levels_json(device.memory_levels)},
          {"memory_bytes", optional_json(device.memory_bytes)},
          {"run_overhead", optional_json(device.run_overhead)},
          {"layer_overhead", optional_json(device.layer_overhead)},
          {"cores", device.cores},
          {"load_seconds", optional_json(device.load_seconds)},
          {"simulated", device.simulated},
          {"isa_in_use", in_use}};
}

std::string to_text(const Json& json) {
  constexpr int kIndent = 2;
  return json.dump(kIndent, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<Calibration> parse_calibration(std::string_view json, std::string_view file_name) {
  if (json.size() > kLargestFile)
    return bad_input("a device file of some kilobytes", std::to_string(json.size()) + " bytes",
                     std::string(file_name));
  BT_TRY(root, parse_json(json, file_name));
  JsonErrors errors(file_name);
  ObjectReader object(root, "$", errors);
  Calibration calibration;
  calibration.device = read_device(object);
  calibration.scaling = read_scaling(object, calibration.device.cores);
  calibration.measured_at = object.text("measured_at", "");
  object.refuse_unknown_members();
  if (errors.first()) return tl::make_unexpected(*errors.first());
  return calibration;
}

Result<DeviceInfo> parse_device(std::string_view json, std::string_view file_name) {
  BT_TRY(calibration, parse_calibration(json, file_name));
  return std::move(calibration.device);
}

Result<DeviceInfo> read_device_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return bad_input("a readable device file", "\"" + path + "\" cannot be opened", "--device",
                     "Give a device of the catalogue or the path of a device file");
  // One byte more than allowed is enough to refuse it; a device node may never end.
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof()))
    return bad_input("a readable device file", "\"" + path + "\" cannot be read", "--device");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_device(text, path);
}

std::string write_device(const DeviceInfo& device) {
  return to_text(device_json(device));
}

std::string write_calibration(const Calibration& calibration) {
  Json json = device_json(calibration.device);
  json["measured_at"] = calibration.measured_at;
  json["scaling"] = Json::array();
  for (const ThreadFigures& figures : calibration.scaling)
    json["scaling"].push_back({{"threads", figures.threads},
                               {"peaks", peaks_json(figures.peaks)},
                               {"memory_levels", levels_json(figures.memory_levels)}});
  return to_text(json);
}

}  // namespace batchtune
