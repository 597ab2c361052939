// A multilayer perceptron of equal layers: weights are read once per run, so that it is bound by
// memory up to large batches.
#include "tuner/workload/zoo/builder.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {

Model build_mlp(const ZooParameters& parameters) {
  const std::int64_t width = parameters.at("width"), depth = parameters.at("depth");
  ModelBuilder b(
      "mlp", std::to_string(depth) + " fully connected ReLU layers of " + std::to_string(width));
  Name x = b.input("features", InputKind::values, {width});
  for (std::int64_t i = 1; i <= depth; ++i)
    x = b.matmul("fc" + std::to_string(i), x, width, biased(Activation::relu));
  return b.finish();
}

}  // namespace batchtune
