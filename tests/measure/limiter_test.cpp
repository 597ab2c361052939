// Which limiter a wish gets, and the cgroup limiter on a tree of ordinary files: as the kernel
// would have them, and with each thing missing that may be missing. A real delegated cgroup is
// tested where there is one.
#include "tuner/measure/limiter.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "tests/support/catch.h"
#include "tuner/measure/cgroup_limiter.h"

using namespace batchtune;
namespace fs = std::filesystem;

namespace {

constexpr Bytes kLimit = Bytes{64} << 20;
constexpr char kOwn[] = "/user.slice/tune.scope";

std::string read(const fs::path& file) {
  std::ifstream in(file);
  std::string text;
  std::getline(in, text);
  return text;
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text << "\n";
}

// A delegated cgroup v2 with this process alone in it, and the /proc that says so.
class FakeTree {
 public:
  FakeTree() {
    std::string name = fs::temp_directory_path() / "bt_cgroup_XXXXXX";
    base_ = mkdtemp(name.data());
    write(root() / "cgroup.controllers", "cpu memory pids");
    write(own() / "cgroup.controllers", "memory pids");
    write(own() / "cgroup.subtree_control", "");
    write(own() / "cgroup.procs", std::to_string(getpid()));
    write(proc() / "self/cgroup", std::string("0::") + kOwn);
  }
  ~FakeTree() { fs::remove_all(base_); }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;

  fs::path root() const { return base_ / "cgroup"; }
  fs::path proc() const { return base_ / "proc"; }
  fs::path own() const { return root().string() + kOwn; }

  Result<std::unique_ptr<MemoryLimiter>> limiter(LimiterWish wish = LimiterWish::cgroup) const {
    return make_limiter(wish, MemoryKind::rss, kLimit, root(), proc());
  }
  // Of the only probe there is; empty when there is none.
  fs::path group() const {
    for (const auto& entry : fs::directory_iterator(own()))
      if (entry.path().filename().string().rfind("batchtune.probe-", 0) == 0) return entry.path();
    return {};
  }
  std::string refusal() const {
    const auto found = find_delegated_cgroup(root(), proc());
    return found ? "" : to_string(found.error());
  }

