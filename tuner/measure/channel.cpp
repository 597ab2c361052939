#include "tuner/measure/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tuner/core/stopwatch.h"

namespace batchtune {
namespace {

constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kReadBytes = 64 * 1024;  // a pipe's usual capacity
// Of patience, waited for at once. Time in which this process did not run (a paused container, a
// debugger) counts as one slice at most: the other side stood still as well, and is not late.
constexpr Seconds kSlice = 2;

ChannelEnd closed(std::string detail) {
  return {ChannelEnd::Kind::closed, std::move(detail)};
}

// Waits until `fd` is ready for `events` (or has an error, which the next read or write tells) and
// takes what it waited from `patience`. What is there already is never late.
ChannelResult<void> wait_until_ready(int fd, short events, std::optional<Seconds>& patience) {
  for (;;) {
    const Seconds slice = patience ? std::clamp(*patience, 0.0, kSlice) : 0;
    const int milliseconds = patience ? static_cast<int>(std::ceil(slice * 1000)) : -1;
    const Stopwatch stopwatch;
    pollfd entry{fd, events, 0};
    const int ready = poll(&entry, 1, milliseconds);
    if (ready < 0 && errno != EINTR) return tl::unexpected(closed(std::strerror(errno)));
    if (patience) *patience -= std::min(stopwatch.seconds(), slice);
    if (ready > 0) return {};
    if (ready == 0 && *patience <= 0)
      return tl::unexpected(ChannelEnd{ChannelEnd::Kind::timed_out, ""});
  }
}

ssize_t write_some(int fd, std::string_view bytes) {
  const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  return ::write(fd, bytes.data(), bytes.size());
}

}  // namespace

ChannelResult<std::optional<std::string>> FrameBuffer::take() {
  if (bytes_.size() < kHeaderBytes) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 0; i < kHeaderBytes; ++i)
    length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
  if (length > kLargestFrame)
    return tl::unexpected(
        ChannelEnd{ChannelEnd::Kind::malformed, "a frame of " + std::to_string(length) + " bytes"});
  if (bytes_.size() < kHeaderBytes + length) return std::nullopt;
  std::string payload = bytes_.substr(kHeaderBytes, length);
  bytes_.erase(0, kHeaderBytes + length);
  return payload;
}

std::string frame(std::string_view payload) {
  std::string bytes;
  bytes.reserve(kHeaderBytes + payload.size());
  for (std::size_t i = 0; i < kHeaderBytes; ++i)
    bytes.push_back(static_cast<char>((payload.size() >> (8 * i)) & 0xFF));
  bytes.append(payload);
  return bytes;
}

ChannelResult<std::string> Channel::receive(std::optional<Seconds> timeout) {
  std::array<char, kReadBytes> bytes;
  for (;;) {
    auto payload = received_.take();
    if (!payload) return tl::unexpected(payload.error());
    if (*payload) return std::move(**payload);
    if (auto ready = wait_until_ready(in_fd_, POLLIN, timeout); !ready)
      return tl::unexpected(ready.error());
    const ssize_t count = ::read(in_fd_, bytes.data(), bytes.size());
    if (count > 0) {
      received_.append({bytes.data(), static_cast<std::size_t>(count)});
    } else if (count == 0) {
      return tl::unexpected(closed(received_.empty() ? "" : "in the middle of a frame"));
    } else if (errno != EINTR && errno != EAGAIN) {
      return tl::unexpected(closed(std::strerror(errno)));
    }
  }
}

ChannelResult<void> Channel::send(std::string_view payload, std::optional<Seconds> timeout) {
  if (payload.size() > kLargestFrame)
    return tl::unexpected(
        ChannelEnd{ChannelEnd::Kind::malformed, "a message above the largest frame"});
  const std::string bytes = frame(payload);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t count = write_some(out_fd_, rest);
    if (count >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      if (auto ready = wait_until_ready(out_fd_, POLLOUT, timeout); !ready)
        return tl::unexpected(ready.error());
    } else if (errno != EINTR) {
      return tl::unexpected(closed(std::strerror(errno)));
    }
  }
  return {};
}

}  // namespace batchtune
