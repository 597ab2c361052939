// Instances side by side: on CPUs of their own, under each other's load, with one copy of weights.
#include <sched.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "tests/backend/cpu_support.h"
#include "tests/backend/instances_contract.h"
#include "tuner/backend/cpu/instances.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

LoadOptions two_instances(DType dtype = DType::f32) {
  LoadOptions options = options_of(dtype, 1);
  options.group.instances = 2;
  return options;
}

// Until `condition` is true; false: not within seconds, which a working machine never needs.
template <typename Condition>
bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

int allowed_cpus() {
  cpu_set_t set;
  REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
  return CPU_COUNT(&set);
}

}  // namespace

TEST_CASE("the cpu backend keeps the contract of instances", "[cpu][instances]") {
  cpu::CpuBackend backend;
  const Model model = build_zoo_model("mlp@width=64").value();
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const int threads : {1, 2})
      check_instances_contract(backend, model, options_of(dtype, threads));
}

TEST_CASE("all instances share one packed copy of the weights", "[cpu][instances][memory]") {
  const Model model = build_zoo_model("squeezenet").value();
  const auto one = load_ok(model, options_of(DType::f32, 2));
  const auto two = load_ok(model, two_instances());
  CHECK(two->account().used() == one->account().used());
  CHECK(two->weight_bytes() == one->weight_bytes());
  const auto alone = prepare_ok(*one, 2), both = prepare_ok(*two, 2);
  CHECK(both->memory().weights == alone->memory().weights);
  CHECK(both->memory().activations == 2 * alone->memory().activations);
  CHECK(both->memory().workspace == alone->memory().workspace);  // as many threads in all
  CHECK(two->account().used() == both->memory().total());
}

TEST_CASE("instances fit at exactly their own bytes, and it is said which one does not",
          "[cpu][instances][memory]") {
  const Model model = build_zoo_model("mlp@width=64").value();
  LoadOptions options = two_instances();
  const Bytes need = prepare_ok(*load_ok(model, options), 64)->memory().total();
  options.account_limit = need;
  CHECK(load_ok(model, options)->prepare({options.group, 64}));
  options.account_limit = need - 1;
  const auto refused = load_ok(model, options)->prepare({options.group, 64});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == TrialStatus::out_of_memory);
  CHECK(refused.error().reason.find("instance 2 of 2") != std::string::npos);
}

TEST_CASE("lanes of instances are pinned to CPUs that no other one has", "[cpu][instances]") {
  const int cpus = allowed_cpus();
  if (cpus < 2) BT_SKIP("one CPU alone");
  for (const auto& [count, threads] : {std::pair{2, 1}, std::pair{2, cpus / 2}}) {
    cpu::Instances instances(count, threads);
    std::mutex mutex;
    std::map<int, std::set<int>> seen;  // by CPU: instances that ran on it
    instances.run(20, [&](int instance, kernels::Team& team) {
      team.for_each(64, [&](std::int64_t, int) {
        const std::scoped_lock lock(mutex);
        seen[sched_getcpu()].insert(instance);
      });
    });
    CHECK(seen.size() >= 2);
    for (const auto& [cpu, who] : seen) {
      INFO("CPU " << cpu);
      CHECK(who.size() == 1);
    }
    CHECK(instances.arena(1).pinned());
  }
  CHECK(allowed_cpus() == cpus);  // the caller has its own back
}

TEST_CASE("hardware threads of a core belong to one instance", "[cpu][instances]") {
  const auto root =
      std::filesystem::temp_directory_path() / ("bt_cores_" + std::to_string(getpid()) + "/");
  for (int cpu = 0; cpu < 6; ++cpu) {
    const auto folder = root / ("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology");
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "thread_siblings_list") << cpu % 3 << "," << cpu % 3 + 3 << "\n";
  }
  CHECK(cpu::ordered_by_core({0, 1, 2, 3, 4, 5}, root) == std::vector<int>{0, 3, 1, 4, 2, 5});
  CHECK(cpu::ordered_by_core({0, 1, 2}, root) == std::vector<int>{0, 1, 2});
  CHECK(cpu::ordered_by_core({7, 9}, root) == std::vector<int>{7, 9});  // nothing is known of them
  std::filesystem::remove_all(root);
}

TEST_CASE("instances start together, and none stops before the last has done its runs",
          "[cpu][instances]") {
  cpu::Instances instances(3, 1);
  std::array<std::atomic<int>, 3> batches{};
  std::atomic<bool> alone{false};
  const auto all_started = [&] { return batches[0] > 0 && batches[1] > 0 && batches[2] > 0; };
  const RunTimes times = instances.run(2, [&](int instance, kernels::Team&) {
    const auto self = static_cast<std::size_t>(instance);
    ++batches[self];
    if (!comes_true(all_started)) alone = true;
    // The last one's batches end only when the others have gone on far beyond their two.
    if (instance == 2 && !comes_true([&] { return batches[0] > 20 && batches[1] > 20; }))
      alone = true;
  });
  CHECK_FALSE(alone);
  CHECK(times.instance == std::vector<int>{0, 0, 1, 1, 2, 2});
  CHECK(batches[2] == 2);
}

TEST_CASE("what does not count any more is told so, and is never timed", "[cpu][instances]") {
  cpu::Instances instances(2, 1);
  std::atomic<int> fast{0};
  std::atomic<bool> early{false}, broken_off{false};
  const RunTimes times = instances.run(1, [&](int instance, kernels::Team&) {
    if (instance == 1) {
      if (!comes_true([&] { return fast >= 2; })) early = true;  // the other's second has begun
      if (instances.over()) early = true;
      return;
    }
    if (++fast == 1) {
      if (instances.over()) early = true;
    } else if (comes_true([&] { return instances.over(); })) {
      broken_off = true;
    }
  });
  CHECK_FALSE(early);
  CHECK(broken_off);
  CHECK(times.seconds.size() == 2);
}

TEST_CASE("what one instance throws is thrown when all are back, and the next run works",
          "[cpu][instances]") {
  cpu::Instances instances(3, 1);
  for (const int culprit : {0, 1, 2}) {
    std::atomic<int> inside{0};
    CHECK_THROWS_AS(instances.run(3,
                                  [&](int instance, kernels::Team&) {
                                    if (instance == culprit) throw std::bad_alloc();
                                    ++inside;
                                    std::this_thread::yield();
                                    --inside;
                                  }),
                    std::bad_alloc);
    CHECK(inside == 0);
    CHECK(instances.run(2, [](int, kernels::Team&) {}).seconds.size() == 6);
  }
}

TEST_CASE("a candidate with other instances than were loaded is refused", "[cpu][instances]") {
  const Model model = build_zoo_model("mlp@width=64").value();
  LoadOptions options = two_instances();
  const auto loaded = load_ok(model, options);
  options.group.instances = 1;
  CHECK(loaded->prepare({options.group, 1}).error().status == TrialStatus::unsupported);
}
