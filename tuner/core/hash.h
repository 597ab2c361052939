// FNV-1a, 64 bit: names content (a model's graph, instruction bytes). Not for security.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace batchtune {

std::uint64_t fnv1a(std::string_view bytes);
std::string hex64(std::uint64_t value);  // 16 hex digits

}  // namespace batchtune
