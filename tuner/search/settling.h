// When a backend's choice is sure enough for the adaptive search to stop, and the words for it.
// Private to tuner/search; it asks for nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tuner/search/contest.h"
#include "tuner/search/ledger.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// The model calls the choice wrong with at most 1 - Problem::confidence.
bool is_confident(const Standing& standing, const Problem& problem);

// Confident; or what the choice is expected to lose is so small a part of the tolerance that it is
// not worth another look.
bool is_sure(const Standing& standing, const Problem& problem);

// How sure a backend's choice was at spaced numbers of rounds. What was sure then is settled, and
// stays so while it is the choice: looking again finds luck.
class Settling {
 public:
  // `open`: a batch that must still be seen and can be; `unseen`: one that should be seen, but
  // cannot any more; 0: there is none.
  void look(const Contest& contest, const Ledger& ledger, const Problem& problem, bool open,
            std::int64_t unseen);
  bool is_due(std::size_t rounds) const;
  bool is_settled(const Contest& contest) const;  // the choice of now is the one found sure
  bool all_seen() const { return unseen_ == 0; }

  // "no batch is better than 8 by more than 1 % (97 % sure; expected loss 0.2 %) after 9 batches in
  // 31 rounds; the roofline's shape ..." The figures are those that the choice was settled by.
  std::string words(const Contest& contest, const Ledger& ledger, const Problem& problem) const;

 private:
  TrialId choice_ = 0;
  bool sure_ = false;
  std::size_t rounds_ = 0;  // when it was looked at
  Standing standing_;
  std::int64_t unseen_ = 0;
};

}  // namespace batchtune
