// What a process and its threads are doing, by the letter of the kernel: /proc/PID/stat, as proc(5)
// has it.
#pragma once

#include <sys/types.h>

namespace batchtune {

// 'R' runs or would like to, 'S' sleeps, 'Z' is dead and not reaped ...; '\0': there is none.
char state_of_process(pid_t pid);

// Threads of a process that run, or would like to on a machine whose CPUs others have; `but` is
// not counted.
int runnable_threads(pid_t pid, pid_t but = 0);

}  // namespace batchtune
