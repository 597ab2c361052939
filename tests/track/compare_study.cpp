// See compare_study.h.
#include "tests/track/compare_study.h"

#include <cmath>
#include <random>
#include <vector>

#include "tuner/statistics/levels.h"
#include "tuner/track/compare.h"

namespace batchtune::synthetic {
namespace {

void add_trials(Session& session, const std::vector<Program>& programs) {
  std::vector<const Round*> rounds;
  for (const Observation& observation : session.record.observations)
    rounds.push_back(&std::get<Round>(observation.what));
  std::vector<Subject> subjects;
  for (const Program& program : programs)
    if (program.reference.empty()) subjects.push_back({program.trial, program.trial, 1});
  const auto measured = levels(rounds, session.record.anchor, subjects);
  for (const Subject& subject : subjects) {
    Trial trial;
    trial.id = subject.trial;
    trial.candidate.group.backend = "cpu";
    trial.candidate.batch = subject.batch;
    trial.measurement = measured.at(subject.trial);
    session.conclusion.trials.push_back(trial);
  }
}

}  // namespace

Session session_of(const SessionPlan& plan, std::uint64_t seed) {
  std::mt19937_64 random(seed * 104729 + 7);
  std::normal_distribution<double> hour(0, 0.05), own(0, plan.own);
  const double machine = std::exp(hour(random));
  Plan rounds;
  rounds.programs = {
      {1, "", 0.010, 1.0}, {2, "", 0.017, 1.2}, {3, "", 0.040, 0.8}, {0, "cache", 0.002, 1.0}};
  rounds.noise = plan.noise;
  rounds.rounds = plan.rounds;
  rounds.seen = plan.seen;
  for (Program& program : rounds.programs) {
    program.seconds *= machine * std::exp(own(random));
    if (program.reference.empty()) program.seconds *= plan.change;
  }
  Session session;
  session.record.anchor = session.conclusion.anchor = plan.anchor;
  session.record.header.model.hash = "1";
  session.record.header.reference_hash = "abcd";
  for (Round& round : rounds_of(rounds, seed))
    session.record.observations.push_back({std::move(round), 0, 0});
  add_trials(session, rounds.programs);
  return session;
}

CompareFinding compare_study(const SessionPlan& base, const SessionPlan& now, int pairs,
                             std::uint64_t seed) {
  CompareFinding finding;
  double programs = 0;
  for (int p = 0; p < pairs; ++p) {
    const auto number = seed + 2 * static_cast<std::uint64_t>(p);
    const Session first = session_of(base, number), second = session_of(now, number + 1);
    const Comparison comparison =
        compare({first.record, first.conclusion}, {second.record, second.conclusion});
    bool claimed = false;
    for (const ComparedPair& pair : comparison.pairs) {
      ++programs;
      claimed |= pair.verdict == PairVerdict::slower || pair.verdict == PairVerdict::faster;
      finding.found += pair.verdict == PairVerdict::slower;
      finding.inconclusive += pair.verdict == PairVerdict::inconclusive;
    }
    finding.claimed += claimed;
  }
  finding.claimed /= pairs;
  finding.found /= programs;
  finding.inconclusive /= programs;
  return finding;
}

}  // namespace batchtune::synthetic
