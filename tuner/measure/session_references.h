// The reference programs of a session, in a worker of their own: prepared once before the first
// round, and visited in every round. One that ends is left out from then on. They are numbered
// from 1 in the order of kReferencePrograms.
#pragma once

#include <functional>
#include <string>

#include "tuner/core/error.h"
#include "tuner/measure/known_programs.h"
#include "tuner/measure/racing_worker.h"

namespace batchtune {

std::string reference_name(TrialId program);

class SessionReferences {
 public:
  using OnLost = std::function<void(const std::string& name, const Ending& ending)>;

  // `on_lost` may be empty.
  SessionReferences(RacingSetup setup, int threads, OnLost on_lost);

  // Device time spent; later calls do nothing.
  Result<Seconds> prepare();
  void lose(TrialId program, const Ending& ending);
  RacingWorker& worker() { return worker_; }
  KnownPrograms& known() { return known_; }

 private:
  RacingWorker worker_;
  int threads_;
  OnLost on_lost_;
  KnownPrograms known_;
  bool prepared_ = false;
};

}  // namespace batchtune
