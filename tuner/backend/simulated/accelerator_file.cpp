#include "tuner/backend/simulated/accelerator_file.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tuner/workload/json_reader.h"

namespace batchtune::simulated {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kSchemaVersion = 1;
constexpr std::size_t kMaxFileBytes = 1U << 20;

// What a figure may be: beyond these sums of them would be no numbers any more.
struct Range {
  double low, high;
};
constexpr Range kBytes{1, 1e18}, kSomeBytes{0, 1e15}, kRate{1, 1e18}, kClock{1, 1e15};
constexpr Range kShort{0, 1e4}, kLong{0, 1e6}, kShare{0, 1}, kFactor{1, 1e6}, kPeriod{1e-6, 1e6};

struct NumberMember {
  const char* name;
  double Accelerator::*value;
  Range range;
};
constexpr NumberMember kNumbers[] = {
    {"said_memory", &Accelerator::said_memory, kBytes},
    {"said_bandwidth", &Accelerator::said_bandwidth, kRate},
    {"memory", &Accelerator::memory, kBytes},
    {"memory_page", &Accelerator::memory_page, {1, 1e15}},
    {"code", &Accelerator::code, kSomeBytes},
    {"instruction", &Accelerator::instruction, {0, 1e6}},
    {"array_hertz", &Accelerator::array_hertz, kClock},
    {"stationary_cycles", &Accelerator::stationary_cycles, {0, 1e6}},
    {"vector_hertz", &Accelerator::vector_hertz, kClock},
    {"on_chip", &Accelerator::on_chip, kSomeBytes},
    {"dma_rate", &Accelerator::dma_rate, kRate},
    {"dma_latency", &Accelerator::dma_latency, {0, 1}},
    {"dma_transfer", &Accelerator::dma_transfer, {1, 1e15}},
    {"overlap", &Accelerator::overlap, kShare},
    {"sharing", &Accelerator::sharing, {0, 10}},
    {"run_overhead", &Accelerator::run_overhead, kShort},
    {"operation_overhead", &Accelerator::operation_overhead, kShort},
    {"compile_base", &Accelerator::compile_base, kLong},
    {"compile_operation", &Accelerator::compile_operation, kLong},
    {"compile_instruction", &Accelerator::compile_instruction, {0, 1e3}},
    {"load_base", &Accelerator::load_base, kLong},
    {"load_rate", &Accelerator::load_rate, kRate},
    {"prepare", &Accelerator::prepare, kLong},
};

struct CountMember {
  const char* name;
  std::int64_t Accelerator::*value;
  std::int64_t most;
};
constexpr CountMember kCounts[] = {
    {"cores", &Accelerator::cores, 4096},
    {"cores_per_memory", &Accelerator::cores_per_memory, 4096},
    {"array_rows", &Accelerator::array_rows, 65536},
    {"array_columns", &Accelerator::array_columns, 65536},
    {"moving_rows", &Accelerator::moving_rows, 1 << 20},
    {"vector_lanes", &Accelerator::vector_lanes, 65536},
    {"dma_engines", &Accelerator::dma_engines, 4096},
};

struct NoiseMember {
  const char* name;
  double NoiseParameters::*value;
  Range range;
};
constexpr NoiseMember kNoise[] = {
    {"jitter", &NoiseParameters::jitter, kShare},
    {"wander", &NoiseParameters::wander, kShare},
    {"wander_seconds", &NoiseParameters::wander_seconds, kPeriod},
    {"neighbour", &NoiseParameters::neighbour, kShare},
    {"neighbour_seconds", &NoiseParameters::neighbour_seconds, kPeriod},
    {"neighbour_factor", &NoiseParameters::neighbour_factor, kFactor},
    {"drift", &NoiseParameters::drift, kShare},
    {"spikes", &NoiseParameters::spikes, kShare},
    {"spike_factor", &NoiseParameters::spike_factor, kFactor},
    {"speed_seconds", &NoiseParameters::speed_seconds, kPeriod},
};
constexpr char kSpeedLevels[] = "speed_levels";
constexpr int kMostSpeedLevels = 16;

void check(ObjectReader& object, const char* name, Range range, double value) {
  if (value >= range.low && value <= range.high) return;
  object.fail(name,
              "a number from " + format_number(range.low, 6) + " to " +
                  format_number(range.high, 6),
              format_number(value, 6));
}

// Left as it is where the member is absent.
void read_number(ObjectReader& object, const char* name, Range range, double& value) {
  value = object.optional_non_negative(name).value_or(value);
  check(object, name, range, value);
}

std::vector<Arithmetic> read_arithmetic(ObjectReader& parent) {
  std::vector<Arithmetic> all;
  for (ObjectReader& object : parent.objects("arithmetic", false)) {
    Arithmetic one;
    const std::string dtype = object.text("dtype");
    if (const auto known = parse_dtype(dtype))
      one.dtype = *known;
    else
      object.fail("dtype", "f32, tf32, bf16, f16, fp8 or int8", dtype);
    one.said_flops = object.positive("said_flops");
    check(object, "said_flops", kRate, one.said_flops);
    read_number(object, "cycles_per_row", {1e-3, 1e6}, one.cycles_per_row);
    object.refuse_unknown_members();
    for (const Arithmetic& other : all)
      if (other.dtype == one.dtype) object.fail("dtype", "each data type once", dtype);
    all.push_back(one);
  }
  return all;
}

void read_noise(ObjectReader& parent, JsonErrors& errors, NoiseParameters& noise) {
  const nlohmann::json* const json = parent.member("noise", false);
  if (json == nullptr) return;
  ObjectReader object(*json, parent.path() + ".noise", errors);
  for (const NoiseMember& member : kNoise)
    read_number(object, member.name, member.range, noise.*member.value);
  noise.speed_levels =
      static_cast<int>(object.integer(kSpeedLevels, 1, kMostSpeedLevels, noise.speed_levels));
  object.refuse_unknown_members();
}

std::string names_of_accelerators() {
  std::string names;
  for (const Accelerator& device : accelerators())
    names += (names.empty() ? "" : ", ") + device.name;
  return names;
}

// The device that everything left out is like.
Accelerator read_like(ObjectReader& object) {
  const std::string like = object.text("like");
  if (const Accelerator* known = find_accelerator(like)) return *known;
  object.fail("like", "one of " + names_of_accelerators(), "\"" + like + "\"");
  return accelerators().front();
}

bool is_plain_name(const std::string& name) {
  constexpr std::size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string::npos;
}

}  // namespace

