#include "kernels/probe/reference_programs.h"

#include <cstdio>

#include "kernels/probe/pinned_team.h"
#include "kernels/probe/reference_loops.h"
#include "kernels/probe/touched_memory.h"

// Assemblers choose how to pad and how wide a jump is; here both are written out, so that GNU's and
// LLVM's give the same bytes: .org fills with one-byte nops, and each conditional jump is its
// opcode and a 32-bit distance. Each loop starts on a cache line. compute(constants, iterations): x
// <- r x + c, then x <- (x - c) / r, in 12 registers; every value stays about 1. cache(data, bytes,
// passes): 16 loads of 32 bytes per iteration.
asm(R"(
    .text
    .balign 64, 0x90
    .globl bt_reference_compute
    .hidden bt_reference_compute
    .type bt_reference_compute, @function
bt_reference_compute:
    vmovups 0(%rdi), %ymm12
    vmovups 32(%rdi), %ymm13
    vmovups 64(%rdi), %ymm14
    vmovups 96(%rdi), %ymm15
    vmovups 128(%rdi), %ymm0
    vmovaps %ymm0, %ymm1
    vmovaps %ymm0, %ymm2
    vmovaps %ymm0, %ymm3
    vmovaps %ymm0, %ymm4
    vmovaps %ymm0, %ymm5
    vmovaps %ymm0, %ymm6
    vmovaps %ymm0, %ymm7
    vmovaps %ymm0, %ymm8
    vmovaps %ymm0, %ymm9
    vmovaps %ymm0, %ymm10
    vmovaps %ymm0, %ymm11
    .org bt_reference_compute + 128, 0x90
1:  vfmadd213ps %ymm13, %ymm12, %ymm0
    vfmadd213ps %ymm13, %ymm12, %ymm1
    vfmadd213ps %ymm13, %ymm12, %ymm2
    vfmadd213ps %ymm13, %ymm12, %ymm3
    vfmadd213ps %ymm13, %ymm12, %ymm4
    vfmadd213ps %ymm13, %ymm12, %ymm5
    vfmadd213ps %ymm13, %ymm12, %ymm6
    vfmadd213ps %ymm13, %ymm12, %ymm7
    vfmadd213ps %ymm13, %ymm12, %ymm8
    vfmadd213ps %ymm13, %ymm12, %ymm9
    vfmadd213ps %ymm13, %ymm12, %ymm10
    vfmadd213ps %ymm13, %ymm12, %ymm11
    vfmadd213ps %ymm15, %ymm14, %ymm0
    vfmadd213ps %ymm15, %ymm14, %ymm1
    vfmadd213ps %ymm15, %ymm14, %ymm2
    vfmadd213ps %ymm15, %ymm14, %ymm3
    vfmadd213ps %ymm15, %ymm14, %ymm4
    vfmadd213ps %ymm15, %ymm14, %ymm5
    vfmadd213ps %ymm15, %ymm14, %ymm6
    vfmadd213ps %ymm15, %ymm14, %ymm7
    vfmadd213ps %ymm15, %ymm14, %ymm8
    vfmadd213ps %ymm15, %ymm14, %ymm9
    vfmadd213ps %ymm15, %ymm14, %ymm10
    vfmadd213ps %ymm15, %ymm14, %ymm11
    decq %rsi
    .byte 0x0f, 0x85             # jnz 1b
    .long 1b - 4f
4:
    vmovups %ymm0, 160(%rdi)
    vzeroupper
    ret
    .globl bt_reference_compute_end
    .hidden bt_reference_compute_end
bt_reference_compute_end:
    .size bt_reference_compute, . - bt_reference_compute

    .balign 64, 0x90
    .globl bt_reference_cache
    .hidden bt_reference_cache
    .type bt_reference_cache, @function
bt_reference_cache:
    leaq (%rdi,%rsi), %r8
    movq %rdi, %rax
    .org bt_reference_cache + 64, 0x90
2:  vmovaps 0(%rax), %ymm0
    vmovaps 32(%rax), %ymm1
    vmovaps 64(%rax), %ymm2
    vmovaps 96(%rax), %ymm3
    vmovaps 128(%rax), %ymm4
    vmovaps 160(%rax), %ymm5
    vmovaps 192(%rax), %ymm6
    vmovaps 224(%rax), %ymm7
    vmovaps 256(%rax), %ymm8
    vmovaps 288(%rax), %ymm9
    vmovaps 320(%rax), %ymm10
    vmovaps 352(%rax), %ymm11
    vmovaps 384(%rax), %ymm12
    vmovaps 416(%rax), %ymm13
    vmovaps 448(%rax), %ymm14
    vmovaps 480(%rax), %ymm15
    addq $512, %rax
    cmpq %r8, %rax
    .byte 0x0f, 0x82             # jb 2b
    .long 2b - 5f
5:  movq %rdi, %rax
    decq %rdx
    .byte 0x0f, 0x85             # jnz 2b
    .long 2b - 6f
6:
    vzeroupper
    ret
    .globl bt_reference_cache_end
    .hidden bt_reference_cache_end
bt_reference_cache_end:
    .size bt_reference_cache, . - bt_reference_cache
)");

