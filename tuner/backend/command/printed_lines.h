// What a program printed on one of its streams, as far as an ending needs it: the last lines, and
// the line that says most of how it ended. Bounded, whatever is printed.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/backend/command/rules.h"

namespace batchtune::command {

class PrintedLines {
 public:
  explicit PrintedLines(const std::vector<Rule>& rules) : rules_(&rules), rule_(rules.size()) {}

  void add(std::string_view bytes);
  void finish();  // the last line may have no end

  const std::deque<std::string>& last() const { return last_; }  // not empty ones; made_printable()
  // The line that the first of the rules applies to, the latest of several; "" without one.
  const std::string& telling_line() const { return telling_; }
  std::size_t rule() const { return rule_; }  // its place; rules.size() without one

 private:
  void take_line();

  const std::vector<Rule>* rules_;
  std::string line_;  // unfinished; what is too much of it is dropped
  std::deque<std::string> last_;
  std::string telling_;
  std::size_t rule_;
};

// One line for a report: UTF-8 without control characters, bytes that are none as "?", cut to some
// 300 bytes. Blanks at both ends are dropped.
std::string made_printable(std::string_view line);

}  // namespace batchtune::command
