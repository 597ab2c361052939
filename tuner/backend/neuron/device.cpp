#include "tuner/backend/neuron/device.h"

namespace batchtune::neuron {
namespace {

constexpr double kTera = 1e12, kGiga = 1e9, kGibi = 1024.0 * 1024 * 1024;

// Of cores as a process sees them: trn2 and trn3 join two physical ones by default (LNC=2), so
// their figures are twice those of one.
constexpr CoreFigures kInferentia = {
    "", "inferentia", 16 * kTera, 0, 2 * kGibi, 12.5 * kGibi, "inf1-arch page, a quarter"};
constexpr CoreFigures kTrn1 = {
    "trn1", "trn1", 92 * kTera, 23 * kTera, 16 * kGibi, 410 * kGiga, "NKI guide, NeuronCore-v2"};
constexpr CoreFigures kTrn1n = {
    "trn1n", "trn1n", 92 * kTera, 23 * kTera, 16 * kGibi, 410 * kGiga, "NKI guide, NeuronCore-v2"};
constexpr CoreFigures kInf2 = {
    "inf2", "inf2", 92 * kTera, 23 * kTera, 16 * kGibi, 410 * kGiga, "NKI guide, NeuronCore-v2"};
constexpr CoreFigures kTrn2 = {"trn2",
                               "trn2",
                               158 * kTera,
                               40 * kTera,
                               24 * kGibi,
                               725 * kGiga,
                               "NKI guide, two NeuronCores-v3",
                               true};
constexpr CoreFigures kTrn3 = {"trn3",
                               "trn3",
                               158 * kTera,
                               40 * kTera,
                               36 * kGibi,
                               1225 * kGiga,
                               "NKI guide, two NeuronCores-v4",
                               true};
constexpr const CoreFigures* kAll[] = {&kTrn1, &kTrn1n, &kInf2, &kTrn2, &kTrn3};

}  // namespace

const CoreFigures* figures_of_family(std::uint32_t family) {
  switch (family) {
    case 1:
      return &kInferentia;
    case 2:
      return &kTrn1;
    case 3:
      return &kTrn1n;
    case 4:
    case 7:
      return &kInf2;
    case 5:
    case 6:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
      return &kTrn2;
    case 14:
    case 15:
      return &kTrn3;
    default:
      return nullptr;
  }
}

const CoreFigures* figures_of_target(std::string_view target) {
  for (const CoreFigures* figures : kAll)
    if (figures->target == target) return figures;
  return nullptr;
}

std::string lnc_of(const CoreFigures* figures, const std::string& said) {
  if (figures == nullptr || !figures->joined) return "";
  return said.empty() ? "2" : said;
}

DeviceInfo describe_core(const CoreFigures* figures, std::optional<double> memory_limit,
                         const std::string& lnc) {
  DeviceInfo info;
  info.backend = "neuron";
  info.name = "NeuronCore";
  info.isa_in_use = {{DType::f32, ""}, {DType::bf16, ""}};
  info.memory_bytes = memory_limit;
  if (figures == nullptr) return info;
  info.name += " of " + std::string(figures->title) + (lnc.empty() ? "" : ", LNC=" + lnc);
  const double share = lnc == "1" ? 0.5 : 1;  // of the two that the figures are of
  const std::string source(figures->source);
  const auto add_peak = [&](DType dtype, double flops) {
    if (flops > 0) info.peaks.push_back({dtype, "", flops, FigureOrigin::catalogue, source});
  };
  add_peak(DType::f32, share * figures->f32);
  add_peak(DType::bf16, share * figures->bf16);
  // Alone in its process it may take what the runtime says, which two neighbours share.
  const double memory = memory_limit.value_or(share * figures->memory);
  info.memory_bytes = memory;
  info.memory_levels = {{"HBM", memory, share * figures->bandwidth, FigureOrigin::catalogue, source}};
  return info;
}

}  // namespace batchtune::neuron
