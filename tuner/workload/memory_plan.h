// Where each activation lies in one arena, by liveness: tensors that are never alive together share
// bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "tuner/core/dtype.h"
#include "tuner/core/units.h"
#include "tuner/workload/model.h"

namespace batchtune {

inline constexpr Bytes kTensorAlignment = 64;  // a cache line: rows of tensors start on one

// offset[i] and bytes[i] belong to Model::ops[i]; a reshape or fused operation shares its input's place. Token ids are
// 4-byte integers, what has Op::element_bytes has those, everything else has the dtype's size.
struct MemoryPlan {
  std::vector<Bytes> offset;
  std::vector<Bytes> bytes;
  Bytes arena_bytes = 0;  // peak: what must be allocated
};

// For `batch` samples; deterministic. The largest tensors are placed first (best fit by offset).
// Batch may be absurd: sizes are computed in 128 bits and saturate at the largest Bytes.
MemoryPlan plan_memory(const Model& model, std::int64_t batch, DType dtype);

Bytes weight_bytes(const Model& model, DType dtype);  // unpadded, biases and gains in f32

}  // namespace batchtune
