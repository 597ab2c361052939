// See fixture.h.
#include "tests/reports/fixture.h"

namespace batchtune::test {

// Two backends, one of which fuses and reorders, and one that tells nothing apart.
LayersReport full_layers() {
  const CandidateGroup cpu{"cpu", DType::f32, 2, 1, {}}, openvino{"openvino", DType::f32, 2, 1, {}},
      command{"command", DType::f32, 2, 1, {}};
  LayersReport report;
  report.model = "resnet-50";
  report.batch = 8;
  report.most_rows = 3;
  report.profiles = {
      {cpu, "", 10.0e-3, 10.2e-3, 9.9e-3, {}},
      {openvino,
       "",
       8.0e-3,
       8.4e-3,
       std::nullopt,
       {{"conv1_reorder", "Reorder", 0.20e-3}, {"MVN_15", "MVN", 0.06e-3}, {"tail", "Reorder", 0.01e-3}}},
      {command, "this backend does not tell layers apart", 0, 0, std::nullopt, {}}};
  using Figure = std::optional<LayerFigure>;
  report.rows = {{"conv1",
                  "conv2d",
                  {Figure({4.0e-3, 0.392, 2.1e11, 0.78, {}}),
                   Figure({3.13e-3, 0.373, 2.7e11, 0.99, {"sum"}}), std::nullopt}},
                 {"pool1",
                  "max_pool",
                  {Figure({0.2e-3, 0.020, {}, 0.5, {}}), Figure({0.1e-3, 0.012, {}, {}, {}}),
                   std::nullopt}},
                 {"sum", "add", {Figure({0.5e-3, 0.049, 4.0e9, 0.9, {}}), std::nullopt, std::nullopt}},
                 {"fc",
                  "matmul",
                  {Figure({5.5e-3, 0.539, 9.9e10, 0.37, {}}),
                   Figure({4.9e-3, 0.583, 1.1e11, 0.41, {}}), std::nullopt}}};
  return report;
}

}  // namespace batchtune::test
