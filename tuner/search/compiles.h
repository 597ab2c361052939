// What compiling costs a search, where preparing waits for a compiler: which programs are compiled,
// how many compilations were used, how long one takes. Private to tuner/search; it asks for
// nothing. Groups that differ in threads, instances or cores alone run the same programs, until a
// preparation shows that they do not.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// Whether two groups run the same programs, batch for batch.
bool same_programs(const CandidateGroup& a, const CandidateGroup& b);

class Compiles {
 public:
  explicit Compiles(const Problem& problem)
      : most_(problem.most_compiles), elsewhere_(problem.compiles_elsewhere) {}

  // Seconds of the preparation that were waited for the compiler. One that failed before its first
  // run does not tell them: where programs are compiled it counts as a compilation, in full.
  Seconds tell(const Preparation& preparation);
  void tell(const Probe& probe);
  void begin_ahead(const Candidate& candidate);  // it was asked to be compiled in the background

  // Whether compilations of this group are limited in number (Problem::most_compiles); not where a
  // preparation has shown that its backend compiles nothing.
  bool counted(const CandidateGroup& group) const;
  // Compiled before the session or in it, or being compiled: preparing it costs no compilation.
  bool is_paid(const Candidate& candidate) const;
  bool is_pending(const Candidate& candidate) const;  // being compiled, as far as was told
  bool may_prepare(const Candidate& candidate) const;
  // Batches of the group that are paid, ascending.
  std::vector<std::int64_t> paid(const CandidateGroup& group) const;

  int used() const;                             // compilations of this session
  int used(const CandidateGroup& group) const;  // of programs that the group runs
  int left() const;                             // of most_compiles; a large number without a limit
  int pending() const;
  Seconds usual_wait() const;  // for a whole compilation; 0 before one was seen
  // What preparing it is expected to wait for the compiler; 0 for one that is paid.
  Seconds expected_wait(const Candidate& candidate) const;

 private:
  struct Program {
    Candidate candidate;  // the first one that it was seen of
    bool compiled = false, pending = false;
    bool counts = false;  // as a compilation of this session
    bool early = false;   // begun ahead before anything was told of what is compiled already
  };
  bool same(const Candidate& a, const Candidate& b) const;
  const Program* find(const Candidate& candidate) const;
  Program& at(const Candidate& candidate);
  bool compiles(const CandidateGroup& group) const;
  void note_found(const CandidateGroup& group, const std::vector<std::int64_t>& batches);

  int most_;
  bool elsewhere_;
  bool shared_ = true;  // groups with the same programs, as far as is known
  std::vector<Program> programs_;
  std::set<std::string> compiling_, plain_;  // backends that were seen to compile, and not to
  std::vector<CandidateGroup> loaded_;       // of which some preparation was told
  std::vector<Seconds> waits_;               // for whole compilations
};

}  // namespace batchtune
