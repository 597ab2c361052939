// What a process and its threads are doing, by the letter of the kernel: /proc/PID/stat, as proc(5)
// has it.
#pragma once

#include <sys/types.h>

#include "tuner/core/units.h"

namespace batchtune {

// How long measuring waits for a runtime's threads, which spin after a run, before it takes them to
// spin for ever: twice as long as ONNX Runtime's do.
inline constexpr Seconds kSpinPatience = 0.050;

// 'R' runs or would like to, 'S' sleeps, 'Z' is dead and not reaped ...; '\0': there is none.
char state_of_process(pid_t pid);

// Threads of a process that run, or would like to on a machine whose CPUs others have; `but` is
// not counted.
int runnable_threads(pid_t pid, pid_t but = 0);

}  // namespace batchtune
