// One line of CSV after RFC 4180, with a line feed. An absent or not finite figure is empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tuner/core/value.h"

namespace batchtune::csv {

class Row {
 public:
  void text(std::string_view content);  // quoted where it must be
  void number(const std::optional<double>& value);
  void integer(std::int64_t value);
  void flag(bool value);
  void value(const Value& value);
  std::string line() const { return line_ + "\n"; }

 private:
  std::string line_;
  bool first_ = true;
};

}  // namespace batchtune::csv