namespace batchtune::probe {
namespace {

// Frozen: all of it is hashed. A run takes about 3 ms at 4 GHz with two multiply-adds a cycle and
// at 200 GB/s from the cache.
constexpr std::uint64_t kComputeIterations = 1'000'000;
constexpr std::uint64_t kComputeWarmIterations =
    20'000;  // 60 us: wide units that slept have woken up
// Per CPU: beyond L1, and a quarter of an L2 of 1 MiB. Half of it was too much: a guest's huge page
// may be scattered 4-KiB pages of the host, and in one process of twelve so many of these fell on
// the same sets that the loop took 11 to 40 % longer for as long as the process lived.
constexpr std::uint64_t kCacheBytes = 256 * 1024;
constexpr std::uint64_t kCachePasses = 2'400;
constexpr std::uint64_t kCacheWarmPasses = 8;  // brings the block back after another program's turn

constexpr std::uint64_t kFnvOffset = 14695981039346656037u;
constexpr std::uint64_t kFnvPrime = 1099511628211u;

std::uint64_t fnv(std::uint64_t hash, const unsigned char* begin, const unsigned char* end) {
  for (; begin != end; ++begin) hash = (hash ^ *begin) * kFnvPrime;
  return hash;
}

}  // namespace

bool reference_programs_available() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}

std::string reference_programs_hash() {
  std::uint64_t hash = kFnvOffset;
  hash = fnv(hash, reinterpret_cast<const unsigned char*>(&bt_reference_compute),
             bt_reference_compute_end);
  hash = fnv(hash, reinterpret_cast<const unsigned char*>(&bt_reference_cache),
             bt_reference_cache_end);
  for (std::uint64_t parameter :
       {kComputeIterations, kComputeWarmIterations, kCacheBytes, kCachePasses, kCacheWarmPasses}) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&parameter);
    hash = fnv(hash, bytes, bytes + sizeof parameter);
  }
  const ComputeBlock block;
  const auto* bytes = reinterpret_cast<const unsigned char*>(block.lanes);
  hash = fnv(hash, bytes, bytes + sizeof block.lanes);
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

struct ReferencePrograms::State {
  explicit State(const std::vector<int>& cpus)
      : team(cpus), compute(cpus.size()), memory(cpus.size()) {}
  PinnedTeam team;
  std::vector<ComputeBlock> compute;  // one per CPU, on cache lines of its own
  std::vector<TouchedMemory> memory;  // kCacheBytes per CPU, touched first by that CPU
  std::string failure;
};

ReferencePrograms::ReferencePrograms(const std::vector<int>& cpus)
    : state_(std::make_unique<State>(cpus)) {
  State& state = *state_;
  if (!reference_programs_available()) {
    state.failure = "the CPU lacks AVX2 or FMA";
  } else if (cpus.empty() || state.team.size() != static_cast<int>(cpus.size())) {
    state.failure = "the system did not give one thread per CPU";
  } else {
    state.team.run(
        state.team.size(), [](int) {},
        [&](int i) {
          auto& memory = state.memory[static_cast<std::size_t>(i)];
          memory.reserve(kCacheBytes);
          memory.touch(kCacheBytes);
        });
    for (const TouchedMemory& memory : state.memory) {
      if (memory.touched() < kCacheBytes) state.failure = "no memory for the reference programs";
    }
  }
}

ReferencePrograms::~ReferencePrograms() = default;

const std::string& ReferencePrograms::failure() const {
  return state_->failure;
}

std::optional<double> ReferencePrograms::run(std::string_view name) {
  State& state = *state_;
  if (!state.failure.empty()) return std::nullopt;
  const auto compute = [&](std::uint64_t iterations) {
    return [&state, iterations](int i) {
      bt_reference_compute(&state.compute[static_cast<std::size_t>(i)].lanes[0][0], iterations);
    };
  };
  const auto cache = [&](std::uint64_t passes) {
    return [&state, passes](int i) {
      bt_reference_cache(state.memory[static_cast<std::size_t>(i)].data(), kCacheBytes, passes);
    };
  };
  const int members = state.team.size();
  if (name == "compute") {
    return state.team.run(members, compute(kComputeWarmIterations), compute(kComputeIterations));
  }
  if (name == "cache") return state.team.run(members, cache(kCacheWarmPasses), cache(kCachePasses));
  return std::nullopt;
}

}  // namespace batchtune::probe
