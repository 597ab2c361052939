// What one operation of a batch is for a simulated accelerator: instructions of the array and of the vector lanes, and
// bytes that pass between chip and memory. Counts alone; what they cost is accelerator_cost.h's.
#pragma once

#include "tuner/backend/simulated/accelerator.h"
#include "tuner/workload/model.h"

namespace batchtune::simulated {

// Whole numbers, as doubles: batches may be absurd.
struct OperationWork {
  double array_rows = 0;    // activations that pass a stationary tile, over all tiles
  double array_loads = 0;   // exchanges of the stationary tile
  double vector_rows = 0;   // steps of all lanes together
  double instructions = 0;  // of both
  double weight_bytes = 0;  // from memory, once a run whatever the batch
  double spilled_bytes = 0;  // of activations that the chip had no room for: written, or read again
};

// Of `batch` samples in one run of a core. A batch pays for whole tiles: the last one of a dimension is as dear as a
// full one.
OperationWork work_of(const Model& model, const Op& op, DType dtype, double batch,
                      const Accelerator& device);

// Inputs and reshapes are no work.
bool is_work(const Op& op);

}  // namespace batchtune::simulated
