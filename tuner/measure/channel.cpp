#include "tuner/measure/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace batchtune {
namespace {

constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kReadBytes = 64 * 1024;  // a pipe's usual capacity
constexpr Seconds kLongestPoll = 3600;         // keeps the milliseconds in an int

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

Deadline deadline_in(std::optional<Seconds> timeout) {
  if (!timeout) return std::nullopt;
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             std::chrono::duration<double>(std::min(*timeout, 1e9)));
}

ChannelEnd closed(std::string detail) {
  return {ChannelEnd::Kind::closed, std::move(detail)};
}

// Waits until `fd` is ready for `events` (or has an error, which the next read or write tells).
ChannelResult<void> wait_until_ready(int fd, short events, const Deadline& deadline) {
  for (;;) {
    int milliseconds = -1;
    if (deadline) {
      const std::chrono::duration<double> left = *deadline - std::chrono::steady_clock::now();
      if (left.count() <= 0) return tl::unexpected(ChannelEnd{ChannelEnd::Kind::timed_out, ""});
      milliseconds = static_cast<int>(std::ceil(std::min(left.count(), kLongestPoll) * 1000));
    }
    pollfd entry{fd, events, 0};
    const int ready = poll(&entry, 1, milliseconds);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return tl::unexpected(closed(std::strerror(errno)));
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
  const Deadline deadline = deadline_in(timeout);
  std::array<char, kReadBytes> bytes;
  for (;;) {
    auto payload = received_.take();
    if (!payload) return tl::unexpected(payload.error());
    if (*payload) return std::move(**payload);
    if (auto ready = wait_until_ready(in_fd_, POLLIN, deadline); !ready)
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
  const Deadline deadline = deadline_in(timeout);
  const std::string bytes = frame(payload);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t count = write_some(out_fd_, rest);
    if (count >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      if (auto ready = wait_until_ready(out_fd_, POLLOUT, deadline); !ready)
        return tl::unexpected(ready.error());
    } else if (errno != EINTR) {
      return tl::unexpected(closed(std::strerror(errno)));
    }
  }
  return {};
}

}  // namespace batchtune
