#include "tuner/cli/timestamp.h"

#include <fmt/format.h>

#include <cstdint>
#include <ctime>
#include <random>

namespace batchtune {

std::string utc_text(std::time_t moment) {
  std::tm utc{};
  gmtime_r(&moment, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string utc_now() {
  return utc_text(std::time(nullptr));
}

std::optional<std::time_t> parse_utc(const std::string& text) {
  std::tm utc{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&utc);
}

std::string random_uuid() {
  std::random_device source;
  const auto word = [&] { return static_cast<std::uint64_t>(source()) << 32 | source(); };
  const std::uint64_t high = (word() & ~0xf000ULL) | 0x4000ULL;       // version 4
  const std::uint64_t low = (word() & ~(3ULL << 62)) | (2ULL << 62);  // variant 1
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffffffffffffULL);
}

}  // namespace batchtune
