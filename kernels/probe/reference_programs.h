// Two frozen loops against which sessions are held: "compute" (register multiply-adds) and "cache"
// (reads 256 KiB per CPU again and again). They are inline assembly for AVX2 in one version without
// dispatch, so that neither compiler nor build type changes them; hash() names instructions and
// parameters. The trap: anything that changes here (an instruction, a count) makes old sessions
// incomparable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace batchtune::probe {

inline constexpr std::string_view kReferenceProgramNames[] = {"compute", "cache"};

// Whether this CPU can run them (AVX2 with FMA, saved by the operating system).
bool reference_programs_available();

// FNV-1a over the instruction bytes of both loops and the frozen parameters, as 16 hexadecimal
// digits. The same on every machine; needs no AVX2.
std::string reference_programs_hash();

class ReferencePrograms {
 public:
  // One pinned thread per CPU, parked between runs (no CPU use). Needs
  // reference_programs_available().
  explicit ReferencePrograms(const std::vector<int>& cpus);
  ~ReferencePrograms();
  ReferencePrograms(const ReferencePrograms&) = delete;
  ReferencePrograms& operator=(const ReferencePrograms&) = delete;

  // Empty when all CPUs have their thread and memory; else why runs are impossible.
  const std::string& failure() const;

  // Seconds of one run on all CPUs: 2 to 5 ms on current machines. nullopt for an unknown name and
  // after a failure. Each thread warms up before the time starts.
  std::optional<double> run(std::string_view name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchtune::probe
