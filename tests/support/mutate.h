// Small damage to a text file, for replaying broken inputs through fuzz targets.
#pragma once

#include <cstddef>
#include <random>
#include <string>

namespace batchtune::test {

// One small change: a byte, a number made huge or negative, a piece taken out or doubled.
inline std::string mutate(std::string text, std::mt19937& random) {
  const auto pick = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  const std::size_t at = pick(text.size());
  switch (pick(4)) {
    case 0:
      text[at] = static_cast<char>(pick(256));
      break;
    case 1: {
      const std::size_t digit = text.find_first_of("0123456789", at);
      const char* const numbers[] = {
          "-1",        "0", "4294967296", "9223372036854775807", "1e400", "18446744073709551615",
          "2147483647"};
      if (digit != std::string::npos) text.replace(digit, 1, numbers[pick(7)]);
      break;
    }
    case 2:
      text.erase(at, pick(30));
      break;
    default:
      text.insert(at, text.substr(pick(text.size()), pick(60)));
      break;
  }
  return text;
}

}  // namespace batchtune::test
