// Prints the table of tuner/track/README.md: identical synthetic sessions, and changed ones, held
// against each other.
#include <cstdio>
#include <cstdlib>

#include "tests/track/compare_study.h"

int main(int argc, char** argv) {
  using namespace batchtune::synthetic;
  constexpr std::uint64_t kSeed = 1'000'000;
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 1000;
  std::puts(
      "| noise | rounds | false claims % | inconclusive % | +3 % found % | +5 % | +7 % | +10 % |");
  std::puts("|---|---|---|---|---|---|---|---|");
  for (const NoiseKind& kind : noise_kinds())
    for (const int rounds : {12, 20, 40}) {
      SessionPlan base;
      base.noise = kind.parameters;
      base.rounds = rounds;
      SessionPlan now = base;
      now.anchor = 2;
      const CompareFinding same = compare_study(base, now, pairs, kSeed);
      std::printf("| %s | %d | %.1f | %.1f |", kind.name.c_str(), rounds, 100 * same.claimed,
                  100 * same.inconclusive);
      for (const double change : {1.03, 1.05, 1.07, 1.10}) {
        now.change = change;
        std::printf(" %.0f |", 100 * compare_study(base, now, pairs / 4, kSeed).found);
      }
      std::puts("");
      std::fflush(stdout);
    }
  return 0;
}
