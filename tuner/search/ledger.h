// What a strategy has been told so far, as figures to decide by: who is prepared, how fast each
// candidate is, what memory it needs, what was spent. Private to tuner/search; it asks for nothing
// itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/search/compiles.h"
#include "tuner/search/curve.h"
#include "tuner/search/strategy.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/promise.h"

namespace batchtune {

struct Entry {
  TrialId id = 0;
  Candidate candidate;
  Ending ending;                // the last one told
  bool told = false;            // its preparation has been answered
  bool live = false;            // held by the racing worker
  Seconds prepare_seconds = 0;  // as told last, with what was waited for the compiler: ...
  Seconds compile_wait = 0;     // ... so much
  std::optional<Seconds> first_run;
  std::optional<Seconds> latency;    // undisturbed, from rounds
  std::optional<Seconds> seen;       // median of its visit medians
  int shared = 0;                    // rounds with the anchor (the anchor: its rounds), ...
  int since_prepared = 0;            // ... so many of them since it was prepared last
  int programs = 0;                  // times that it was prepared
  std::vector<Seconds> medians;      // of its visits
  std::vector<VisitSamples> visits;  // timed runs of all instances, in the order of rounds
  std::vector<LimitVerdict> limits;  // as the latency limits wished (judge_at_look()); or none yet
  bool doubtful = false;             // one of them is broken more likely than not

  bool ok() const { return told && ending.status == TrialStatus::ok; }
  Seconds prepare_without_compiler() const { return prepare_seconds - compile_wait; }
};

class Ledger {
 public:
  explicit Ledger(const Problem& problem);

  TrialId number(const Candidate& candidate);  // its trial; a new one when it has none
  void tell(const Observation& observation);
  void release(TrialId trial);
  void fix_anchor(TrialId trial);  // once
  void compile_ahead(const Candidate& candidate) { compiles_.begin_ahead(candidate); }

  const std::vector<Entry>& entries() const { return entries_; }
  const Entry* find(const Candidate& candidate) const;
  const Entry& at(TrialId trial) const { return entries_[static_cast<std::size_t>(trial) - 1]; }
  TrialId anchor() const { return anchor_; }
  const std::vector<RoundMedians>& rounds() const { return rounds_; }
  const std::vector<Round>& raw_rounds() const { return raw_rounds_; }
  const std::vector<Probe>& probes(const CandidateGroup& group) const;
  const Compiles& compiles() const { return compiles_; }

  // Seconds of one run: measured, of the first run, or scaled from the nearest batch known
  // (measured or estimated); 0 when nothing is known.
  Seconds run_seconds(const Candidate& candidate) const;
  // Of one instance, by the largest batch that ran; nullopt: none did.
  std::optional<Seconds> seconds_per_sample(const CandidateGroup& group) const;
  double rate(const Entry& entry) const;  // samples/s of all instances; 0 before it was in a round
  // The same with what is known of its neighbours: what choices are made by.
  double pooled_rate(const Entry& entry) const;
  std::vector<Look> looks() const;  // of those that ran in rounds and have not failed since
  const CurveModel& curve(const std::string& backend) const;  // of all its groups
  // Ran, was in a round, fits, and lasted if it was soaked.
  bool usable(const Entry& entry) const;
  // Usable, and worth further rounds: a latency limit is broken when it is judged so or doubtful,
  // and until it is judged when its level is above it.
  bool choosable(const Entry& entry) const;
  // Bytes by the account of the prepared ones, else by solo runs, else by the estimate, moved to
  // the one account that is known.
  std::optional<double> predicted_memory(const Candidate& candidate) const;
  // Predicted to stay under the memory limit, if any, or seen to do so by a probe; and predicted to
  // stay under what is safe without a limit.
  bool fits(const Candidate& candidate) const;

  // Waiting for a compiler is none of the device's time.
  Seconds racing_left() const { return problem_.budget.racing - racing_spent_; }
  Seconds racing_spent() const { return racing_spent_; }
  Seconds probing_left() const { return problem_.budget.probing - probing_spent_; }
  std::uint64_t next_sequence() const { return rounds_.size(); }

 private:
  void tell_round(const Round& round);
  void update_levels();
  void judge_limits(const Round& round);

  Problem problem_;
  Compiles compiles_;
  std::vector<Entry> entries_;  // entry i is trial i + 1
  TrialId anchor_ = 0;
  std::vector<RoundMedians> rounds_;
  std::size_t levelled_ = 0;  // rounds that the levels are of
  std::vector<Round> raw_rounds_;
  std::map<CandidateGroup, std::vector<Probe>> probes_;
  std::map<CandidateGroup, std::map<std::int64_t, double>> accounted_;  // bytes by batch
  Seconds racing_spent_ = 0, probing_spent_ = 0;
  // Of what was told so far, made when first asked for.
  mutable std::map<std::string, std::shared_ptr<const CurveModel>> curves_;
  mutable std::optional<std::map<TrialId, double>> pooled_;
};

}  // namespace batchtune
