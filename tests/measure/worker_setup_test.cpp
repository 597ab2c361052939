// The address-space net of solo workers, set in a child of its own: it can only be tightened.
#include "tuner/measure/worker_setup.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <limits>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

constexpr Bytes kMiB = Bytes{1} << 20;

// The two are for builds without sanitizers.
// Exit code of a forked child that runs `body`; -1 when it did not exit by itself.
[[maybe_unused]] int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

[[maybe_unused]] bool can_map(Bytes bytes) {
  return mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

}  // namespace

TEST_CASE("the address-space limit leaves what was promised and refuses what lies above it",
          "[worker]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  BT_SKIP("RLIMIT_AS: sanitizers reserve terabytes of address space");
#else
  CHECK(in_child([] {
          if (!can_map(2048 * kMiB)) return 1;  // without the limit it would fit
          return 0;
        }) == 0);
  CHECK(in_child([] {
          const Bytes baseline = peak_address_space();
          if (baseline <= 0 || !limit_address_space(baseline, 256 * kMiB).empty()) return 1;
          if (!can_map(128 * kMiB)) return 2;
          if (can_map(2048 * kMiB) || errno != ENOMEM) return 3;
          return 0;
        }) == 0);
#endif
}

TEST_CASE("an unknown baseline sets no limit, and says why", "[worker]") {
  CHECK_FALSE(limit_address_space(0, kMiB).empty());
}

TEST_CASE("an address-space limit beyond all numbers is no limit", "[worker]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  BT_SKIP("RLIMIT_AS: sanitizers reserve terabytes of address space");
#else
  CHECK(in_child([] {
          const Bytes most = std::numeric_limits<Bytes>::max();
          if (!limit_address_space(peak_address_space(), most).empty()) return 1;
          return can_map(2048 * kMiB) ? 0 : 2;
        }) == 0);
#endif
}
