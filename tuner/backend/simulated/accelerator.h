// What a simulated accelerator is made of: a systolic array with vector lanes beside it, memory on the chip, DMA
// engines, a memory whose wall is not at its nominal capacity, a compiler on another machine. Two kinds of figures
// that must not be mixed up: what the device *says* of itself (as vendors publish it; estimates are made from these),
// and what it is *really* like (the cost formula and the wall; nothing outside of this folder sees them). All are of
// one core where nothing else is said.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tuner/backend/simulated/noise.h"
#include "tuner/core/device.h"
#include "tuner/core/dtype.h"
#include "tuner/core/error.h"
#include "tuner/core/units.h"

namespace batchtune::simulated {

struct Arithmetic {
  DType dtype = DType::bf16;
  double said_flops = 0;      // per second, as published
  double cycles_per_row = 1;  // of the array, for one row of activations through one stationary tile

  bool operator==(const Arithmetic&) const = default;
};

struct Accelerator {
  std::string name;         // "trn1"
  std::string description;  // one line

  // What it says of itself.
  std::vector<Arithmetic> arithmetic;  // the data types that it has; the first is its default
  double said_memory = 0;              // bytes that a core can address, as published
  double said_bandwidth = 0;           // bytes/s of that memory

  // What it is really like.
  std::int64_t cores = 1;              // of the device
  std::int64_t cores_per_memory = 1;   // that share one memory, and its wall
  double memory = 0;                   // bytes of one memory that programs really get: the wall
  double memory_page = 1;              // bytes; room for tensors in between is taken in whole pages
  double code = 0;                     // bytes of every loaded program, whatever it is
  double instruction = 0;              // bytes of each instruction: programs are unrolled, so they grow with the batch

  std::int64_t array_rows = 128;       // of the stationary tile: the inner dimension
  std::int64_t array_columns = 128;    // of the stationary tile: output features
  std::int64_t moving_rows = 512;      // activations that pass one instruction
  double array_hertz = 1e9;
  double stationary_cycles = 0;        // to exchange the tile; paid again for every moving_rows
  std::int64_t vector_lanes = 128;     // for all that is no product
  double vector_hertz = 1e9;
  double on_chip = 0;                  // bytes; what an operation needs beyond them spills to memory
  double dma_rate = 0;                 // bytes/s that transfers reach in the end, all engines together
  double dma_latency = 0;              // seconds of each transfer
  double dma_transfer = 1;             // bytes of a transfer at most
  std::int64_t dma_engines = 1;        // transfers at a time
  double overlap = 0;                  // share of the shorter of two activities that the longer hides, 0 to 1
  double sharing = 0;                  // transfers are slower by so much for each further core that is in use
  double run_overhead = 0;             // seconds on the host for each run; hidden by another run in flight
  double operation_overhead = 0;       // seconds on the device to start each operation

  double compile_base = 0;             // seconds on the compiler's machine, for any program
  double compile_operation = 0;        // for each operation
  double compile_instruction = 0;      // for each instruction
  double load_base = 0;                // seconds, to start the device
  double load_rate = 1;                // bytes/s of weights from the host
  double prepare = 0;                  // seconds, to load a compiled program

  NoiseParameters noise;

  bool operator==(const Accelerator&) const = default;
};

// Those that are built in, by AWS's figures where there are any.
std::span<const Accelerator> accelerators();
const Accelerator* find_accelerator(std::string_view name);  // nullptr: there is none

const Arithmetic* arithmetic_of(const Accelerator& device, DType dtype);  // nullptr: it has no such type

// What it says of itself: one core, nothing of the true cost or wall. It is marked simulated.
DeviceInfo describe(const Accelerator& device);

}  // namespace batchtune::simulated
