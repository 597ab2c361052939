// What the harness itself costs, measured with a program that does nothing but read the clock as
// every program does.
#pragma once

#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/measure/racing_worker.h"

namespace batchtune {

// `setup` is that of a worker of the reference backend; its canaries are left out. outside_share is
// left open. An Error: no worker could be started, or there is no such program.
Result<Overhead> measure_overhead(RacingSetup setup);

}  // namespace batchtune
