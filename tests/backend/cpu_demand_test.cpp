// How many threads computed, by what they ran and waited; two seconds of made-up ones, and real ones.
#include "tuner/backend/conformance/cpu_demand.h"

#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::conformance;

namespace {

double of(const std::vector<ThreadTime>& threads, Seconds ran_by_all) {
  return computing_threads(threads, ran_by_all, 2);
}

}  // namespace

TEST_CASE("on a quiet machine threads count by their CPU time", "[conformance]") {
  CHECK(of({{2, 0}}, 2) == Approx(1));
  CHECK(of({{2, 0}, {2, 0}, {0.1, 0}}, 4.1) == Approx(2.05));
  CHECK(of({{1, 0}, {0.5, 0}, {0.5, 0}}, 2) == Approx(1));  // one after the other
  CHECK(of({}, 3) == Approx(1.5));  // a kernel that tells of no single one
}

TEST_CASE("on a busy machine threads that share CPUs count in full", "[conformance]") {
  CHECK(of({{1, 1}, {1, 1}, {1, 1}, {1, 1}}, 4) == Approx(4));
  CHECK(of({{1, 1}, {0.6, 1.4}}, 1.6) == Approx(1.6).margin(0.4));
  CHECK(of({{1, 1}, {0.6, 1.4}, {0.6, 1.4}}, 2.2) <= 3.0001);  // never more than there are
}

TEST_CASE("a thread that waits for a CPU to go to sleep on counts by the little that it ran",
          "[conformance]") {
  CHECK(of({{1, 1}, {1, 1}, {0.01, 1.5}}, 2.01) == Approx(2.01));
}

TEST_CASE("threads that are gone count as usual CPU time does", "[conformance]") {
  CHECK(of({{1, 1}}, 3) == Approx(3));
}

TEST_CASE("a thread that computes is seen, and one that has gone by then", "[conformance]") {
  CpuDemand demand;
  const auto compute = [](Seconds seconds) {
    const Stopwatch stopwatch;
    while (stopwatch.seconds() < seconds) continue;
  };
  std::thread computing([&] { compute(0.1); });
  computing.join();
  demand.look();
  CHECK(demand.threads() > 0.2);  // on a busy machine what it waited is lost
  CHECK(demand.threads() < 1.2);
}
