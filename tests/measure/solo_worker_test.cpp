// Memory probes in real processes: what they tell of memory, soaks, and second tries.
#include "tuner/measure/solo_worker.h"

#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/measure/cgroup_limiter.h"
#include "tuner/workload/model_file.h"

using namespace batchtune;

namespace {

constexpr Bytes kMiB = Bytes{1} << 20;
constexpr Seconds kPatient = 30;

Result<Probe> try_probe(const std::string& backend, const std::string& parameters,
                        std::optional<Bytes> limit, LimiterWish wish = LimiterWish::automatic,
                        MemoryKind kind = MemoryKind::rss, Seconds soak = 0) {
  SoloOptions options;
  options.timeout = kPatient;
  options.limiter = wish;
  options.cgroup_root = "/nonexistent";
  Candidate candidate = simulated_candidate(4);
  candidate.group.backend = backend;
  const MeasuredBackend measured{backend, parameters, kind, "", {}};
  return probe_alone(measured, write_model(small_model()), {candidate, limit, soak}, options);
}

Probe probe(const std::string& backend, const std::string& parameters, std::optional<Bytes> limit,
            LimiterWish wish = LimiterWish::automatic, MemoryKind kind = MemoryKind::rss,
            Seconds soak = 0) {
  auto result = try_probe(backend, parameters, limit, wish, kind, soak);
  REQUIRE(result);
  return std::move(*result);
}

}  // namespace

TEST_CASE("a probe tells the whole process's resident peak, its runs and its spill", "[solo]") {
  const Probe small = probe("hungry", "0", std::nullopt);
  CHECK(small.ending == Ending{});
  CHECK(small.runs == 1);
  CHECK_FALSE(small.killed);
  REQUIRE(small.peak_resident);
  const Probe large = probe("hungry", std::to_string(100 * kMiB), std::nullopt);
  REQUIRE(large.peak_resident);
  CHECK(*large.peak_resident - *small.peak_resident > 90 * kMiB);
  CHECK(large.spill.has_value());
}

TEST_CASE("without a limiter a peak above the limit is found afterwards", "[solo]") {
  const Probe over =
      probe("hungry", std::to_string(100 * kMiB), 50 * kMiB, LimiterWish::none, MemoryKind::rss);
  CHECK(over.limiter == LimiterKind::none);
  CHECK(over.ending.status == TrialStatus::out_of_memory);
  CHECK(over.ending.evidence.rfind("spill: peak resident", 0) == 0);
  CHECK(probe("hungry", "0", 4096 * kMiB, LimiterWish::none).ending == Ending{});
}

TEST_CASE("a device's memory is counted against the limit afterwards", "[solo]") {
  Probe device;
  device.limit = 50 * kMiB;
  device.limiter = LimiterKind::device;
  device.memory = MemoryUse{20 * kMiB, 20 * kMiB, 10 * kMiB, MemoryKind::device};
  CHECK(judge_spill(device) == Ending{});
  device.memory->workspace += 1;
  CHECK(judge_spill(device).status == TrialStatus::out_of_memory);
  CHECK(judge_spill(device).where == "device");
}

TEST_CASE("swapped memory is out of memory, except where an account decides", "[solo]") {
  Probe swapped;
  swapped.limit = 50 * kMiB;
  swapped.spill = Spill{10 * kMiB, 7};
  swapped.limiter = LimiterKind::rlimit;
  CHECK(judge_spill(swapped).status == TrialStatus::out_of_memory);
  CHECK(judge_spill(swapped).evidence == "spill: 10.0 MiB of it went to swap, 7 major faults");
  swapped.limiter = LimiterKind::account;
  CHECK(judge_spill(swapped) == Ending{});
  swapped.limiter = LimiterKind::rlimit;
  swapped.spill = Spill{0, 999};  // pages of files that were read: no sign of too little memory
  CHECK(judge_spill(swapped) == Ending{});
  swapped.spill = Spill{0, 1000};
  CHECK(judge_spill(swapped).status == TrialStatus::ok);
  CHECK(judge_spill(swapped).evidence.rfind("spill: 1000 major faults", 0) == 0);
  swapped.spill = Spill{kMiB, 7};  // the kernel took what nobody misses
  CHECK(judge_spill(swapped) == Ending{});
  swapped.peak_resident = 2000 * kMiB;
  swapped.spill = Spill{20 * kMiB, 7};
  CHECK(judge_spill(swapped) == Ending{});
  swapped.spill = Spill{21 * kMiB, 7};
  CHECK(judge_spill(swapped).reason == "it needs more memory than the limit");
  swapped.limit.reset();
  swapped.limiter = LimiterKind::none;
  CHECK(judge_spill(swapped).status == TrialStatus::out_of_memory);
  CHECK(judge_spill(swapped).reason == "it needs more memory than this machine has free");
}

