// The same doors in a build without the packages that XLA programs need.
#include "tuner/workload/hlo/imported/file_program.h"
#include "tuner/workload/hlo/source.h"

namespace batchtune {
namespace {

tl::unexpected<Error> not_built(const std::string& model) {
  return environment_error("a build that writes XLA programs", "one built without protobuf", model,
                           "Install libprotobuf-dev and protobuf-compiler, and build again");
}

}  // namespace

Result<HloModule> make_hlo(const Model& model, std::int64_t, DType) {
  return not_built(model.name);
}

Result<HloModule> hlo::make_file_program(const FileGraph& graph, const Model&, std::int64_t,
                                         DType) {
  return not_built(graph.file);
}

std::vector<std::string> hlo_operations() {
  return {};
}

}  // namespace batchtune
