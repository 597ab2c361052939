// The catalogue of accelerators: complete, sourced, consistent.
#include "tuner/estimate/catalogue.h"

#include <set>

#include "tests/support/catch.h"
#include "tuner/estimate/figures.h"

using namespace batchtune;

TEST_CASE("every figure of the catalogue is positive and has a source with a date",
          "[estimate][catalogue]") {
  for (const CatalogueEntry& entry : catalogue()) {
    INFO(entry.name);
    const DeviceInfo device = to_device(entry);
    CHECK(device.cores >= 1);
    CHECK_FALSE(device.simulated);
    REQUIRE_FALSE(device.peaks.empty());
    REQUIRE_FALSE(device.memory_levels.empty());
    for (const Peak& peak : device.peaks) {
      CHECK(peak.flops_per_second > 1e12);
      CHECK(peak.origin == FigureOrigin::catalogue);
      CHECK(peak.source.find("page, 2026-") != std::string::npos);
    }
    for (const MemoryLevel& level : device.memory_levels) {
      CHECK(level.bytes_per_second > 1e9);
      CHECK(level.source.find("page") != std::string::npos);
      CHECK(level.source.find("2026-") != std::string::npos);
    }
    CHECK(device_peak(device, DType::bf16));
  }
}

TEST_CASE("the catalogue has every device, and its cores where they are documented",
          "[estimate][catalogue]") {
  for (const char* name :
       {"inferentia", "trainium", "inf1", "trn1", "inf2", "trn2", "trn3", "inf1:core", "trn1:core",
        "inf2:core", "trn2:core", "trn2:lnc2", "trn3:core"})
    CHECK(find_device(name));
  std::set<std::string_view> names;
  for (const CatalogueEntry& entry : catalogue()) CHECK(names.insert(entry.name).second);
}

TEST_CASE("GiB/s and GB/s of the sources are kept apart", "[estimate][catalogue]") {
  CHECK(main_memory_bandwidth(*find_device("inferentia")) == 50e9);
  CHECK(main_memory_bandwidth(*find_device("inf1")) == 50.0 * (1 << 30));
  CHECK(main_memory_bandwidth(*find_device("trainium")) == 820e9);
  CHECK(main_memory_bandwidth(*find_device("trn1")) == 820.0 * (1 << 30));
  CHECK(main_memory_bandwidth(*find_device("trn2")) == 2.9e12);
  CHECK(find_device("trn2:lnc2")->memory_bytes == 25769803776.0);
  CHECK(device_peak(*find_device("trainium"), DType::bf16) == 210e12);
  CHECK(device_peak(*find_device("trn1"), DType::bf16) == 190e12);
}

TEST_CASE("no part of a device is faster than the device", "[estimate][catalogue]") {
  for (const CatalogueEntry& entry : catalogue()) {
    const auto colon = entry.name.find(':');
    if (colon == std::string_view::npos) continue;
    const DeviceInfo part = to_device(entry);
    const auto whole = find_device(entry.name.substr(0, colon));
    REQUIRE(whole);
    for (const Peak& peak : part.peaks)
      CHECK(peak.flops_per_second < *device_peak(*whole, peak.dtype));
    CHECK(*main_memory_bandwidth(part) < *main_memory_bandwidth(*whole));
    CHECK(*part.memory_bytes < *whole->memory_bytes);
  }
}

TEST_CASE("an unknown device names the nearest ones and all of them", "[estimate][catalogue]") {
  const auto device = find_device("trn11");
  REQUIRE_FALSE(device);
  CHECK(device.error().found == "\"trn11\"");
  CHECK(device.error().todo.find("Did you mean trn1") != std::string::npos);
  CHECK(device.error().todo.find("inferentia") != std::string::npos);
  CHECK_FALSE(find_device(""));
  CHECK_FALSE(find_device(std::string(1 << 20, 'x')));
}
