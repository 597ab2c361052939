#include "tuner/backend/simulated/parameters.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

namespace batchtune::simulated {
namespace {

constexpr char kWhere[] = "simulated";
constexpr std::int64_t kMostSpeedLevels = 16;  // the slowest is then 3.2 times as slow

// Puts a parameter's text where it belongs.
using Reader = std::function<Status(std::string_view text, const std::string& name)>;

std::string where_of(const std::string& name) {
  return std::string(kWhere) + ", " + name;
}

Status read_whole(std::string_view text, const std::string& name, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1)
    return bad_input(name + " = a whole number of at least 1", "\"" + std::string(text) + "\"",
                     kWhere);
  return {};
}

Status read_factor(std::string_view text, const std::string& name, double& value) {
  BT_TRY(factor, parse_count(text, where_of(name)));
  if (factor < 1)
    return bad_input("a factor of at least 1", "\"" + std::string(text) + "\"", where_of(name));
  value = factor;
  return {};
}

Reader bytes(Bytes& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    BT_TRY(read, parse_bytes(text, where_of(name)));
    value = read;
    return {};
  };
}

Reader rate(double& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    BT_TRY(read, parse_count(text, where_of(name)));
    if (read <= 0) return bad_input("a rate above 0 FLOP/s", std::string(text), where_of(name));
    value = read;
    return {};
  };
}

Reader seconds(Seconds& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    const bool bare = text.find_first_not_of("0123456789.") == std::string_view::npos;
    const std::string with_unit = std::string(text) + (bare ? "s" : "");
    BT_TRY(read, parse_seconds(with_unit, where_of(name)));
    value = read;
    return {};
  };
}

// A mean of durations, or a time in which something is forgotten.
Reader duration(Seconds& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    BT_TRY_VOID(seconds(value)(text, name));
    if (value <= 0) return bad_input("a time above 0", std::string(text), where_of(name));
    return {};
  };
}

Reader count(std::int64_t& value) {
  return [&value](std::string_view text, const std::string& name) {
    return read_whole(text, name, value);
  };
}

Reader levels(int& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    std::int64_t read = 0;
    BT_TRY_VOID(read_whole(text, name, read));
    if (read > kMostSpeedLevels)
      return bad_input("at most " + std::to_string(kMostSpeedLevels) + " levels", std::string(text),
                       where_of(name));
    value = static_cast<int>(read);
    return {};
  };
}

// 1% or 0.01; 0 to 1.
Reader fraction(double& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    BT_TRY(read, parse_fraction(text, where_of(name)));
    value = read;
    return {};
  };
}

Reader factor(double& value) {
  return [&value](std::string_view text, const std::string& name) {
    return read_factor(text, name, value);
  };
}

// BATCH or BATCH@RUN.
Reader trigger(Trigger& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    const auto at = text.find('@');
    BT_TRY_VOID(read_whole(text.substr(0, at), name, value.batch));
    if (at == std::string_view::npos) return {};
    std::int64_t run = 1;
    BT_TRY_VOID(read_whole(text.substr(at + 1), name + " (after @, the run)", run));
    if (run > std::numeric_limits<int>::max())
      return bad_input("a run of at most " + std::to_string(std::numeric_limits<int>::max()),
                       std::string(text), where_of(name));
    value.run = static_cast<int>(run);
    return {};
  };
}

// BATCH@FACTOR.
Reader slow_batch(Slow& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    const auto at = text.find('@');
    if (at == std::string_view::npos)
      return bad_input("BATCH@FACTOR (8@1.05)", "\"" + std::string(text) + "\"", where_of(name));
    BT_TRY_VOID(read_whole(text.substr(0, at), name, value.batch));
    return read_factor(text.substr(at + 1), name, value.factor);
  };
}

struct Row {
  const char* name;
  Reader read;
};

std::vector<Row> rows_of(Parameters& p) {
  return {{"wall", bytes(p.wall)},
          {"rate", rate(p.rate)},
          {"overhead", seconds(p.overhead)},
          {"tile", count(p.tile)},
          {"hump", count(p.hump)},
          {"uneven", fraction(p.uneven)},
          {"slow", slow_batch(p.slow)},
          {"load", seconds(p.load)},
          {"prepare", seconds(p.prepare)},
          {"hang", trigger(p.hang)},
          {"crash", trigger(p.crash)},
          {"abort", trigger(p.abort)},
          {"exit", trigger(p.exit)},
          {"wrong", trigger(p.wrong)},
          {"jitter", fraction(p.noise.jitter)},
          {"wander", fraction(p.noise.wander)},
          {"wander_seconds", duration(p.noise.wander_seconds)},
          {"neighbour", fraction(p.noise.neighbour)},
          {"neighbour_seconds", duration(p.noise.neighbour_seconds)},
          {"neighbour_factor", factor(p.noise.neighbour_factor)},
          {"drift", fraction(p.noise.drift)},
          {"spikes", fraction(p.noise.spikes)},
          {"spike_factor", factor(p.noise.spike_factor)},
          {"speed_levels", levels(p.noise.speed_levels)},
          {"speed_seconds", duration(p.noise.speed_seconds)}};
}

Status set(const std::vector<Row>& rows, const std::string& name, std::string_view text) {
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  if (row != rows.end()) return row->read(text, name);
  std::string names;
  for (const Row& known : rows) names += (names.empty() ? "" : ", ") + std::string(known.name);
  return bad_input("a parameter of the simulated device (" + names + ")", "\"" + name + "\"",
                   kWhere);
}

}  // namespace

Result<Parameters> parse_parameters(const std::string& text) {
  Parameters parameters;
  const std::vector<Row> rows = rows_of(parameters);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const auto equals = item.find('=');
    if (equals == std::string_view::npos)
      return bad_input("NAME=VALUE separated by commas", "\"" + std::string(item) + "\"", kWhere);
    BT_TRY_VOID(set(rows, std::string(item.substr(0, equals)), item.substr(equals + 1)));
  }
  return parameters;
}

}  // namespace batchtune::simulated
