#include "tuner/backend/simulated/parameters.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace batchtune::simulated {
namespace {

constexpr char kWhere[] = "simulated";
constexpr char kNames[] =
    "wall, rate, overhead, tile, hump, load, prepare, hang, crash, abort, exit, wrong";

Status read(std::string_view text, const std::string& name, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1)
    return bad_input(name + " = a whole number of at least 1", "\"" + std::string(text) + "\"",
                     kWhere);
  return {};
}

Status read(std::string_view text, const std::string& name, Trigger& trigger) {
  const auto at = text.find('@');
  BT_TRY_VOID(read(text.substr(0, at), name, trigger.batch));
  if (at == std::string_view::npos) return {};
  std::int64_t run = 1;
  BT_TRY_VOID(read(text.substr(at + 1), name + " (after @, the run)", run));
  trigger.run = static_cast<int>(run);
  return {};
}

Status read_seconds(std::string_view text, const std::string& name, Seconds& value) {
  const bool bare = text.find_first_not_of("0123456789.") == std::string_view::npos;
  const std::string with_unit = std::string(text) + (bare ? "s" : "");
  BT_TRY(seconds, parse_seconds(with_unit, std::string(kWhere) + ", " + name));
  value = seconds;
  return {};
}

Status set(Parameters& parameters, const std::string& name, std::string_view text) {
  const std::string where = std::string(kWhere) + ", " + name;
  if (name == "wall") {
    BT_TRY(wall, parse_bytes(text, where));
    parameters.wall = wall;
    return {};
  }
  if (name == "rate") {
    BT_TRY(rate, parse_count(text, where));
    if (rate <= 0) return bad_input("a rate above 0 FLOP/s", std::string(text), where);
    parameters.rate = rate;
    return {};
  }
  if (name == "overhead") return read_seconds(text, name, parameters.overhead);
  if (name == "load") return read_seconds(text, name, parameters.load);
  if (name == "prepare") return read_seconds(text, name, parameters.prepare);
  if (name == "tile") return read(text, name, parameters.tile);
  if (name == "hump") return read(text, name, parameters.hump);
  if (name == "hang") return read(text, name, parameters.hang);
  if (name == "crash") return read(text, name, parameters.crash);
  if (name == "abort") return read(text, name, parameters.abort);
  if (name == "exit") return read(text, name, parameters.exit);
  if (name == "wrong") return read(text, name, parameters.wrong);
  return bad_input(std::string("a parameter of the simulated device (") + kNames + ")",
                   "\"" + name + "\"", kWhere);
}

}  // namespace

Result<Parameters> parse_parameters(const std::string& text) {
  Parameters parameters;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const auto equals = item.find('=');
    if (equals == std::string_view::npos)
      return bad_input("NAME=VALUE separated by commas", "\"" + std::string(item) + "\"", kWhere);
    BT_TRY_VOID(set(parameters, std::string(item.substr(0, equals)), item.substr(equals + 1)));
  }
  return parameters;
}

}  // namespace batchtune::simulated
