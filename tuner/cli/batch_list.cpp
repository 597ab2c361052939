// The grammar of --batches.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>

#include "tuner/cli/options.h"
#include "tuner/estimate/figures.h"

namespace batchtune {
namespace {

// Each batch is a program to prepare; a longer list is a slip of the pen ("1:1000000").
constexpr std::size_t kLongestList = 4096;
constexpr char kGrammar[] = "batches as 1,8,32 or 1:64 or 1:64:x2 or 8:64:8";

Result<std::int64_t> parse_batch(std::string_view text, const std::string& where) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = end == text.data() + text.size();
  if (is_number && (code == std::errc::result_out_of_range || value > kLargestBatch))
    return bad_input(fmt::format("a batch size of at most {}", kLargestBatch), std::string(text),
                     where);
  if (code != std::errc{} || !is_number)
    return bad_input(kGrammar, "'" + std::string(text) + "'", where);
  if (value < 1) return bad_input("a batch size of at least 1", std::string(text), where);
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

struct ListStep {
  bool multiply = false;
  std::int64_t by = 1;
};

Result<ListStep> parse_step(std::string_view text, const std::string& where) {
  ListStep step{.multiply = text.starts_with('x')};
  BT_TRY(by, parse_batch(step.multiply ? text.substr(1) : text, where));
  if (step.multiply && by < 2) return bad_input("a factor of at least 2", std::string(text), where);
  step.by = by;
  return step;
}

Status append_range(const std::vector<std::string_view>& parts, const std::string& where,
                    std::vector<std::int64_t>& batches) {
  BT_TRY(first, parse_batch(parts[0], where));
  BT_TRY(last, parse_batch(parts[1], where));
  ListStep step;
  if (parts.size() == 3) {
    BT_TRY(parsed, parse_step(parts[2], where));
    step = parsed;
  }
  if (last < first)
    return bad_input("a range that goes up", fmt::format("{}:{}", first, last), where);
  for (std::int64_t batch = first;;) {
    if (batches.size() >= kLongestList)
      return bad_input(fmt::format("at most {} batches", kLongestList), "more", where,
                       "Give a step, for example 1:1024:x2");
    batches.push_back(batch);
    if (step.multiply ? batch > last / step.by : batch > last - step.by) return {};
    batch = step.multiply ? batch * step.by : batch + step.by;
  }
}

}  // namespace

Result<std::vector<std::int64_t>> parse_batches(const std::string& text, const std::string& option) {
  std::vector<std::int64_t> batches;
  int element = 0;
  for (const std::string_view item : split(text, ',')) {
    const std::string where = fmt::format("{}, element {}", option, ++element);
    const auto parts = split(item, ':');
    if (parts.size() > 3) return bad_input(kGrammar, "'" + std::string(item) + "'", where);
    if (parts.size() == 1) {
      BT_TRY(batch, parse_batch(parts[0], where));
      batches.push_back(batch);
    } else {
      BT_TRY_VOID(append_range(parts, where, batches));
    }
  }
  if (batches.size() > kLongestList)
    return bad_input(fmt::format("at most {} batches", kLongestList),
                     fmt::to_string(batches.size()), option);
  std::sort(batches.begin(), batches.end());
  batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
  return batches;
}

}  // namespace batchtune
