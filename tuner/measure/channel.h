// Frames over a byte stream between parent and worker: four bytes of length, little-endian, then
// the payload. It knows nothing of what is in a frame. Whatever arrives, the answer is a frame or a
// typed end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "tuner/core/units.h"

namespace batchtune {

// A model file of 10^5 operations has some 30 MB; a length above this is garbage on the stream.
inline constexpr std::size_t kLargestFrame = std::size_t{64} << 20;

struct ChannelEnd {
  enum class Kind { closed, timed_out, malformed } kind = Kind::closed;
  std::string detail;
};
template <typename T>
using ChannelResult = tl::expected<T, ChannelEnd>;

// Puts frames together from bytes as they arrive.
class FrameBuffer {
 public:
  void append(std::string_view bytes) { bytes_.append(bytes); }
  // The next whole frame's payload; nullopt while it is incomplete; malformed when its length is
  // absurd.
  ChannelResult<std::optional<std::string>> take();
  bool empty() const { return bytes_.empty(); }

 private:
  std::string bytes_;
};

std::string frame(std::string_view payload);  // at most kLargestFrame long

// One end of the stream. Does not own its descriptors. A peer that is gone is `closed`, never
// SIGPIPE (where the descriptor is a socket).
class Channel {
 public:
  Channel(int in_fd, int out_fd) : in_fd_(in_fd), out_fd_(out_fd) {}

  // `timeout` is real time; nullopt waits for ever.
  ChannelResult<std::string> receive(std::optional<Seconds> timeout);
  ChannelResult<void> send(std::string_view payload, std::optional<Seconds> timeout);

 private:
  int in_fd_, out_fd_;
  FrameBuffer received_;
};

}  // namespace batchtune
