// The backend's own account of its bytes: everything of size is charged before it is allocated, so
// that running out is exact and repeatable. Some scratch stays outside: the README says which.
#pragma once

#include <optional>
#include <utility>

#include "kernels/aligned_buffer.h"
#include "tuner/backend/backend.h"

namespace batchtune::cpu {

class Account;

// Charged bytes; given back when it ends. Must not outlive its account.
class Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept
      : account_(std::exchange(other.account_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&& other) noexcept {
    std::swap(account_, other.account_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Charge();
  Bytes bytes() const { return bytes_; }

 private:
  friend class Account;
  Charge(Account* account, Bytes bytes) : account_(account), bytes_(bytes) {}
  Account* account_ = nullptr;
  Bytes bytes_ = 0;
};

class Account {
 public:
  // `ceiling`: what the machine can give; it decides where no limit is given or the limit is above
  // it, so that touching memory cannot bring the machine down.
  Account(std::optional<Bytes> limit, Bytes ceiling) : limit_(limit), ceiling_(ceiling) {}
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // `what` names the bytes in the reason ("activations of batch 8").
  Outcome<Charge> charge(Bytes bytes, const std::string& what);
  Bytes used() const { return used_; }

 private:
  friend class Charge;
  std::optional<Bytes> limit_;
  Bytes ceiling_;
  Bytes used_ = 0;
};

// A buffer with its charge.
struct AccountedBuffer {
  Charge charge;  // declared first: given back after the buffer is
  kernels::AlignedBuffer buffer;
};

Outcome<AccountedBuffer> allocate(Account& account, Bytes bytes, const std::string& what);

// The allocator said no, though the account allowed it.
Ending out_of_host_memory(Bytes bytes, const std::string& what);

}  // namespace batchtune::cpu
