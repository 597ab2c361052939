// CPU bits by cpuid, saved register state by xgetbv, permission by arch_prctl. Machine code for the
// baseline CPU only.
#include "kernels/isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace batchtune::kernels {
namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

constexpr bool bit(unsigned value, int index) {
  return (value >> index & 1u) != 0;
}

// Register states that the operating system saves (XCR0); 0 when it does not say.
std::uint64_t saved_states(bool osxsave) {
  if (!osxsave) return 0;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

constexpr std::uint64_t kStateYmm = 0x06;  // SSE and AVX halves
constexpr std::uint64_t kStateZmm = 0xe6;  // those, opmasks, and the upper halves and upper 16 zmm
constexpr std::uint64_t kStateTiles = 0x60000;  // the tiles and their configuration

// Linux saves 8 KiB of tiles for those processes alone that ask first; for all threads of now and
// later.
bool permitted_to_use_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// One requirement of an instruction set, in the order of checking.
struct Requirement {
  Isa from;  // the narrowest ISA that needs it
  bool met;
  const char* lack;
};

struct Findings {
  Requirement list[14];
};

Findings look() {
  const Registers one = cpuid(1, 0);
  const Registers seven = cpuid(7, 0);
  const Registers seven_one = cpuid(7, 1);
  const std::uint64_t saved = saved_states(bit(one.ecx, 27));
  const bool has_tiles = bit(seven.edx, 24), saves_tiles = (saved & kStateTiles) == kStateTiles;
  return {{
      {Isa::avx2, bit(seven.ebx, 5), "the CPU lacks avx2"},
      {Isa::avx2, bit(one.ecx, 12), "the CPU lacks fma"},
      {Isa::avx2, bit(one.ecx, 29), "the CPU lacks f16c"},
      {Isa::avx2, (saved & kStateYmm) == kStateYmm,
       "the operating system does not save the 256-bit registers"},
      {Isa::avx512, bit(seven.ebx, 16), "the CPU lacks avx512f"},
      {Isa::avx512, bit(seven.ebx, 30), "the CPU lacks avx512bw"},
      {Isa::avx512, bit(seven.ebx, 31), "the CPU lacks avx512vl"},
      {Isa::avx512, bit(seven.ebx, 17), "the CPU lacks avx512dq"},
      {Isa::avx512, (saved & kStateZmm) == kStateZmm,
       "the operating system does not save the 512-bit registers"},
      {Isa::avx512bf16, bit(seven_one.eax, 5), "the CPU lacks avx512_bf16"},
      {Isa::amx, has_tiles, "the CPU lacks amx_tile"},
      {Isa::amx, bit(seven.edx, 22), "the CPU lacks amx_bf16"},
      {Isa::amx, saves_tiles, "the operating system does not save the tile registers"},
      {Isa::amx, has_tiles && saves_tiles && permitted_to_use_tiles(),
       "the operating system does not permit this process to use the tile registers"},
  }};
}

const Findings& findings() {
  static const Findings found = look();
  return found;
}

// The first unmet requirement of `isa`; null when it can run.
const char* first_lack(Isa isa) {
  for (const Requirement& requirement : findings().list) {
    if (requirement.from <= isa && !requirement.met) return requirement.lack;
  }
  return nullptr;
}

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::reference:
      return "reference";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::avx512bf16:
      return "avx512bf16";
    case Isa::amx:
      return "amx";
  }
  return "unknown";
}

std::optional<Isa> parse_isa(std::string_view name) {
  for (Isa isa : kAllIsas) {
    if (name_of(isa) == name) return isa;
  }
  return std::nullopt;
}

IsaMask machine_isas() {
  IsaMask mask = 0;
  for (Isa isa : kAllIsas) {
    if (first_lack(isa) == nullptr) mask |= mask_of(isa);
  }
  return mask;
}

Isa best_isa() {
  Isa best = Isa::reference;
  for (Isa isa : kAllIsas) {
    if (supported(isa)) best = isa;
  }
  return best;
}

std::string why_not(Isa isa) {
  const char* lack = first_lack(isa);
  return lack == nullptr ? std::string() : std::string(lack);
}

}  // namespace batchtune::kernels
