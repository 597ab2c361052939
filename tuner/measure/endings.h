// Why a worker process ended, decided from what could be seen of it: one pure function over the
// evidence. It reads no file and no clock. Trap: SIGKILL alone says nothing of memory, since anyone
// may send it; only a counter that rose, or pressure that was seen, makes it out_of_memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuner/core/observation.h"
#include "tuner/core/units.h"
#include "tuner/measure/beacon.h"

namespace batchtune {

struct EndingEvidence {
  enum class How {
    died,     // by itself or by a signal that this parent did not send; see wait_status
    silent,   // it gave no sign of life for `silence` seconds, and was killed by this parent
    garbage,  // it sent what is no message, and was killed by this parent
    deaf,     // it closed its channel and lived on, and was killed by this parent
  };
  How how = How::died;
  int wait_status = 0;  // died: as waitpid gave it
  Seconds silence = 0;  // silent
  std::string detail;   // garbage and deaf: what was wrong
  BeaconState last;     // what it had in hand
  Bytes peak_resident = 0;
  bool at_most = false;  // the system counts what the parent held at its start: that was more
  std::optional<std::int64_t> limiter_kills;  // of processes under its own memory limit
  // How far these rose since it was last asked something; nullopt: not to be known.
  std::optional<std::int64_t> system_kills;  // processes killed for memory on the whole machine
  std::optional<Seconds> memory_stall;       // that some task of the machine waited for memory
  std::optional<Bytes> available;  // memory that the machine had free when it was last asked
};

struct Judgement {
  Ending ending;
  bool killed = false;       // by the kernel for memory, by the watchdog, or by a stranger
  bool unexplained = false;  // SIGKILL for no reason that could be seen: worth one more try
};

Judgement judge(const EndingEvidence& evidence);

// ", last seen preparing batch 8, peak resident 1.20 GiB"
std::string last_seen(const EndingEvidence& evidence);

// Whether a program takes memory in this phase: its first run touches what preparing reserved.
bool takes_memory(Phase phase);

}  // namespace batchtune
