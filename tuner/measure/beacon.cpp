#include "tuner/measure/beacon.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace batchtune {

// All zero is the state of a process that has said nothing yet. Writer and reader are two
// processes: only atomics without a lock are good for that.
struct Beacon::Page {
  std::atomic<std::int32_t> phase;
  std::atomic<std::int32_t> program;
  std::atomic<std::int64_t> batch;
  std::atomic<std::uint64_t> beats;
};

namespace {

constexpr char kPageName[] = "batchtune beacon";  // as in /proc/PID/maps
constexpr int kPhases = 11;

template <typename T>
T* map(int fd) {
  const int sharing = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* start = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, sharing, fd, 0);
  return start == MAP_FAILED ? nullptr : static_cast<T*>(start);
}

// A descriptor that a foreign parent left there may be anything: reading a page of a file that has
// none kills the process.
bool is_a_page(int fd, std::size_t bytes) {
  struct stat found {};
  return fd >= 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode) &&
         found.st_size == static_cast<off_t>(bytes);
}

}  // namespace

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::starting:
      return "starting";
    case Phase::idle:
      return "waiting";
    case Phase::loading:
      return "loading the model";
    case Phase::preparing:
      return "preparing";
    case Phase::first_run:
      return "in the first run of";
    case Phase::checking:
      return "checking the output of";
    case Phase::warm:
      return "warming up";
    case Phase::timed:
      return "timing";
    case Phase::canary:
      return "in a canary";
    case Phase::profiling:
      return "profiling";
    case Phase::soak:
      return "soaking";
  }
  return "in an unknown phase";
}

Result<Beacon> Beacon::create() {
  const int fd = memfd_create(kPageName, MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, sizeof(Page)) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) close(fd);
    return environment_error("a page of memory to share with a worker process", why);
  }
  Page* page = map<Page>(fd);
  if (page == nullptr) {
    const std::string why = std::strerror(errno);
    close(fd);
    return environment_error("a page of memory to share with a worker process", why);
  }
  return Beacon(page, fd);
}

Beacon Beacon::attach(int fd) {
  static_assert(std::atomic<std::int32_t>::is_always_lock_free);
  static_assert(std::atomic<std::int64_t>::is_always_lock_free);
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  static_assert(std::is_standard_layout_v<Page> && std::is_trivially_destructible_v<Page>);
  Page* page = is_a_page(fd, sizeof(Page)) ? map<Page>(fd) : nullptr;
  return Beacon(page != nullptr ? page : map<Page>(-1), -1);
}

Beacon::Beacon(Beacon&& other) noexcept
    : page_(std::exchange(other.page_, nullptr)), fd_(std::exchange(other.fd_, -1)) {}

Beacon& Beacon::operator=(Beacon&& other) noexcept {
  std::swap(page_, other.page_);
  std::swap(fd_, other.fd_);
  return *this;
}

Beacon::~Beacon() {
  if (page_ != nullptr) munmap(page_, sizeof(Page));
  if (fd_ >= 0) close(fd_);
}

// The phase last: whoever sees the new one sees its program and batch as well.
void Beacon::set(Phase phase, TrialId program, std::int64_t batch) noexcept {
  if (page_ == nullptr) return;
  page_->program.store(program, std::memory_order_relaxed);
  page_->batch.store(batch, std::memory_order_relaxed);
  page_->phase.store(static_cast<std::int32_t>(phase), std::memory_order_release);
  beat();
}

void Beacon::beat() noexcept {
  if (page_ != nullptr) page_->beats.fetch_add(1, std::memory_order_relaxed);
}

// The other process may have written anything there, so no value is taken for granted.
BeaconState Beacon::read() const noexcept {
  BeaconState state;
  if (page_ == nullptr) return state;
  const std::int32_t phase = page_->phase.load(std::memory_order_acquire);
  state.phase = phase >= 0 && phase < kPhases ? static_cast<Phase>(phase) : Phase::starting;
  state.program = page_->program.load(std::memory_order_relaxed);
  state.batch = page_->batch.load(std::memory_order_relaxed);
  state.beats = page_->beats.load(std::memory_order_relaxed);
  return state;
}

}  // namespace batchtune
