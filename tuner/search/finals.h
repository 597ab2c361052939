// The end of a race: batch 1 is finished, the contenders of each backend run until their order is
// settled, then the choices are proved to keep their limits. Private to tuner/search.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuner/search/prove.h"
#include "tuner/search/race.h"

namespace batchtune {

// Batch 1 of each backend; a backend's first group stands for it.
std::vector<Candidate> smallest_of_backends(const Problem& problem);

// Batch 1 of each backend is always measured, whatever the budget: it is what every other batch is
// held against. nullopt: it is.
std::optional<Ask> finish_smallest(Ledger& ledger, const Problem& problem);

class Finals {
 public:
  // nullopt: over, and stop() says how. `ledger` gets numbers and may get its anchor.
  std::optional<Ask> next(Ledger& ledger, const Problem& problem);
  const AskStop& stop() const { return stop_; }

 private:
  struct Race {
    std::vector<TrialId> contenders;
    std::vector<TrialId> settled;  // those whose order was
    RaceOrder order;
    std::string words;  // how it stands
  };

  // Contenders of all backends, fewest rounds first.
  struct Needy {
    std::vector<TrialId> open;   // their order is
    std::vector<TrialId> early;  // it is settled, but of few rounds or programs
  };

  Needy still_needy(const Ledger& ledger, const Problem& problem);
  bool contends(const Ledger& ledger, TrialId trial);
  std::optional<Ask> over(const Ledger& ledger);
  std::optional<Ask> over(SessionEnd end, std::string reason);

  std::map<std::string, Race> races_;  // by backend, as verdicts are
  Prover prover_;
  AskStop stop_;
};

}  // namespace batchtune
