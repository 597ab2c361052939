#include "tuner/backend/command/latencies.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace batchtune::command {
namespace {

using Json = nlohmann::json;
using Latencies = tl::expected<std::vector<Seconds>, std::string>;

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr Unit kUnits[] = {
    {"", 1}, {"s", 1}, {"sec", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"\xC2\xB5s", 1e-6}, {"ns", 1e-9}};

tl::unexpected<std::string> refuse(std::string why) {
  return tl::unexpected<std::string>(std::move(why));
}

bool is_latency(double seconds) {
  return std::isfinite(seconds) && seconds > 0;
}

constexpr std::string_view kBlanks = " \t\r\f\v";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : kUnits)
    if (unit.name == name) return &unit;
  return nullptr;
}

// nullopt: not a number with a unit or without.
std::optional<double> parse_number_line(std::string_view line) {
  if (line.starts_with('+')) line.remove_prefix(1);
  double number = 0;
  const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (end == line.data()) return std::nullopt;
  const Unit* unit = find_unit(trimmed(line.substr(static_cast<std::size_t>(end - line.data()))));
  if (unit == nullptr) return std::nullopt;
  if (code != std::errc{}) return HUGE_VAL;  // out of range
  return number * unit->seconds;
}

// Of a document that --benchmark_format=json prints.
Latencies of_google_benchmark(const Json& document) {
  std::vector<Seconds> latencies;
  std::string first;
  for (const Json& run : document["benchmarks"]) {
    if (!run.is_object()) return refuse("a benchmark that is no object");
    const auto text_of = [&](const char* key) {
      const auto found = run.find(key);
      return found != run.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (run.contains("error_occurred") && run["error_occurred"] == true)
      return refuse("benchmark " + text_of("name") + ": " + text_of("error_message"));
    if (text_of("run_type") == "aggregate") continue;
    const std::string name = run.contains("run_name") ? text_of("run_name") : text_of("name");
    if (latencies.empty()) first = name;
    if (name != first)
      return refuse("two benchmarks, " + first + " and " + name +
                    ": choose one with --benchmark_filter");
    const auto time = run.find("real_time");
    const std::string unit_name = text_of("time_unit");
    const Unit* unit = find_unit(unit_name.empty() ? "ns" : unit_name);
    if (time == run.end() || !time->is_number() || unit == nullptr ||
        !is_latency(time->get<double>()))
      return refuse("benchmark " + name + " has no real_time above 0 in a known time_unit");
    latencies.push_back(time->get<double>() * unit->seconds);
  }
  return latencies;
}

// A document over many lines, from the first line that begins with "{" to the end.
std::optional<Json> google_benchmark_document(std::string_view output) {
  if (output.find("\"benchmarks\"") == std::string_view::npos) return std::nullopt;
  std::size_t begin = output.starts_with('{') ? 0 : output.find("\n{");
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = output.rfind('}');
  if (end == std::string_view::npos || end < begin) return std::nullopt;
  Json document = Json::parse(output.substr(begin, end - begin + 1), nullptr, false);
  if (!document.is_object() || !document.contains("benchmarks") ||
      !document["benchmarks"].is_array())
    return std::nullopt;
  return document;
}

Latencies of_line(std::string_view line) {
  if (line.starts_with('{')) {
    const Json object = Json::parse(line, nullptr, false);
    if (object.is_object()) return latencies_in(object);
    return std::vector<Seconds>{};  // a log
  }
  const std::optional<double> seconds = parse_number_line(line);
  if (!seconds) return std::vector<Seconds>{};
  if (!is_latency(*seconds)) return refuse("no time above 0");
  return std::vector<Seconds>{*seconds};
}

}  // namespace

Latencies latencies_in(const Json& object) {
  std::vector<Seconds> latencies;
  const auto add = [&](const Json& value) {
    const double seconds = value.is_number() ? value.get<double>() : 0.0;
    if (is_latency(seconds)) latencies.push_back(seconds);
    return is_latency(seconds);
  };
  if (const auto one = object.find("latency"); one != object.end() && !add(*one))
    return refuse("\"latency\" is no number of seconds above 0");
  const auto list = object.find("latencies");
  if (list == object.end()) return latencies;
  if (!list->is_array()) return refuse("\"latencies\" is no list");
  for (const Json& value : *list)
    if (!add(value)) return refuse("an element of \"latencies\" is no number of seconds above 0");
  return latencies;
}

Latencies parse_latencies(std::string_view output) {
  if (const auto document = google_benchmark_document(output))
    return of_google_benchmark(*document);
  std::vector<Seconds> latencies;
  for (int number = 1; !output.empty(); ++number) {
    const std::string_view line = output.substr(0, output.find('\n'));
    output.remove_prefix(std::min(output.size(), line.size() + 1));
    const Latencies some = of_line(trimmed(line));
    if (!some) return refuse("line " + std::to_string(number) + ": " + some.error());
    latencies.insert(latencies.end(), some->begin(), some->end());
  }
  return latencies;
}

}  // namespace batchtune::command
