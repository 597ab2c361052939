// Frames: whatever arrives, in whatever pieces, is a frame or a typed end.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/measure/channel.h"

using namespace batchtune;

namespace {

struct SocketPair {
  SocketPair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0); }
  ~SocketPair() {
    for (const int end : ends)
      if (end >= 0) close(end);
  }
  void close_second() {
    close(ends[1]);
    ends[1] = -1;
  }
  int ends[2];
};

}  // namespace

TEST_CASE("frames come out whole however the bytes are cut", "[channel]") {
  const std::vector<std::string> payloads = {"", "a", std::string(300, 'x'),
                                             std::string("\0\1", 2)};
  std::string stream;
  for (const std::string& payload : payloads) stream += frame(payload);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    FrameBuffer buffer;
    std::vector<std::string> found;
    for (std::size_t i = 0; i < stream.size(); i += piece) {
      buffer.append(std::string_view(stream).substr(i, piece));
      for (;;) {
        auto next = buffer.take();
        REQUIRE(next);
        if (!*next) break;
        found.push_back(**next);
      }
    }
    CHECK(found == payloads);
    CHECK(buffer.empty());
  }
}

TEST_CASE("a length above the largest frame is malformed at once", "[channel]") {
  FrameBuffer buffer;
  buffer.append(std::string("\xFF\xFF\xFF\x7F", 4));
  const auto next = buffer.take();
  REQUIRE_FALSE(next);
  CHECK(next.error().kind == ChannelEnd::Kind::malformed);
  CHECK(next.error().detail.find("2147483647") != std::string::npos);
}

TEST_CASE("what is sent arrives, larger than a socket's buffer too", "[channel]") {
  SocketPair pair;
  Channel left(pair.ends[0], pair.ends[0]), right(pair.ends[1], pair.ends[1]);
  REQUIRE(left.send("hello", 1.0));
  CHECK(right.receive(1.0) == "hello");
  const auto full = left.send(std::string(8 << 20, 'x'), 0.05);  // nobody reads
  REQUIRE_FALSE(full);
  CHECK(full.error().kind == ChannelEnd::Kind::timed_out);
}

TEST_CASE("silence is a timeout, a gone peer is closed, half a frame says so", "[channel]") {
  SocketPair pair;
  Channel left(pair.ends[0], pair.ends[0]);
  const auto silent = left.receive(0.02);
  REQUIRE_FALSE(silent);
  CHECK(silent.error().kind == ChannelEnd::Kind::timed_out);

  const std::string half = frame("some payload").substr(0, 7);
  REQUIRE(write(pair.ends[1], half.data(), half.size()) == 7);
  pair.close_second();
  const auto gone = left.receive(1.0);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().kind == ChannelEnd::Kind::closed);
  CHECK(gone.error().detail == "in the middle of a frame");
  const auto unsent = left.send("x", 1.0);  // must not raise SIGPIPE
  REQUIRE_FALSE(unsent);
  CHECK(unsent.error().kind == ChannelEnd::Kind::closed);
}

TEST_CASE("an answer that waits is not late, however long the reader stood still", "[channel]") {
  SocketPair pair;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Channel reader(pair.ends[0], pair.ends[0]);
    _exit(reader.receive(0.3) == "in time" ? 0 : 1);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(child, SIGSTOP);
  int status = 0;
  REQUIRE(waitpid(child, &status, WUNTRACED) == child);
  REQUIRE(WIFSTOPPED(status));
  Channel writer(pair.ends[1], pair.ends[1]);
  REQUIRE(writer.send("in time", 1.0));
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  kill(child, SIGCONT);
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("time in which the reader stood still is hardly counted", "[channel]") {
  SocketPair pair;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Channel reader(pair.ends[0], pair.ends[0]);
    _exit(reader.receive(3.5) == "in time" ? 0 : 1);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(child, SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(3600));
  kill(child, SIGCONT);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Channel writer(pair.ends[1], pair.ends[1]);
  REQUIRE(writer.send("in time", 1.0));
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a pipe works like a socket", "[channel]") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  Channel channel(ends[0], ends[1]);
  REQUIRE(channel.send("through a pipe", 1.0));
  CHECK(channel.receive(1.0) == "through a pipe");
  close(ends[0]);
  close(ends[1]);
}
