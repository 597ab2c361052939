#include "tuner/backend/command/options.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "tuner/backend/runtime/parameters.h"

namespace batchtune::command {
namespace {

constexpr char kWhere[] = "command";
constexpr std::array<std::string_view, 7> kParameters{"command", "setup", "cleanup", "time",
                                                      "runs",    "rules", "env"};
constexpr int kMostRuns = 1'000'000;  // of one process
constexpr char kHexDigits[] = "0123456789ABCDEF";

bool must_be_escaped(char c) {
  return c == ',' || c == '%' || static_cast<unsigned char>(c) < ' ';
}

// Of two upper-case hexadecimal digits that stand for a character which escape() escapes; else -1.
int escaped_character(std::string_view digits) {
  int code = 0;
  for (const char digit : digits) {
    const std::size_t value = std::string_view(kHexDigits).find(digit);
    if (value == std::string_view::npos) return -1;
    code = code * 16 + static_cast<int>(value);
  }
  const bool sound = digits.size() == 2 && code < 128 && must_be_escaped(static_cast<char>(code));
  return sound ? code : -1;
}

Result<Timing> parse_timing(const std::string& text) {
  for (const Timing timing : {Timing::printed, Timing::process, Timing::server})
    if (name_of(timing) == text) return timing;
  return bad_input("printed, process or server", "\"" + text + "\"", "command, time");
}

Result<int> parse_runs(const std::string& text) {
  int runs = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), runs);
  if (code != std::errc{} || end != text.data() + text.size() || runs < 1 || runs > kMostRuns)
    return bad_input("a number of runs from 1 to " + std::to_string(kMostRuns), "\"" + text + "\"",
                     "command, runs");
  return runs;
}

bool is_name(std::string_view text) {
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

// Entries are separated by line ends.
Result<std::vector<std::string>> parse_environment(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos || !is_name(entry.substr(0, equals)))
      return bad_input("NAME=VALUE", "\"" + std::string(entry) + "\"", "command, env");
    entries.emplace_back(entry);
  }
  return entries;
}

}  // namespace

std::string_view name_of(Timing timing) {
  switch (timing) {
    case Timing::printed:
      return "printed";
    case Timing::process:
      return "process";
    case Timing::server:
      return "server";
  }
  return "?";
}

Result<CommandSettings> parse_settings(const std::string& parameters) {
  CommandSettings settings;
  BT_TRY(given, runtime::parse_parameters(parameters, kParameters, kWhere));
  for (const auto& [name, escaped] : given) {
    const std::string text = unescape(escaped);
    if (name == "command") settings.command = text;
    if (name == "setup") settings.setup = text;
    if (name == "cleanup") settings.cleanup = text;
    if (name == "rules") settings.rules = text;
    if (name == "time") {
      BT_TRY(timing, parse_timing(text));
      settings.timing = timing;
    } else if (name == "runs") {
      BT_TRY(runs, parse_runs(text));
      settings.runs = runs;
    } else if (name == "env") {
      BT_TRY(environment, parse_environment(text));
      settings.environment = std::move(environment);
    }
  }
  if (settings.command.empty())
    return bad_input("a command", "none", kWhere,
                     "Give --command './bench.py --batch {batch}' with --backend command");
  if (given.contains("runs") && settings.timing != Timing::process)
    return bad_input("runs with time=process", "time=" + std::string(name_of(settings.timing)),
                     "command, runs", "A program that prints latencies is told {n}");
  return settings;
}

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (!must_be_escaped(c)) {
      escaped += c;
      continue;
    }
    const auto code = static_cast<unsigned char>(c);
    escaped += '%';
    escaped += kHexDigits[code / 16];
    escaped += kHexDigits[code % 16];
  }
  return escaped;
}

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int code = text[i] == '%' ? escaped_character(text.substr(i + 1, 2)) : -1;
    plain += code < 0 ? text[i] : static_cast<char>(code);
    if (code >= 0) i += 2;
  }
  return plain;
}

}  // namespace batchtune::command
