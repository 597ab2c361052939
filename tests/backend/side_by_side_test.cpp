// Instances under each other's load, without any device.
#include <algorithm>
#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "tests/support/catch.h"
#include "tuner/backend/side_by_side.h"

using namespace batchtune;

TEST_CASE("every instance makes its runs on a thread of its own, tagged", "[backend][instances]") {
  for (const int count : {1, 2, 3}) {
    SideBySide instances(count);
    std::vector<std::set<std::thread::id>> threads(static_cast<std::size_t>(count));
    const RunTimes times = instances.run(4, [&](int instance) {
      threads[static_cast<std::size_t>(instance)].insert(std::this_thread::get_id());
    });
    REQUIRE(times.seconds.size() == static_cast<std::size_t>(4 * count));
    std::set<std::thread::id> all;
    for (int instance = 0; instance < count; ++instance) {
      CHECK(std::count(times.instance.begin(), times.instance.end(), instance) == 4);
      CHECK(threads[static_cast<std::size_t>(instance)].size() == 1);
      all.merge(threads[static_cast<std::size_t>(instance)]);
    }
    CHECK(all.size() == static_cast<std::size_t>(count));
    CHECK(all.contains(std::this_thread::get_id()));  // the first one's is the caller
  }
}

TEST_CASE("who has done its runs goes on until the last has", "[backend][instances]") {
  SideBySide instances(2);
  std::atomic<int> quick{0};
  std::atomic<bool> slow_may_end{false};
  const RunTimes times = instances.run(1, [&](int instance) {
    if (instance == 0) {
      if (++quick == 5) slow_may_end = true;
    } else {
      while (!slow_may_end) std::this_thread::yield();
    }
  });
  CHECK(quick >= 5);
  CHECK(times.seconds.size() == 2);
}

TEST_CASE("what an instance throws comes out when all are back, and the next run works",
          "[backend][instances]") {
  SideBySide instances(2);
  const auto fails = [&](int instance) {
    if (instance == 1) throw std::runtime_error("no");
  };
  CHECK_THROWS_AS(instances.run(2, fails), std::runtime_error);
  CHECK(instances.run(2, [](int) {}).seconds.size() == 4);
}

TEST_CASE("work is put within what was asked for, of every instance", "[backend][instances]") {
  std::atomic<int> within{0};
  {
    SideBySide instances(3, [&](int, const std::function<void()>& work) {
      ++within;
      work();
    });
    (void)instances.run(1, [](int) {});
    (void)instances.run(1, [](int) {});
  }
  CHECK(within == 2 + 2);  // two threads for good, the caller for each run
}
