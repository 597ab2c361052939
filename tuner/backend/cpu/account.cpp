#include "tuner/backend/cpu/account.h"

#include "tuner/core/units.h"

namespace batchtune::cpu {
namespace {

std::string readable(Bytes bytes) {
  return format_bytes(static_cast<double>(bytes));
}

Ending out_of_memory(const std::string& what, std::string evidence) {
  return {TrialStatus::out_of_memory, "no memory for " + what, std::move(evidence), "host"};
}

}  // namespace

Charge::~Charge() {
  if (account_ != nullptr) account_->used_ -= bytes_;
}

Outcome<Charge> Account::charge(Bytes bytes, const std::string& what) {
  const bool by_limit = limit_ && *limit_ <= ceiling_;
  const Bytes most = by_limit ? *limit_ : ceiling_;
  Bytes wanted = 0;
  if (__builtin_add_overflow(used_, bytes, &wanted)) wanted = INT64_MAX;
  if (wanted > most) {
    const std::string of = " of " + readable(most) + " (" + std::to_string(wanted) + " of " +
                           std::to_string(most) + " bytes)";
    return tl::make_unexpected(out_of_memory(
        what, (by_limit ? "account: wanted " : "machine: wanted ") + readable(wanted) + of));
  }
  used_ = wanted;
  return Charge(this, bytes);
}

Ending out_of_host_memory(Bytes bytes, const std::string& what) {
  return out_of_memory(what, "allocator: wanted " + readable(bytes));
}

Outcome<AccountedBuffer> allocate(Account& account, Bytes bytes, const std::string& what) {
  if (bytes == 0) return AccountedBuffer{};
  // Checked unrounded first: rounding up must not overflow.
  const auto footprint =
      bytes > INT64_MAX - 64
          ? bytes
          : static_cast<Bytes>(kernels::AlignedBuffer::footprint(static_cast<std::size_t>(bytes)));
  BT_TRY(charge, account.charge(footprint, what));
  AccountedBuffer out{std::move(charge),
                      kernels::AlignedBuffer::allocate(static_cast<std::size_t>(bytes))};
  if (!out.buffer) return tl::make_unexpected(out_of_host_memory(bytes, what));
  return out;
}

}  // namespace batchtune::cpu
