// The batching guide's formula: its table, its rounding, its edges.
#include "tuner/estimate/guide.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"
#include "tuner/estimate/catalogue.h"
#include "tuner/estimate/figures.h"
#include "tuner/workload/work.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;

namespace {

constexpr double kExactBertFlops = 2 * 302e6 * 128;  // 77.312 GFLOP

FormulaFigures bert_on_inferentia() {
  return {.peak_flops = 64e12,
          .bandwidth = 50e9,
          .flops_per_sample = kExactBertFlops,
          .dense_parameters = 302e6,
          .dtype_bytes = 2};
}

ModelSummary summary(const char* name, double flops, double parameters) {
  ModelSummary model;
  model.name = name;
  model.dense_flops_per_sample = flops;
  model.dense_parameters = parameters;
  return model;
}

}  // namespace

TEST_CASE("the guide's table is reproduced from its printed figures", "[estimate][guide]") {
  const auto rows = guide_table();
  REQUIRE(rows.size() == 4);
  const std::int64_t expected[] = {6, 2, 5, 1};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(rows[i].model_label << " on " << rows[i].device_label);
    CHECK(rows[i].printed_batch == expected[i]);
    CHECK(rows[i].formula.batch == expected[i]);
    CHECK(rows[i].formula.guide_batch == expected[i]);
  }
  CHECK(rows[0].formula.exact == Approx(5.00078).epsilon(1e-5));
  CHECK(rows[1].formula.exact == Approx(1.00054).epsilon(1e-5));
  CHECK(rows[2].formula.exact == Approx(4.10256).epsilon(1e-5));
  CHECK(rows[3].formula.exact == Approx(0.82083).epsilon(1e-4));
}

TEST_CASE("the guide's rows name devices of the catalogue with the same figures",
          "[estimate][guide]") {
  for (const GuideRow& row : guide_table()) {
    const auto device = find_device(row.device);
    REQUIRE(device);
    CHECK(device_peak(*device, row.dtype) == row.formula.peak_flops);
    CHECK(main_memory_bandwidth(*device) == row.formula.bandwidth);
  }
}

TEST_CASE("exact counts give 5 for BERT-Large on Inferentia where the guide's rounding gives 6",
          "[estimate][guide]") {
  const auto device = find_device("inferentia");
  const auto formula =
      batching_formula(summary("bert-large", kExactBertFlops, 302e6), *device, DType::bf16);
  REQUIRE(formula);
  CHECK(formula->exact == Approx(5.0).epsilon(1e-14));
  CHECK(formula->intensity_per_sample == Approx(128.0));
  CHECK(formula->ridge == Approx(1280.0));
  CHECK(formula->batch == 5);
  CHECK(formula->guide_batch == 6);
}

TEST_CASE("the ceiling ignores floating-point noise and nothing more", "[estimate][guide]") {
  FormulaFigures figures = bert_on_inferentia();
  const auto batch_with_peak = [&](double factor) {
    figures.peak_flops = 64e12 * factor;
    return batching_formula(figures)->batch;
  };
  CHECK(batch_with_peak(1 + 1e-12) == 5);
  CHECK(batch_with_peak(1 - 1e-12) == 5);
  CHECK(batch_with_peak(1 + 1e-7) == 6);
  CHECK(batch_with_peak(1 - 1e-7) == 5);
  CHECK(batch_with_peak(0.8 + 1e-7) == 5);
  CHECK(batch_with_peak(0.8) == 4);
  // Every exact integer gives itself, however the quotient was rounded.
  for (int n = 1; n <= 300; ++n) CHECK(batch_with_peak(n / 5.0) == n);
}

TEST_CASE("the zoo's models on the guide's devices", "[estimate][guide]") {
  const struct {
    const char* model;
    const char* device;
    std::int64_t exact, guide;
  } rows[] = {{"bert-large", "inferentia", 5, 6},
              {"bert-large", "trainium", 2, 2},
              {"bert-large@seq=128", "inferentia", 5, 6},
              {"resnet-50", "inferentia", 4, 5} /* v1.5: more FLOP */,
              {"resnet-50", "trainium", 1, 1}};
  for (const auto& row : rows) {
    INFO(row.model << " on " << row.device);
    const auto model = build_zoo_model(row.model);
    REQUIRE(model);
    const auto formula = batching_formula(summarise(*model), *find_device(row.device), DType::bf16);
    REQUIRE(formula);
    CHECK(formula->guide_batch == row.guide);
    CHECK(formula->batch == row.exact);
  }
}

