#include "tuner/measure/share.h"

#include <sys/resource.h>

#include <optional>
#include <utility>

#include "tuner/core/stopwatch.h"
#include "tuner/measure/visit.h"

namespace batchtune {
namespace {

using namespace protocol;

Usage usage_now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {usage.ru_nivcsw, usage.ru_minflt, usage.ru_majflt};
}

Usage operator-(const Usage& after, const Usage& before) {
  return {after.involuntary_switches - before.involuntary_switches,
          after.minor_faults - before.minor_faults, after.major_faults - before.major_faults};
}

class ShareHooks final : public VisitHooks {
 public:
  ShareHooks(const std::vector<PlannedVisit>& visits, const std::vector<std::int64_t>& batches,
             Beacon& beacon, bool watch, Stillness& stillness, Canaries* canaries)
      : visits_(visits),
        batches_(batches),
        beacon_(beacon),
        watch_(watch),
        stillness_(stillness),
        canaries_(watch ? canaries : nullptr),
        usages_(visits.size()) {
    bursts_.reserve(visits.size() + 1);
  }

  void before(std::size_t visit) override {
    if (visit == 0) burst(visit);
    if (watch_) usages_[visit] = usage_now();
    beacon_.set(Phase::warm, visits_[visit].program, batches_[visit]);
  }
  void before_timed(std::size_t visit) override {
    beacon_.set(Phase::timed, visits_[visit].program, batches_[visit]);
  }
  void after_run() override { beacon_.beat(); }
  void after(std::size_t visit) override {
    if (watch_) usages_[visit] = usage_now() - usages_[visit];
    burst(visit);
  }

  std::optional<Usage> usage(std::size_t visit) const {
    return watch_ ? std::optional(usages_[visit]) : std::nullopt;
  }
  std::vector<CanaryReading> take_bursts() { return std::move(bursts_); }
  Seconds canary_seconds() const { return canary_seconds_; }

 private:
  // Names the program that ran last, whose threads may still do harm; before the first visit the
  // one that comes.
  void burst(std::size_t visit) {
    if (canaries_ == nullptr) return;
    const Stopwatch stopwatch;
    beacon_.set(Phase::canary, visits_[visit].program, batches_[visit]);
    stillness_.wait();
    bursts_.push_back(canaries_->burst());
    canary_seconds_ += stopwatch.seconds();
  }

  const std::vector<PlannedVisit>& visits_;
  const std::vector<std::int64_t>& batches_;
  Beacon& beacon_;
  bool watch_;
  Stillness& stillness_;
  Canaries* canaries_;
  std::vector<Usage> usages_;
  std::vector<CanaryReading> bursts_;
  Seconds canary_seconds_ = 0;
};

class NoProgram final : public Program {
 public:
  Outcome<RunTimes> run(int) override {
    return tl::unexpected(Ending{TrialStatus::failed, "the program is not prepared", "", ""});
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{}; }
  MemoryUse memory() const override { return {}; }
};

}  // namespace

ShareDone run_share(const Share& share, const std::map<TrialId, HeldProgram>& programs,
                    Beacon& beacon, Stillness& stillness, Canaries* canaries) {
  NoProgram nothing;
  std::vector<VisitPlan> plans;
  std::vector<std::int64_t> batches;
  for (const PlannedVisit& planned : share.visits) {
    const auto found = programs.find(planned.program);
    const bool held = found != programs.end();
    plans.push_back({held ? found->second.program.get() : &nothing, planned.warm, planned.timed,
                     held ? found->second.instances : 1});
    batches.push_back(held ? found->second.batch : 0);
  }
  ShareHooks hooks(share.visits, batches, beacon, share.watch, stillness, canaries);
  std::vector<VisitRuns> runs = run_visits(plans, hooks);
  beacon.set(Phase::idle);

  ShareDone done;
  for (std::size_t i = 0; i < runs.size(); ++i)
    done.visits.push_back({share.visits[i].program, std::move(runs[i].ending), share.visits[i].warm,
                           std::move(runs[i].instances), hooks.usage(i), runs[i].gap,
                           runs[i].extra});
  done.bursts = hooks.take_bursts();
  done.canaries = hooks.canary_seconds();
  return done;
}

}  // namespace batchtune
