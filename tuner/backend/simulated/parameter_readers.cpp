#include "tuner/backend/simulated/parameter_readers.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace batchtune::simulated {
namespace {

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

}  // namespace

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

Reader some_seconds(std::optional<Seconds>& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    Seconds read = 0;
    BT_TRY_VOID(seconds(read)(text, name));
    value = read;
    return {};
  };
}

Reader count(std::int64_t& value) {
  return [&value](std::string_view text, const std::string& name) {
    return read_whole(text, name, value);
  };
}

Reader count_to(int most, const char* unit, int& value) {
  return [=, &value](std::string_view text, const std::string& name) -> Status {
    std::int64_t read = 0;
    BT_TRY_VOID(read_whole(text, name, read));
    if (read > most)
      return bad_input("at most " + std::to_string(most) + " " + unit, std::string(text),
                       where_of(name));
    value = static_cast<int>(read);
    return {};
  };
}

Reader counts(std::vector<std::int64_t>& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    for (;;) {
      const std::string_view one = text.substr(0, text.find('+'));
      std::int64_t read = 0;
      BT_TRY_VOID(read_whole(one, name, read));
      value.push_back(read);
      if (one.size() == text.size()) return {};
      text.remove_prefix(one.size() + 1);
    }
  };
}

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

Reader slow_batch(Slow& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    const auto at = text.find('@');
    if (at == std::string_view::npos)
      return bad_input("BATCH@FACTOR (8@1.05)", "\"" + std::string(text) + "\"", where_of(name));
    BT_TRY_VOID(read_whole(text.substr(0, at), name, value.batch));
    return read_factor(text.substr(at + 1), name, value.factor);
  };
}

Reader words(std::string& value) {
  return [&value](std::string_view text, const std::string& name) -> Status {
    if (text.empty()) return bad_input("a value", "nothing", where_of(name));
    value = text;
    return {};
  };
}

}  // namespace batchtune::simulated