TEST_CASE("only the guide's own models have a guide batch", "[estimate][guide]") {
  const DeviceInfo device = *find_device("inferentia");
  for (const char* name : {"bert-large@seq=384", "bert-base", "resnet-18", "mine.json"})
    CHECK_FALSE(batching_formula(summary(name, 1e9, 1e6), device, DType::bf16)->guide_batch);
  CHECK(
      batching_formula(summary("bert-large@seq=128", 1e9, 1e6), device, DType::bf16)->guide_batch ==
      6);
}

TEST_CASE("the ridge is straddled strictly, and by batch 1 alone when batch 1 is above",
          "[estimate][guide]") {
  FormulaFigures figures = bert_on_inferentia();  // on the ridge at exactly 10
  auto formula = batching_formula(figures);
  CHECK(formula->below_ridge == 9);
  CHECK(formula->above_ridge == 11);
  figures.peak_flops *= 1.02;  // 10.2
  formula = batching_formula(figures);
  CHECK(formula->below_ridge == 10);
  CHECK(formula->above_ridge == 11);
  figures.peak_flops = 1e12;  // 0.16
  formula = batching_formula(figures);
  CHECK(formula->batch == 1);
  CHECK(formula->below_ridge == 1);
  CHECK(formula->above_ridge == 1);
}

TEST_CASE("raw figures that are not positive and finite are refused by name", "[estimate][guide]") {
  const double bad[] = {0, -1, std::numeric_limits<double>::infinity(), std::nan("")};
  for (double value : bad) {
    FormulaFigures figures = bert_on_inferentia();
    figures.bandwidth = value;
    const auto formula = batching_formula(figures);
    REQUIRE_FALSE(formula);
    CHECK(to_string(formula.error()).find("memory bandwidth") != std::string::npos);
  }
  CHECK_FALSE(batching_formula(summary("no-weights", 0, 0), *find_device("trn1"), DType::bf16));
}

TEST_CASE("absurd figures give a batch within bounds", "[estimate][guide]") {
  FormulaFigures figures = bert_on_inferentia();
  figures.peak_flops = 1e300;
  figures.bandwidth = 1e-300;
  const auto formula = batching_formula(figures);
  REQUIRE(formula);
  CHECK(formula->batch == kLargestBatch);
  CHECK(guarded_ceil(std::nan("")) == 0);
  CHECK(guarded_floor(-3) == 0);
}

TEST_CASE("a device without the data type says which it has", "[estimate][guide]") {
  const auto formula =
      batching_formula(summary("m", 1e9, 1e6), *find_device("inferentia"), DType::f32);
  REQUIRE_FALSE(formula);
  CHECK(formula.error().found == "bf16");
}

TEST_CASE("the peak is that of the instruction set in use", "[estimate][guide]") {
  DeviceInfo cpu;
  cpu.name = "cpu";
  cpu.peaks = {{.dtype = DType::f32, .isa = "avx2", .flops_per_second = 1e11, .source = ""},
               {.dtype = DType::f32, .isa = "avx512", .flops_per_second = 2e11, .source = ""},
               {.dtype = DType::bf16, .isa = "amx", .flops_per_second = 3e12, .source = ""}};
  CHECK(device_peak(cpu, DType::f32) == 2e11);
  CHECK(device_peak(cpu, DType::bf16) == 3e12);
  cpu.isa_in_use = {{DType::f32, "avx2"}, {DType::bf16, "avx2"}};
  CHECK(device_peak(cpu, DType::f32) == 1e11);
  CHECK(device_peak(cpu, DType::bf16) == 1e11);  // computed in f32 there
  CHECK_FALSE(device_peak(cpu, DType::int8));
}