TEST_CASE("under an address-space limit what does not fit is out of memory", "[solo]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  BT_SKIP("RLIMIT_AS: sanitizers reserve terabytes of address space");
#else
  const Probe fails = probe("hungry", std::to_string(512 * kMiB), 128 * kMiB);
  CHECK(fails.limiter == LimiterKind::rlimit);
  CHECK(fails.ending.status == TrialStatus::out_of_memory);
  CHECK(fails.ending.evidence.rfind("allocator", 0) == 0);
  CHECK(probe("hungry", std::to_string(16 * kMiB), 256 * kMiB).ending == Ending{});
#endif
}

TEST_CASE("a limiter that was asked for and is not to be had is an Error", "[solo]") {
  const auto cgroup = try_probe("hungry", "0", kMiB, LimiterWish::cgroup);
  REQUIRE_FALSE(cgroup);
  CHECK(cgroup.error().kind == ErrorKind::environment);
  CHECK(to_string(cgroup.error()).find("Delegate=yes") != std::string::npos);
  CHECK_FALSE(try_probe("hungry", "0", kMiB, LimiterWish::account));
}

TEST_CASE("a process killed for no visible reason gets a second try", "[solo]") {
  const std::string marker =
      std::filesystem::temp_directory_path() / ("bt_once_" + std::to_string(getpid()));
  std::filesystem::remove(marker);
  const Probe second = probe("once", marker, std::nullopt);
  CHECK(std::filesystem::remove(marker));  // the first try made it
  CHECK(second.ending == Ending{});
  CHECK(second.killed);
  const Probe never = probe("kill", "", std::nullopt);
  CHECK(never.ending.status == TrialStatus::crashed);
  CHECK(never.killed);
}

TEST_CASE("a soak runs on, and tells of memory that grows and of a pace that falls", "[solo]") {
  const auto soaked = [](const char* backend, const std::string& parameters) {
    return probe(backend, parameters, std::nullopt, LimiterWish::automatic, MemoryKind::rss, 4);
  };
  const Probe steady = soaked("hungry", "0");
  CHECK(steady.ending == Ending{});
  CHECK(steady.soak == 4);
  CHECK(steady.runs > 30);
  CHECK(steady.seconds >= 4);
  const Probe leaky = soaked("leaky", std::to_string(kMiB));
  CHECK(leaky.ending.status == TrialStatus::unstable);
  CHECK(leaky.ending.reason.find("memory keeps growing") != std::string::npos);
  CHECK(soaked("tiring", "").ending.reason.find("slows down") != std::string::npos);
}

TEST_CASE("a delegated cgroup kills what passes its limit, and is gone afterwards", "[solo]") {
  SoloOptions options;
  options.limiter = LimiterWish::cgroup;
  const auto delegated = find_delegated_cgroup(options.cgroup_root, options.proc_root);
  if (!delegated) BT_SKIP("no delegated cgroup: " << to_string(delegated.error()));
  Candidate candidate = simulated_candidate(4);
  candidate.group.backend = "hungry";
  const MeasuredBackend hungry{"hungry", std::to_string(512 * kMiB), MemoryKind::rss, "", {}};
  const auto result =
      probe_alone(hungry, write_model(small_model()), {candidate, 128 * kMiB, 0}, options);
  REQUIRE(result);
  CHECK(result->ending.status == TrialStatus::out_of_memory);
  CHECK(result->ending.evidence.rfind("cgroup_oom_kill", 0) == 0);
  CHECK(result->killed);
  CHECK(*result->peak_resident <= 128 * kMiB);
  for (const auto& entry : std::filesystem::directory_iterator(*delegated))
    CHECK(entry.path().filename().string().rfind("batchtune.probe-", 0) != 0);
}