Result<Accelerator> parse_accelerator(std::string_view json, std::string_view file_name) {
  BT_TRY(document, parse_json(json, file_name));
  JsonErrors errors(file_name);
  ObjectReader object(document, "$", errors);
  object.integer("schema_version", kSchemaVersion, kSchemaVersion);
  const std::string name = object.text("name");
  if (!is_plain_name(name))
    object.fail("name", "1 to 64 letters, digits, dots, dashes or underscores", "\"" + name + "\"");
  Accelerator device = read_like(object);
  device.name = name;
  device.description = object.text("description", device.description);
  if (std::vector<Arithmetic> own = read_arithmetic(object); !own.empty())
    device.arithmetic = std::move(own);
  for (const NumberMember& member : kNumbers)
    read_number(object, member.name, member.range, device.*member.value);
  for (const CountMember& member : kCounts)
    device.*member.value = object.integer(member.name, 1, member.most, device.*member.value);
  read_noise(object, errors, device.noise);
  object.refuse_unknown_members();
  if (errors.first()) return tl::unexpected(*errors.first());
  return device;
}

Result<Accelerator> read_accelerator_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    return bad_input("a description of an accelerator", "no file that can be read", path);
  if (text.str().size() > kMaxFileBytes)
    return bad_input("a file of at most " + format_bytes(static_cast<double>(kMaxFileBytes)),
                     format_bytes(static_cast<double>(text.str().size())), path);
  return parse_accelerator(text.str(), path);
}

std::string write_accelerator(const Accelerator& device) {
  Json json{{"schema_version", kSchemaVersion},
            {"name", device.name},
            {"like", accelerators().front().name},
            {"description", device.description},
            {"arithmetic", Json::array()}};
  for (const Arithmetic& one : device.arithmetic)
    json["arithmetic"].push_back({{"dtype", name_of(one.dtype)},
                                  {"said_flops", one.said_flops},
                                  {"cycles_per_row", one.cycles_per_row}});
  for (const NumberMember& member : kNumbers) json[member.name] = device.*member.value;
  for (const CountMember& member : kCounts) json[member.name] = device.*member.value;
  for (const NoiseMember& member : kNoise) json["noise"][member.name] = device.noise.*member.value;
  json["noise"][kSpeedLevels] = device.noise.speed_levels;
  return json.dump(1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace batchtune::simulated
