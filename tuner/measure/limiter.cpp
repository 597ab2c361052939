#include "tuner/measure/limiter.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "tuner/measure/cgroup_limiter.h"

namespace batchtune {
namespace {

class NoLimiter final : public MemoryLimiter {
 public:
  LimiterKind kind() const override { return LimiterKind::none; }
};

// Memory of a device: it says itself when it is full, and what it holds is counted against the
// limit afterwards (solo_worker.h).
class DeviceLimiter final : public MemoryLimiter {
 public:
  LimiterKind kind() const override { return LimiterKind::device; }
};

// The backend's own account decides, exactly. The address space is only the net below it: a backend
// that forgot to account something is caught by it.
class AccountLimiter final : public MemoryLimiter {
 public:
  explicit AccountLimiter(Bytes limit) : limit_(limit) {}
  LimiterKind kind() const override { return LimiterKind::account; }
  void limit(protocol::Load& request) const override {
    const CandidateGroup& group = request.options.group;
    const Bytes slack = kAddressSpaceSlack + kThreadStack * group.threads * group.instances;
    request.options.account_limit = limit_;
    request.address_space = std::min(limit_, std::numeric_limits<Bytes>::max() - slack) + slack;
    request.limit_after_loading = true;
  }

 private:
  Bytes limit_;
};

// Above what the worker had mapped before loading: what loading and programs take in all.
class AddressSpaceLimiter final : public MemoryLimiter {
 public:
  explicit AddressSpaceLimiter(Bytes limit) : limit_(limit) {}
  LimiterKind kind() const override { return LimiterKind::rlimit; }
  void limit(protocol::Load& request) const override { request.address_space = limit_; }

 private:
  Bytes limit_;
};

}  // namespace

Result<std::unique_ptr<MemoryLimiter>> make_limiter(LimiterWish wish, MemoryKind memory_kind,
                                                    std::optional<Bytes> limit,
                                                    const std::string& cgroup_root,
                                                    const std::string& proc_root) {
  if (!limit || wish == LimiterWish::none) return std::make_unique<NoLimiter>();
  if (wish == LimiterWish::automatic && memory_kind == MemoryKind::device)
    return std::make_unique<DeviceLimiter>();
  const bool accounts = memory_kind == MemoryKind::account;
  if (wish == LimiterWish::account && !accounts)
    return environment_error("a backend that accounts for its memory",
                             "one whose memory only the system knows", "--limiter account",
                             "Use --limiter cgroup, rlimit or auto");
  if (wish == LimiterWish::account || (wish == LimiterWish::automatic && accounts))
    return std::make_unique<AccountLimiter>(*limit);
  if (wish != LimiterWish::rlimit) {
    auto limiter = make_cgroup_limiter(*limit, cgroup_root, proc_root);
    if (limiter || wish == LimiterWish::cgroup) return limiter;
  }
  return std::make_unique<AddressSpaceLimiter>(*limit);
}

}  // namespace batchtune
