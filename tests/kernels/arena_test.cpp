#include "kernels/arena.h"

#include <sched.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune::kernels;

namespace {

// Runs one for_each and checks that every chunk ran once, on a valid lane, lanes never overlapping.
void check_job(Team& team, std::int64_t chunks) {
  std::vector<std::atomic<int>> runs(static_cast<std::size_t>(chunks));
  std::array<std::atomic<int>, 16> busy{};
  std::atomic<int> faults{0};
  team.for_each(chunks, [&](std::int64_t chunk, int lane) {
    if (lane < 0 || lane >= team.lanes()) ++faults;
    if (busy[static_cast<std::size_t>(lane)].fetch_add(1) != 0) ++faults;
    runs[static_cast<std::size_t>(chunk)].fetch_add(1);
    busy[static_cast<std::size_t>(lane)].fetch_sub(1);
  });
  CHECK(faults == 0);
  bool once = true;
  for (const auto& count : runs) once = once && count == 1;
  CHECK(once);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

TEST_CASE("every chunk runs exactly once on a lane of its own, with 1 to 4 threads", "[arena]") {
  for (int threads = 1; threads <= 4; ++threads) {
    Arena arena(threads, Pin::no);
    CHECK(arena.lanes() == threads);
    for (int region = 0; region < 3; ++region) {
      arena.run([&](Team& team) {
        CHECK(team.lanes() == threads);
        for (std::int64_t chunks : {0, 1, 2, 3, 7, 64, 1000}) check_job(team, chunks);
      });
    }
  }
}

TEST_CASE("many short jobs in one region lose no chunk and see each other's writes", "[arena]") {
  Arena arena(4, Pin::no);
  constexpr std::int64_t kChunks = 5;
  constexpr int kJobs = 3000;
  std::array<long, kChunks>
      cells{};  // plain: job n + 1 must see what job n wrote, on whatever lane
  arena.run([&](Team& team) {
    for (int job = 0; job < kJobs; ++job) {
      team.for_each(kChunks, [&](std::int64_t chunk, int) {
        const auto at = static_cast<std::size_t>((chunk + job) % kChunks);
        cells[at] = cells[at] + 1;
      });
    }
  });
  for (long cell : cells) CHECK(cell == kJobs);
}

TEST_CASE("helpers arrive and take part when the work lasts", "[arena]") {
  Arena arena(3, Pin::no);
  std::array<std::atomic<long>, 3> chunks_of_lane{};
  arena.run([&](Team& team) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto all_arrived = [&] { return chunks_of_lane[1] > 0 && chunks_of_lane[2] > 0; };
    const auto note = [&](std::int64_t, int lane) {
      ++chunks_of_lane[static_cast<std::size_t>(lane)];
    };
    while (!all_arrived() && std::chrono::steady_clock::now() < end) team.for_each(32, note);
    // With everyone there: jobs so short that helpers often come late to one and early to the next.
    for (int job = 0; job < 2000; ++job) check_job(team, 2 + job % 5);
  });
  CHECK(chunks_of_lane[1] > 0);
  CHECK(chunks_of_lane[2] > 0);
}

TEST_CASE("a region without any job ends", "[arena]") {
  Arena arena(3, Pin::no);
  int runs = 0;
  for (int i = 0; i < 50; ++i) arena.run([&](Team&) { ++runs; });
  CHECK(runs == 50);
}

TEST_CASE("tiny jobs and single chunks stay on the caller", "[arena]") {
  Arena arena(2, Pin::no);
  const auto caller = std::this_thread::get_id();
  arena.run([&](Team& team) {
    bool stayed = true;
    const auto note = [&](std::int64_t, int lane) {
      stayed = stayed && lane == 0 && std::this_thread::get_id() == caller;
    };
    team.for_each(100, note, Grain::tiny);
    team.for_each(1, note);
    CHECK(stayed);
  });
}

TEST_CASE("a team without an arena runs everything in order on the caller", "[arena]") {
  Team alone;
  std::vector<std::int64_t> seen;
  alone.for_each(4, [&](std::int64_t chunk, int lane) {
    CHECK(lane == 0);
    seen.push_back(chunk);
  });
  CHECK(seen == std::vector<std::int64_t>{0, 1, 2, 3});
}

TEST_CASE("an exception from the body passes through and the arena works afterwards", "[arena]") {
  Arena arena(2, Pin::no);
  CHECK_THROWS_AS(arena.run([](Team&) { throw std::runtime_error("body"); }), std::runtime_error);
  arena.run([](Team& team) { check_job(team, 20); });
}

TEST_CASE("more threads than CPUs, pinned to one, still finish", "[arena]") {
  Arena arena(4, Pin::yes);
  arena.run([](Team& team) {
    for (int job = 0; job < 20; ++job) check_job(team, 9);
  });
}

TEST_CASE("a pinned arena gives the calling thread its CPUs back", "[arena]") {
  cpu_set_t before, inside, after;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  Arena arena(2, Pin::yes);
  arena.run([&](Team&) { sched_getaffinity(0, sizeof inside, &inside); });
  sched_getaffinity(0, sizeof after, &after);
  CHECK(arena.pinned());
  CHECK(CPU_COUNT(&inside) == 1);
  CHECK(CPU_EQUAL(&before, &after));
}

TEST_CASE("a caller's pin lasts from run to run, also when it is nested", "[arena]") {
  cpu_set_t before, between, after;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  Arena arena(2, Pin::yes), loose(2, Pin::no);
  {
    const CallerPin pin(arena), nested(arena);
    arena.run([](Team&) {});
    sched_getaffinity(0, sizeof between, &between);
    CHECK(CPU_COUNT(&between) == 1);
  }
  sched_getaffinity(0, sizeof after, &after);
  CHECK(CPU_EQUAL(&before, &after));
  const CallerPin nothing(loose);
  CHECK_FALSE(loose.pinned());
  sched_getaffinity(0, sizeof between, &between);
  CHECK(CPU_EQUAL(&before, &between));
}

TEST_CASE("two arenas run at the same time without mixing their jobs", "[arena]") {
  std::thread other([] {
    Arena arena(2, Pin::no);
    arena.run([](Team& team) {
      for (int job = 0; job < 100; ++job) team.for_each(4, [](std::int64_t, int) {});
    });
  });
  Arena arena(2, Pin::no);
  arena.run([](Team& team) {
    for (int job = 0; job < 50; ++job) check_job(team, 11);
  });
  other.join();
}

TEST_CASE("helpers use no CPU outside a region", "[arena]") {
  Arena arena(4, Pin::no);
  arena.run([](Team& team) { check_job(team, 50); });
  const timespec settle = {0, 100'000'000}, window = {0, 300'000'000};
  nanosleep(&settle, nullptr);  // TBB's own workers look for work a little before they sleep
  const double before = cpu_seconds();
  nanosleep(&window, nullptr);
  CHECK(cpu_seconds() - before < 0.03);  // a tenth of one CPU
}
