// Activations that are fit to time: finite, no denormals, not all the same.
#pragma once

#include <cmath>

#include "tests/backend/cpu_support.h"

namespace batchtune::test {

inline void check_activations(cpu::CpuModel& model, std::int64_t batch) {
  const auto program = prepare_ok(model, batch);
  look_at_every_tensor(
      model, *program, 1, [](const Op& op, OpIndex, const std::vector<float>& values) {
        INFO(op.name);
        double mean = 0, square = 0;
        std::int64_t odd = 0;  // infinite, NaN or denormal
        for (const float value : values) {
          const int kind = std::fpclassify(value);
          odd += kind != FP_NORMAL && kind != FP_ZERO;
          mean += value / static_cast<double>(values.size());
          square += value * static_cast<double>(value) / static_cast<double>(values.size());
        }
        CHECK(odd == 0);
        CHECK(square - mean * mean > 1e-8 * square);
        CHECK(square < 1e8);
        if (op.kind != OpKind::softmax) CHECK(square > 1e-4);
      });
}

}  // namespace batchtune::test
