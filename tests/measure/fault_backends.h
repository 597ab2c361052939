// Backends that end their worker process in ways that no real one may: for tests of endings.
//   kill:PATH     its first run sends SIGKILL to itself. PATH a file: writes "oom_kill 1" there
//                 before; a folder: into memory.events.local of the probe's group in it; "":
//                 nothing
//   once:FILE     the same, unless FILE exists, which it creates: the second try is ok
//   throws        its preparation throws bad_alloc
//   hungry:BYTES  its preparation takes and touches so much, unaccounted
//   gorged:BYTES  the same, and its first run sends SIGKILL to itself
//   leaky:BYTES   each run keeps so much more; a run takes a tenth of a second of its own clock
//   tiring        each run takes 5 % longer than the one before, on its own clock
//   family:FILE   loading forks a process that waits for ever, and writes its id to FILE; the first
//                 run at batch 1, the second one elsewhere, creates FILE.hangs and hangs
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"

namespace batchtune {

std::unique_ptr<Backend> open_fault_backend(const std::string& name,
                                            const std::string& parameters);  // or nullptr

}  // namespace batchtune
