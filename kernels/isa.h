// Instruction sets that kernels exist for, and which of them this machine can run.
// "Supported" means the CPU's bit and the operating system's: without saved wide registers the
// first such instruction ends the process. The tile registers of AMX also need a permission, which
// asking for the first time obtains: so ask before any thread uses them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace batchtune::kernels {

// From narrow to wide: each one includes those before it.
enum class Isa : std::uint8_t { reference, avx2, avx512, avx512bf16, amx };

inline constexpr Isa kAllIsas[] = {Isa::reference, Isa::avx2, Isa::avx512, Isa::avx512bf16,
                                   Isa::amx};

// A set of instruction sets, one bit each. Selection takes it as a plain value, so that tests can
// choose for machines that they do not run on.
using IsaMask = std::uint32_t;
constexpr IsaMask mask_of(Isa isa) {
  return IsaMask{1} << static_cast<unsigned>(isa);
}
constexpr bool contains(IsaMask mask, Isa isa) {
  return (mask & mask_of(isa)) != 0;
}
// `widest` and everything narrower.
constexpr IsaMask up_to(Isa widest) {
  return (mask_of(widest) << 1) - 1;
}

// "reference", "avx2", "avx512", "avx512bf16", "amx"; parse_isa is its inverse.
std::string_view name_of(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);

// What this machine runs; reference always. Asked of the CPU once per process; safe from any
// thread.
IsaMask machine_isas();
inline bool supported(Isa isa) {
  return contains(machine_isas(), isa);
}
Isa best_isa();

// Why this machine cannot run it, as a clause ("the CPU lacks avx512bw"); empty when it can.
std::string why_not(Isa isa);

}  // namespace batchtune::kernels