 private:
  fs::path base_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a probe's cgroup has the limit, no swap, and dies as one", "[limiter]") {
  FakeTree tree;
  auto limiter = tree.limiter();
  REQUIRE(limiter);
  CHECK((*limiter)->kind() == LimiterKind::cgroup);
  const fs::path group = tree.group();
  REQUIRE_FALSE(group.empty());
  CHECK(read(group / "memory.max") == std::to_string(kLimit));
  CHECK(read(group / "memory.swap.max") == "0");
  CHECK(read(group / "memory.oom.group") == "1");
  REQUIRE((*limiter)->hold(4242));
  CHECK(read(group / "cgroup.procs") == "4242");
  CHECK_FALSE((*limiter)->kills());
  write(group / "memory.events", "low 0\nmax 9\noom 1\noom_kill 3\noom_group_kill 1");
  CHECK((*limiter)->kills() == 3);
  write(group / "memory.events.local", "max 9\noom_kill 2");
  CHECK((*limiter)->kills() == 2);
  CHECK_FALSE((*limiter)->peak());
  write(group / "memory.peak", "1048576");
  CHECK((*limiter)->peak() == 1048576);
  (*limiter)->kill_all();
  CHECK(read(group / "cgroup.kill") == "1");
}

TEST_CASE("this process moves down once, and its own cgroup gets no limit", "[limiter]") {
  FakeTree tree;
  REQUIRE(tree.limiter());
  CHECK(read(tree.own() / "batchtune.tuner/cgroup.procs") == std::to_string(getpid()));
  CHECK(read(tree.own() / "cgroup.subtree_control") == "+memory");
  for (const auto& entry : fs::directory_iterator(tree.own()))
    CHECK(entry.path().filename().string().rfind("memory.", 0) != 0);
  CHECK_FALSE(fs::exists(tree.root() / "memory.max"));
  // The next probe finds it where it went, and does not go further down.
  write(tree.own() / "cgroup.procs", "");
  write(tree.own() / "cgroup.subtree_control", "memory");
  write(tree.proc() / "self/cgroup", std::string("0::") + kOwn + "/batchtune.tuner");
  CHECK(find_delegated_cgroup(tree.root(), tree.proc()) == tree.own().string());
  REQUIRE(tree.limiter());
  CHECK_FALSE(fs::exists(tree.own() / "batchtune.tuner/batchtune.tuner"));
}

TEST_CASE("the group of a killed tuner is removed, and that of a living one is not", "[limiter]") {
  FakeTree tree;
  const fs::path dead = tree.own() / "batchtune.probe-999999999-1";  // above any process id
  const fs::path living = tree.own() / ("batchtune.probe-" + std::to_string(getppid()) + "-1");
  fs::create_directories(dead);
  fs::create_directories(living);
  REQUIRE(tree.limiter());
  CHECK_FALSE(fs::exists(dead));
  CHECK(fs::exists(living));
}

TEST_CASE("a tree in which no memory can be limited is refused with the reason", "[limiter]") {
  FakeTree tree;
  CHECK(tree.refusal().empty());
  SECTION("the layout of version 1") {
    fs::remove(tree.root() / "cgroup.controllers");
    CHECK(contains(tree.refusal(), "no cgroup v2"));
    fs::create_directories(tree.root() / "memory");
    CHECK(contains(tree.refusal(), "cgroup v1"));
    CHECK_FALSE(fs::exists(tree.root() / "memory/batchtune.tuner"));
  }
  SECTION("no version 2 for this process") {
    write(tree.proc() / "self/cgroup", "4:memory:/somewhere");
    CHECK(contains(tree.refusal(), "no line \"0::\""));
  }
  SECTION("outside of the tree") {
    write(tree.proc() / "self/cgroup", "0::/../elsewhere");
    CHECK(contains(tree.refusal(), "outside of the tree"));
  }
  SECTION("no memory controller") {
    write(tree.own() / "cgroup.controllers", "cpu pids");
    CHECK(contains(tree.refusal(), "memory controller"));
  }
  SECTION("other processes in it") {
    write(tree.own() / "cgroup.procs", std::to_string(getpid()) + "\n1");
    write(tree.proc() / "1/status", "Name:\tsystemd\nPPid:\t0");
    CHECK(contains(tree.refusal(), "process 1 is in it as well"));
    CHECK(contains(tree.refusal(), "systemd-run --user --scope -p Delegate=yes"));
  }
  SECTION("not ours to write") {
    if (geteuid() == 0) BT_SKIP("root may write everything");
    fs::permissions(tree.own() / "cgroup.procs", fs::perms::owner_read);
    CHECK(contains(tree.refusal(), "may not be written"));
  }
  const auto limiter = tree.limiter();
  REQUIRE_FALSE(limiter);
  CHECK(limiter.error().kind == ErrorKind::environment);
  CHECK_FALSE(fs::exists(tree.own() / "batchtune.tuner"));  // nothing was moved
  const auto automatic = tree.limiter(LimiterWish::automatic);
  REQUIRE(automatic);
  CHECK((*automatic)->kind() == LimiterKind::rlimit);
}

TEST_CASE("children of this process do not make it less alone", "[limiter]") {
  FakeTree tree;
  write(tree.own() / "cgroup.procs", std::to_string(getpid()) + "\n77");
  write(tree.proc() / "77/status", "Name:\tworker\nPPid:\t" + std::to_string(getpid()));
  CHECK(tree.refusal().empty());
}

TEST_CASE("nor do the guards of its workers, and processes that have ended", "[limiter]") {
  FakeTree tree;
  write(tree.own() / "cgroup.procs", std::to_string(getpid()) + "\n78\n79");
  write(tree.proc() / "78/status", "Name:\tbatchtune-guard\nUmask:\t0022\nPPid:\t1");
  CHECK(tree.refusal().empty());  // there is no 79
  write(tree.proc() / "79/status", "Name:\tbatchtune-guar\nPPid:\t1");
  CHECK(contains(tree.refusal(), "process 79 is in it as well"));
}

TEST_CASE("a kernel that refuses the limit leaves no group and no half of a move", "[limiter]") {
  FakeTree tree;
  // A folder in the place of a file: writing to it fails, as the kernel's refusal does.
  fs::remove(tree.own() / "cgroup.subtree_control");
  fs::create_directories(tree.own() / "cgroup.subtree_control");
  const auto limiter = tree.limiter();
  REQUIRE_FALSE(limiter);
  CHECK(contains(to_string(limiter.error()), "cgroup.subtree_control"));
  CHECK(read(tree.own() / "cgroup.procs") == std::to_string(getpid()));
  CHECK(tree.group().empty());
}

TEST_CASE("automatic takes the account, else a cgroup, else the address space", "[limiter]") {
  FakeTree tree;
  const auto kind = [&](LimiterWish wish, MemoryKind memory, std::optional<Bytes> limit) {
    const auto limiter = make_limiter(wish, memory, limit, tree.root(), tree.proc());
    REQUIRE(limiter);
    return (*limiter)->kind();
  };
  CHECK(kind(LimiterWish::automatic, MemoryKind::account, kLimit) == LimiterKind::account);
  CHECK(kind(LimiterWish::automatic, MemoryKind::rss, kLimit) == LimiterKind::cgroup);
  CHECK(kind(LimiterWish::automatic, MemoryKind::device, kLimit) == LimiterKind::device);
  CHECK(kind(LimiterWish::cgroup, MemoryKind::device, kLimit) == LimiterKind::cgroup);
  CHECK(kind(LimiterWish::rlimit, MemoryKind::account, kLimit) == LimiterKind::rlimit);
  CHECK(kind(LimiterWish::cgroup, MemoryKind::account, kLimit) == LimiterKind::cgroup);
  CHECK(kind(LimiterWish::none, MemoryKind::account, kLimit) == LimiterKind::none);
  CHECK(kind(LimiterWish::cgroup, MemoryKind::rss, std::nullopt) == LimiterKind::none);
  const auto refused =
      make_limiter(LimiterWish::account, MemoryKind::rss, kLimit, tree.root(), tree.proc());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::environment);
}

TEST_CASE("a worker is asked for the account with a wide net, or for the limit alone",
          "[limiter]") {
  const auto asked = [](LimiterWish wish, Bytes limit) {
    protocol::Load load;
    load.options.group.threads = 2;
    const auto limiter = make_limiter(wish, MemoryKind::account, limit, "/nowhere");
    REQUIRE(limiter);
    (*limiter)->limit(load);
    return load;
  };
  const auto account = asked(LimiterWish::account, kLimit);
  CHECK(account.options.account_limit == kLimit);
  CHECK(account.address_space == kLimit + kAddressSpaceSlack + 2 * kThreadStack);
  CHECK(account.limit_after_loading);
  const Bytes most = std::numeric_limits<Bytes>::max();
  CHECK(asked(LimiterWish::account, most).address_space == most);
  const auto rlimit = asked(LimiterWish::rlimit, kLimit);
  CHECK_FALSE(rlimit.options.account_limit);
  CHECK(rlimit.address_space == kLimit);
  CHECK_FALSE(rlimit.limit_after_loading);
  CHECK_FALSE(asked(LimiterWish::none, kLimit).address_space);
}
