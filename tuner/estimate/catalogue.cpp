#include "tuner/estimate/catalogue.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace batchtune {
namespace {

constexpr double kTera = 1e12;
constexpr double kGB = 1e9;
constexpr double kTB = 1e12;
constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kGiB = 1024.0 * kMiB;

// Pages of the AWS Neuron documentation (github aws-neuron/aws-neuron-sdk) as of SDK 2.32,
// 2026-08-21.
#define BT_GUIDE "batching guide, neuroncore-batching page, 2026-08-21"
#define BT_INF1 "inf1-arch page, 2026-08-21"
#define BT_NC1 "neuron-core-v1 page, 2026-08-21"
#define BT_TRN1 "trn1-arch page, 2026-08-21"
#define BT_INF2 "inf2-arch page, 2026-08-21"
#define BT_NKI2 "NKI trainium_inferentia2_arch page, 2026-08-21"
#define BT_TRN2 "trainium2 page, 2026-08-21"
#define BT_NC3 "neuron-core-v3 page, 2026-08-21"
#define BT_NKI3 "NKI trainium2_arch page, 2026-08-21"
#define BT_TRN3 "trainium3 page, 2026-08-21"
#define BT_NC4 "neuron-core-v4 page, 2026-08-21"

// On-chip SRAM is listed only where a bandwidth is published for it ("about 20 times that of HBM").
constexpr double kSramOverHbm = 20;

using P = PeakFigure;
using M = MemoryFigure;

std::vector<CatalogueEntry> guide_entries() {
  return {
      {"inferentia",
       "as in the batching guide",
       4,
       {P{DType::bf16, 64 * kTera, BT_GUIDE}},
       {M{"DRAM", 0, 50 * kGB, BT_GUIDE}}},
      {"trainium",
       "as in the batching guide (210 TFLOPS; the hardware pages say 190: trn1)",
       2,
       {P{DType::bf16, 210 * kTera, BT_GUIDE}},
       {M{"HBM", 32 * kGB, 820 * kGB,
          BT_GUIDE "; memory: 16e9 per core in its training example, 2 cores"}}},
      {"trainium:core",
       "one of two cores, as in the batching guide",
       1,
       {P{DType::bf16, 105 * kTera, BT_GUIDE ", half of the device"}},
       {M{"HBM", 16 * kGB, 410 * kGB,
          BT_GUIDE "; memory: its training example; bandwidth: half of the device"}}},
  };
}

// NeuronCore-v2 devices differ in name alone as far as one device goes.
std::vector<CatalogueEntry> v2_entries() {
  const auto device_peaks = [](const char* page) {
    return std::vector<P>{{DType::bf16, 190 * kTera, page}, {DType::f16, 190 * kTera, page},
                          {DType::fp8, 190 * kTera, page},  {DType::tf32, 190 * kTera, page},
                          {DType::f32, 47.5 * kTera, page}, {DType::int8, 380 * kTera, page}};
  };
  const auto device_memory = [](const char* page) {
    return std::vector<M>{{"SBUF", 48 * kMiB, kSramOverHbm * 820 * kGiB,
                           BT_NKI2 ": 24 MiB per core, about 20 x the bandwidth of HBM"},
                          {"HBM", 32 * kGiB, 820 * kGiB, page}};
  };
  const auto core_peaks = [](const std::string& half_of_device) {
    return std::vector<P>{
        {DType::bf16, 92 * kTera, BT_NKI2}, {DType::f16, 92 * kTera, BT_NKI2},
        {DType::fp8, 92 * kTera, BT_NKI2},  {DType::tf32, 92 * kTera, BT_NKI2},
        {DType::f32, 23 * kTera, BT_NKI2},  {DType::int8, 190 * kTera, half_of_device}};
  };
  const auto core_memory = [](const std::string& half_of_device) {
    return std::vector<M>{
        {"SBUF", 24 * kMiB, kSramOverHbm * 410 * kGiB, BT_NKI2 ": about 20 x the bandwidth of HBM"},
        {"HBM", 16 * kGiB, 410 * kGiB, half_of_device}};
  };
  const std::string half_trn1 = BT_TRN1 ", half of the device";
  const std::string half_inf2 = BT_INF2 ", half of the device";
  return {
      {"trn1", "Trainium, 2 cores (v2)", 2, device_peaks(BT_TRN1), device_memory(BT_TRN1)},
      {"trn1:core", "one NeuronCore-v2 of Trainium", 1, core_peaks(half_trn1),
       core_memory(half_trn1)},
      {"inf2", "Inferentia2, 2 cores (v2)", 2, device_peaks(BT_INF2), device_memory(BT_INF2)},
      {"inf2:core", "one NeuronCore-v2 of Inferentia2", 1, core_peaks(half_inf2),
       core_memory(half_inf2)},
  };
}

std::vector<CatalogueEntry> other_entries() {
  return {
      {"inf1",
       "Inferentia, 4 cores (v1)",
       4,
       {P{DType::bf16, 64 * kTera, BT_INF1}, P{DType::f16, 64 * kTera, BT_INF1},
        P{DType::int8, 128 * kTera, BT_INF1}},
       {M{"DRAM", 8 * kGiB, 50 * kGiB, BT_INF1}}},
      {"inf1:core",
       "one NeuronCore-v1; the 4 cores share the memory, and one may use more than a quarter",
       1,
       {P{DType::bf16, 16 * kTera, BT_NC1}, P{DType::f16, 16 * kTera, BT_NC1},
        P{DType::int8, 32 * kTera, BT_INF1 ", a quarter of the device"}},
       {M{"DRAM", 2 * kGiB, 12.5 * kGiB, BT_INF1 ", a quarter of the device"}}},
      {"trn2",
       "Trainium2, 8 cores (v3)",
       8,
       {P{DType::bf16, 667 * kTera, BT_TRN2}, P{DType::f16, 667 * kTera, BT_TRN2},
        P{DType::tf32, 667 * kTera, BT_TRN2}, P{DType::fp8, 1299 * kTera, BT_TRN2},
        P{DType::f32, 181 * kTera, BT_TRN2}},
       {M{"HBM", 96 * kGiB, 2.9 * kTB, BT_TRN2}}},
      {"trn2:core",
       "one physical NeuronCore-v3; two share a memory bank of 24 GiB",
       1,
       {P{DType::bf16, 79 * kTera, BT_NC3}, P{DType::f16, 79 * kTera, BT_NC3},
        P{DType::tf32, 79 * kTera, BT_NC3}, P{DType::fp8, 158 * kTera, BT_NC3},
        P{DType::f32, 20 * kTera, BT_NKI3}},
       {M{"HBM", 12 * kGiB, 362.5 * kGB, BT_TRN2 ", an eighth of the device"}}},
      {"trn2:lnc2",
       "one logical core: two NeuronCore-v3 joined (LNC=2, the default)",
       1,
       {P{DType::bf16, 158 * kTera, BT_NC3 ", twice a core"},
        P{DType::f16, 158 * kTera, BT_NC3 ", twice a core"},
        P{DType::tf32, 158 * kTera, BT_NC3 ", twice a core"},
        P{DType::fp8, 316 * kTera, BT_NC3 ", twice a core"},
        P{DType::f32, 40 * kTera, BT_NKI3 ", twice a core"}},
       {M{"HBM", 24 * kGiB, 725 * kGB, BT_TRN2 ", a quarter of the device (one bank)"}}},
      {"trn3",
       "Trainium3, 8 cores (v4)",
       8,
       {P{DType::bf16, 671 * kTera, BT_TRN3}, P{DType::f16, 671 * kTera, BT_TRN3},
        P{DType::tf32, 671 * kTera, BT_TRN3}, P{DType::fp8, 2517 * kTera, BT_TRN3 ", MXFP8"},
        P{DType::f32, 183 * kTera, BT_TRN3}},
       {M{"HBM", 144 * kGiB, 4.9 * kTB, BT_TRN3}}},
      {"trn3:core",
       "one physical NeuronCore-v4",
       1,
       {P{DType::bf16, 79 * kTera, BT_NC4}, P{DType::f16, 79 * kTera, BT_NC4},
        P{DType::tf32, 79 * kTera, BT_NC4}, P{DType::fp8, 315 * kTera, BT_NC4 ", MXFP8"},
        P{DType::f32, 20 * kTera, BT_NC4}},
       {M{"HBM", 18 * kGiB, 612.5 * kGB, BT_TRN3 ", an eighth of the device"}}},
  };
}

std::vector<CatalogueEntry> make_catalogue() {
  std::vector<CatalogueEntry> all = guide_entries();
  for (auto part : {v2_entries(), other_entries()}) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string advice_for(std::string_view name) {
  constexpr std::size_t kNear = 2;  // two slips of the finger; names are four letters and up
  constexpr std::size_t kLongestName = 64;  // longer text is no misspelt device: don't compare it
  std::string nearest, all;
  for (const CatalogueEntry& entry : catalogue()) {
    if (name.size() <= kLongestName && edit_distance(name, entry.name) <= kNear)
      nearest += (nearest.empty() ? "Did you mean " : " or ") + std::string(entry.name);
    all += (all.empty() ? "" : ", ") + std::string(entry.name);
  }
  if (!nearest.empty()) nearest += "? ";
  return nearest + "Use one of " + all +
         ", \"cpu\" (measured by `batchtune calibrate`) or a device file (.json)";
}

}  // namespace

std::span<const CatalogueEntry> catalogue() {
  static const std::vector<CatalogueEntry> entries = make_catalogue();
  return entries;
}

DeviceInfo to_device(const CatalogueEntry& entry) {
  DeviceInfo device;
  device.name = entry.name;
  device.cores = entry.cores;
  for (const PeakFigure& peak : entry.peaks)
    device.peaks.push_back({.dtype = peak.dtype,
                            .isa = "",
                            .flops_per_second = peak.flops_per_second,
                            .origin = FigureOrigin::catalogue,
                            .source = peak.source});
  for (const MemoryFigure& level : entry.memory_levels) {
    MemoryLevel out{.name = level.name,
                    .capacity_bytes = std::nullopt,
                    .bytes_per_second = level.bytes_per_second,
                    .origin = FigureOrigin::catalogue,
                    .source = level.source};
    if (level.capacity_bytes > 0) out.capacity_bytes = level.capacity_bytes;
    device.memory_levels.push_back(std::move(out));
  }
  device.memory_bytes = device.memory_levels.back().capacity_bytes;
  return device;
}

Result<DeviceInfo> find_device(std::string_view name) {
  for (const CatalogueEntry& entry : catalogue())
    if (entry.name == name) return to_device(entry);
  return bad_input("a device of the catalogue", "\"" + std::string(name) + "\"", "--device",
                   advice_for(name));
}

}  // namespace batchtune
