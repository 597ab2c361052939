// The worker's part of a round: its visits one after the other, with what is watched between them
// (canaries, faults, switches). Nothing is sent, encoded or printed until the last visit is over.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/measure/beacon.h"
#include "tuner/measure/canary.h"
#include "tuner/measure/protocol.h"
#include "tuner/measure/stillness.h"

namespace batchtune {

struct HeldProgram {
  std::unique_ptr<Program> program;
  std::int64_t batch = 0;
  int instances = 1;
};

// A visit to a program that is not held fails; the others are made. `canaries` may be null.
protocol::ShareDone run_share(const protocol::Share& share,
                              const std::map<TrialId, HeldProgram>& programs, Beacon& beacon,
                              Stillness& stillness, Canaries* canaries);

}  // namespace batchtune
