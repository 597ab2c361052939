// Element access for reference kernels: f32 or bf16 in memory, float in the hand.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace batchtune::kernels {

inline float value_of(float stored) {
  return stored;
}
inline float value_of(Bfloat16 stored) {
  return to_float(stored);
}

inline void put(float& place, float value) {
  place = value;
}
inline void put(Bfloat16& place, float value) {
  place = to_bfloat16(value);
}

}  // namespace batchtune::kernels
