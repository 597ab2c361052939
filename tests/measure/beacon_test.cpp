// The page that a worker shares with its parent: it outlives the worker, and whatever is found in
// it is a valid state.
#include "tuner/measure/beacon.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <utility>

#include "tests/support/catch.h"

using namespace batchtune;

TEST_CASE("a beacon tells what a killed process had in hand", "[beacon]") {
  const auto beacon = Beacon::create();
  REQUIRE(beacon);
  CHECK(beacon->read().phase == Phase::starting);
  CHECK(beacon->read().beats == 0);
  const pid_t child = fork();
  if (child == 0) {
    Beacon own = Beacon::attach(beacon->fd());
    own.set(Phase::preparing, 3, 8);
    own.beat();
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  const BeaconState last = beacon->read();
  CHECK(last.phase == Phase::preparing);
  CHECK(last.program == 3);
  CHECK(last.batch == 8);
  CHECK(last.beats == 2);
}

TEST_CASE("a beacon without a page of its parent works over its own", "[beacon]") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const int empty = memfd_create("empty", MFD_CLOEXEC);  // reading from it would be SIGBUS
  for (const int fd : {-1, 999, ends[0], empty}) {
    Beacon beacon = Beacon::attach(fd);
    beacon.set(Phase::timed, 2, 4);
    CHECK(beacon.read().batch == 4);
    CHECK(beacon.fd() == -1);
  }
  for (const int fd : {ends[0], ends[1], empty}) close(fd);
}

TEST_CASE("a beacon that was overwritten still reads as a phase", "[beacon]") {
  auto beacon = Beacon::create();
  REQUIRE(beacon);
  const char garbage[24] = {-1, -1, -1, 127, -1, -1, -1, -1, -1, -1, -1, -1,
                            -1, -1, -1, -1,  -1, -1, -1, -1, -1, -1, -1, -1};
  REQUIRE(pwrite(beacon->fd(), garbage, sizeof(garbage), 0) == sizeof(garbage));
  CHECK(beacon->read().phase == Phase::starting);
}

TEST_CASE("a moved beacon keeps its page and leaks no descriptor", "[beacon]") {
  auto beacon = Beacon::create();
  REQUIRE(beacon);
  const int fd = beacon->fd();
  {
    Beacon moved = std::move(*beacon);
    moved.set(Phase::soak, 1, 2);
    Beacon back = Beacon::attach(-1);
    back = std::move(moved);
    CHECK(back.read().phase == Phase::soak);
    CHECK(back.fd() == fd);
  }
  CHECK(fcntl(fd, F_GETFD) == -1);
}

TEST_CASE("every phase has words of its own", "[beacon]") {
  std::set<std::string_view> words;
  constexpr int kPhases = static_cast<int>(Phase::soak) + 1;
  for (int phase = 0; phase < kPhases; ++phase) words.insert(name_of(static_cast<Phase>(phase)));
  CHECK(words.size() == kPhases);
  CHECK_FALSE(words.contains(""));
}
