#include "tuner/core/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace batchtune {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double kKi = 1024, kMi = kKi * kKi, kGi = kMi * kKi, kTi = kGi * kKi;
constexpr Unit kByteUnits[] = {{"B", 1},    {"KiB", kKi}, {"MiB", kMi}, {"GiB", kGi}, {"TiB", kTi},
                               {"kB", 1e3}, {"KB", 1e3},  {"MB", 1e6},  {"GB", 1e9},  {"TB", 1e12}};
constexpr Unit kTimeUnits[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3},
                               {"s", 1},     {"m", 60},    {"h", 3600}};
constexpr Unit kCountUnits[] = {{"", 1},    {"k", 1e3},  {"K", 1e3}, {"M", 1e6},
                                {"G", 1e9}, {"T", 1e12}, {"P", 1e15}};

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

// A non-negative finite number with one of `units` behind it, blanks between them allowed.
Result<double> parse_with_unit(std::string_view text, std::span<const Unit> units,
                               const std::string& wanted, std::string_view where) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number) || number < 0)
    return bad_input(wanted, quoted(text), std::string(where));
  std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit& known : units)
    if (known.name == unit) return number * known.factor;
  return bad_input(wanted, quoted(text), std::string(where));
}

struct Scaled {
  double value;
  std::string_view prefix;
};

Scaled scale(double value, double step, std::span<const std::string_view> prefixes) {
  std::size_t i = 0;
  // 999.5 would be printed as 1000 with three digits, so it takes the next prefix.
  while (i + 1 < prefixes.size() && std::abs(value) >= step * 0.9995) {
    value /= step;
    ++i;
  }
  return {value, prefixes[i]};
}

constexpr std::string_view kDecimalPrefixes[] = {"", "k", "M", "G", "T", "P", "E"};
constexpr std::string_view kBinaryUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

}  // namespace

Result<Bytes> parse_bytes(std::string_view text, std::string_view where) {
  BT_TRY(bytes,
         parse_with_unit(text, kByteUnits, "a size with its unit, such as 2GiB or 512MB", where));
  if (bytes >= 9.2e18) return bad_input("a size below 8 EiB", quoted(text), std::string(where));
  return static_cast<Bytes>(bytes);
}

Result<Seconds> parse_seconds(std::string_view text, std::string_view where) {
  return parse_with_unit(text, kTimeUnits, "a time with its unit, such as 20ms or 60s", where);
}

Result<double> parse_count(std::string_view text, std::string_view where) {
  return parse_with_unit(text, kCountUnits, "a number, such as 302M or 77.3G", where);
}

Result<double> parse_rate(std::string_view text, std::string_view where) {
  const std::string wanted = "a rate with its unit, such as 50GB/s or 410GiB/s";
  if (text.size() < 2 || text.substr(text.size() - 2) != "/s")
    return bad_input(wanted, quoted(text), std::string(where));
  auto bytes = parse_with_unit(text.substr(0, text.size() - 2), kByteUnits, wanted, where);
  if (!bytes) bytes.error().found = quoted(text);
  return bytes;
}

Result<double> parse_fraction(std::string_view text, std::string_view where) {
  constexpr Unit units[] = {{"", 1}, {"%", 0.01}};
  const std::string wanted = "a share between 0 and 1, such as 2% or 0.02";
  BT_TRY(fraction, parse_with_unit(text, units, wanted, where));
  if (fraction > 1) return bad_input(wanted, quoted(text), std::string(where));
  return fraction;
}

std::string format_number(double value, int significant_digits) {
  if (!std::isfinite(value)) return "?";
  if (value == 0) return "0";
  char buffer[400];
  // The exponent after rounding decides how many decimals are left: 0.99999 has none of 0.999's
  // three.
  std::snprintf(buffer, sizeof buffer, "%.*e", significant_digits - 1, value);
  const int magnitude = std::atoi(std::strchr(buffer, 'e') + 1);
  std::snprintf(buffer, sizeof buffer, "%.*f", std::max(0, significant_digits - 1 - magnitude),
                value);
  return buffer;
}

std::string format_bytes(double bytes) {
  const auto [value, unit] = scale(bytes, kKi, kBinaryUnits);
  return format_number(value, 3) + " " + std::string(unit);
}

std::string format_seconds(Seconds seconds) {
  const double size = std::abs(seconds);
  if (size == 0) return "0 s";
  if (size < 0.9995e-6) return format_number(seconds * 1e9, 3) + " ns";
  if (size < 0.9995e-3) return format_number(seconds * 1e6, 3) + " us";
  if (size < 0.9995) return format_number(seconds * 1e3, 3) + " ms";
  return format_number(seconds, 3) + " s";
}

std::string format_count(double count) {
  const auto [value, prefix] = scale(count, 1000, kDecimalPrefixes);
  return format_number(value, 3) + (prefix.empty() ? "" : " " + std::string(prefix));
}

std::string format_rate(double bytes_per_second) {
  const auto [value, prefix] = scale(bytes_per_second, 1000, kDecimalPrefixes);
  return format_number(value, 3) + " " + std::string(prefix) + "B/s";
}

std::string format_percent(double share) {
  return std::isfinite(share) ? format_number(100 * share, 2) + " %" : "?";
}

}  // namespace batchtune
