#include "tuner/workload/digest.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "tuner/core/hash.h"

namespace batchtune {
namespace {

constexpr std::size_t kLanes = 4;  // independent multiplications, so that none waits for the last
constexpr std::size_t kPieceBytes = 4U << 20;    // of a file at a time
constexpr std::uint64_t kPrime = 1099511628211;  // FNV's

// FNV-1a over words instead of bytes, in lanes.
std::uint64_t hash_words(std::string_view bytes) {
  std::uint64_t lanes[kLanes] = {1, 2, 3, 4};
  constexpr std::size_t kStep = kLanes * sizeof(std::uint64_t);
  std::size_t at = 0;
  for (; at + kStep <= bytes.size(); at += kStep) {
    std::uint64_t words[kLanes];
    std::memcpy(words, bytes.data() + at, kStep);
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i] = (lanes[i] ^ words[i]) * kPrime;
      lanes[i] ^= lanes[i] >> 29;  // FNV alone carries nothing from a word's high bits down
    }
  }
  std::string rest(reinterpret_cast<const char*>(lanes), sizeof(lanes));
  rest.append(bytes.substr(at));
  return fnv1a(rest);
}

}  // namespace

void Digest::add(std::string_view bytes) {
  const std::uint64_t words[] = {state_, hash_words(bytes), bytes.size()};
  state_ = fnv1a({reinterpret_cast<const char*>(words), sizeof(words)});
}

Status Digest::add_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(kPieceBytes);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    if (file.gcount() > 0) add({piece.data(), static_cast<std::size_t>(file.gcount())});
  }
  if (!file.eof()) return bad_input("a readable file", std::strerror(errno), path);
  return {};
}

std::string Digest::text() const {
  return hex64(state_);
}

}  // namespace batchtune
