// One line on a terminal that says what is going on; nothing where stderr is a pipe or a file.
#pragma once

#include <span>
#include <string>

#include "tuner/core/session.h"
#include "tuner/search/strategy.h"

namespace batchtune {

class ProgressLine {
 public:
  explicit ProgressLine(bool wanted);  // shown if wanted and stderr is a terminal
  ~ProgressLine();                     // leaves the line empty
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const std::string& text);  // replaces what is there
  void clear();
  bool active() const { return active_; }

 private:
  bool active_;
  std::string shown_;  // "" when the line is empty
};

int terminal_width(int descriptor);  // columns; 100 where there is no terminal

// What a session is doing, in one line of at most `width` characters.
std::string progress_text(const SessionHeader& header, const Ask& ask,
                          std::span<const Observation> observations, Seconds budget, int width);

}  // namespace batchtune
