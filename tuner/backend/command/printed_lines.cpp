#include "tuner/backend/command/printed_lines.h"

#include <algorithm>

namespace batchtune::command {
namespace {

constexpr std::size_t kLongestSearched = 16 * 1024;  // a line's begin; messages are far shorter
constexpr std::size_t kLongestShown = 300;           // of a line in a report
constexpr std::size_t kMostLines = 5;                // an error's last lines, not a whole trace
constexpr char kCut[] = "...";

bool continues(unsigned char byte) {
  return (byte & 0xC0U) == 0x80U;
}

// Bytes of the UTF-8 character at the begin of `text`; 0 where there is none. Overlong forms and
// surrogates are none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!continues(byte(i))) return 0;
  if (first == 0xE0 && byte(1) < 0xA0) return 0;
  if (first == 0xED && byte(1) >= 0xA0) return 0;
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) >= 0x90) return 0;
  return length;
}

}  // namespace

std::string made_printable(std::string_view line) {
  std::string result;
  while (!line.empty() && result.size() < kLongestShown) {
    const std::size_t length = character_length(line);
    const bool control = length == 1 && (line[0] < ' ' || line[0] == '\x7F');
    if (length == 0)
      result += '?';
    else if (control)
      result += ' ';
    else
      result += line.substr(0, length);
    line.remove_prefix(std::max<std::size_t>(1, length));
  }
  if (!line.empty()) result += kCut;
  const std::size_t begin = result.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  return result.substr(begin, result.find_last_not_of(' ') - begin + 1);
}

void PrintedLines::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    line_ += part.substr(0, kLongestSearched - std::min(kLongestSearched, line_.size()));
    if (end == std::string_view::npos) return;
    take_line();
    bytes.remove_prefix(end + 1);
  }
}

void PrintedLines::finish() {
  take_line();
}

void PrintedLines::take_line() {
  std::string printable = made_printable(line_);
  const std::size_t rule = find_rule(*rules_, line_);
  line_.clear();
  if (printable.empty()) return;
  if (rule < rules_->size() && rule <= rule_) {
    rule_ = rule;
    telling_ = printable;
  }
  last_.push_back(std::move(printable));
  if (last_.size() > kMostLines) last_.pop_front();
}

}  // namespace batchtune::command
