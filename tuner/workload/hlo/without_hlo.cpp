// The same door in a build without the packages that XLA programs need.
#include "tuner/workload/hlo/hlo.h"

namespace batchtune {

Result<HloModule> make_hlo(const Model& model, std::int64_t, DType) {
  return environment_error("a build that writes XLA programs", "one built without protobuf",
                           model.name,
                           "Install libprotobuf-dev and protobuf-compiler, and build again");
}

}  // namespace batchtune
