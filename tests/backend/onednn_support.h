// What the onednn backend's tests share: loading and preparing without ceremony.
#pragma once

#include "tests/support/catch.h"
#include "tuner/backend/onednn/onednn_backend.h"
#include "tuner/backend/onednn/onednn_model.h"
#include "tuner/backend/onednn/program.h"
#include "tuner/workload/zoo.h"

namespace batchtune::test {

inline LoadOptions onednn_options(DType dtype, int threads = 2, int instances = 1) {
  LoadOptions options;
  options.group = {"onednn", dtype, threads, instances, {}};
  return options;
}

inline std::unique_ptr<onednn::OneDnnModel> load_onednn(const Model& model,
                                                        const LoadOptions& options,
                                                        LoadReport* seen = nullptr) {
  onednn::OneDnnBackend backend({});
  LoadReport report;
  auto loaded = backend.load(model, options, report);
  INFO((loaded ? "" : loaded.error().reason + "; " + loaded.error().evidence));
  REQUIRE(loaded);
  if (seen != nullptr) *seen = report;
  return std::unique_ptr<onednn::OneDnnModel>(static_cast<onednn::OneDnnModel*>(loaded->release()));
}

inline std::unique_ptr<Program> prepare_onednn(LoadedModel& model, const CandidateGroup& group,
                                               std::int64_t batch) {
  auto program = model.prepare({group, batch});
  INFO((program ? "" : program.error().reason + "; " + program.error().evidence));
  REQUIRE(program);
  (*program)->set_input(1);
  return std::move(*program);
}

// Whether the library has nothing for products in `dtype` on this CPU.
inline bool onednn_refuses(DType dtype) {
  onednn::OneDnnBackend backend({});
  LoadReport report;
  const LoadOptions options = onednn_options(dtype);
  return !backend.load(build_zoo_model("mlp@width=64,depth=1").value(), options, report);
}

}  // namespace batchtune::test
