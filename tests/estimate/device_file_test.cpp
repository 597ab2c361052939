// Device files: round trip, and errors that say where and what.
#include "tuner/estimate/device_file.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/mutate.h"
#include "tuner/estimate/catalogue.h"

using namespace batchtune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

Calibration full_calibration() {
  Calibration out;
  DeviceInfo& device = out.device;
  device.name = "AMD EPYC \"quoted\", 2 CPUs";
  device.backend = "cpu";
  device.version = "0.1.0";
  device.peaks = {
      {DType::f32, "avx512", 2.03125e11, FigureOrigin::measured, "calibrate, 2 threads"},
      {DType::bf16, "avx512bf16", 0.1 + 0.2, FigureOrigin::user, ""}};
  device.memory_levels = {{"L2", 2097152, 2e11, FigureOrigin::measured, "calibrate"},
                          {"DRAM", std::nullopt, 2.5e10, FigureOrigin::catalogue, "x"}};
  device.memory_bytes = 8e9;
  device.run_overhead = 0;
  device.layer_overhead = 1.5e-6;
  device.cores = 2;
  device.isa_in_use = {{DType::f32, "avx512"}, {DType::bf16, "avx512bf16"}};
  out.scaling = {
      {.threads = 1, .peaks = {device.peaks[0]}, .memory_levels = {device.memory_levels[1]}}};
  out.measured_at = "2026-01-02T03:04:05Z";
  return out;
}

// A minimal good file, to be spoilt member by member.
nlohmann::json minimal() {
  return {{"schema_version", 1},
          {"name", "mine"},
          {"peaks", {{{"dtype", "f32"}, {"flops_per_second", 1e12}}}},
          {"memory_levels", {{{"name", "DRAM"}, {"bytes_per_second", 1e10}}}}};
}

Error error_of(const nlohmann::json& json) {
  const auto device = parse_device(json.dump(), "mine.json");
  REQUIRE_FALSE(device);
  return device.error();
}

}  // namespace

TEST_CASE("a calibration survives writing and reading", "[estimate][device_file]") {
  const Calibration before = full_calibration();
  const auto after = parse_calibration(write_calibration(before), "note");
  REQUIRE(after);
  CHECK(write_calibration(*after) == write_calibration(before));
  CHECK(after->device.name == before.device.name);
  CHECK(after->device.peaks[1].flops_per_second == before.device.peaks[1].flops_per_second);
  CHECK(after->device.peaks[0].origin == FigureOrigin::measured);
  CHECK(after->device.memory_levels[1].capacity_bytes == std::nullopt);
  CHECK(after->device.run_overhead == 0.0);
  CHECK(after->device.load_seconds == std::nullopt);
  CHECK(after->device.isa_in_use == before.device.isa_in_use);
  REQUIRE(after->scaling.size() == 1);
  CHECK(after->scaling[0].peaks[0].isa == "avx512");
  CHECK(after->measured_at == before.measured_at);
}

TEST_CASE("every catalogue entry survives as a device file", "[estimate][device_file]") {
  for (const CatalogueEntry& entry : catalogue()) {
    const std::string text = write_device(to_device(entry));
    const auto device = parse_device(text, "entry");
    REQUIRE(device);
    CHECK(write_device(*device) == text);
  }
}

TEST_CASE("a minimal device file is enough, and its figures are the user's",
          "[estimate][device_file]") {
  const auto device = parse_device(minimal().dump(), "mine.json");
  REQUIRE(device);
  CHECK(device->peaks[0].origin == FigureOrigin::user);
  CHECK(device->cores == 1);
  CHECK_FALSE(device->memory_bytes);
}

TEST_CASE("an error has the JSON path, what was found and what was wanted",
          "[estimate][device_file]") {
  const struct {
    const char* pointer;
    nlohmann::json value;
    const char* path;
    const char* wanted;
  } bad[] = {
      {"/schema_version", 2, "$.schema_version", "an integer from 1 to 1"},
      {"/schema_version", 18446744073709551615u, "$.schema_version", "integer"},
      {"/name", 7, "$.name", "a string"},
      {"/peaks", nlohmann::json::array(), "$.peaks", "at least one"},
      {"/peaks", "fast", "$.peaks", "array"},
      {"/peaks/0", 5, "$.peaks[0]", "an object"},
      {"/peaks/0/dtype", "float", "$.peaks[0].dtype", "bf16"},
      {"/peaks/0/flops_per_second", -1, "$.peaks[0].flops_per_second", "a positive number"},
      {"/peaks/0/flops_per_second", "64T", "$.peaks[0].flops_per_second", "a positive number"},
      {"/peaks/0/flops_per_second", nullptr, "$.peaks[0].flops_per_second", "this member"},
      {"/peaks/0/origin", "guess", "$.peaks[0].origin", "measured"},
      {"/peaks/0/flops", 1, "$.peaks[0]", "flops_per_second"},
      {"/peaks/1",
       {{"dtype", "f32"}, {"flops_per_second", 1}},
       "$.peaks[1].dtype",
       "one peak for each"},
      {"/memory_levels/0/capacity_bytes", 0, "$.memory_levels[0].capacity_bytes",
       "a positive number"},
      {"/memory_levels/1",
       {{"name", "HBM"}, {"bytes_per_second", 1}},
       "$.memory_levels[0].capacity_bytes",
       "every level but the last"},
      {"/cores", 0, "$.cores", "an integer from 1"},
      {"/cores", 2.5, "$.cores", "an integer from 1"},
      {"/run_overhead", -1e-6, "$.run_overhead", "at least 0"},
      {"/simulated", "no", "$.simulated", "true or false"},
      {"/peeks", 1, "$", "memory_levels"},
      {"/scaling", {{{"threads", 2}}}, "$.scaling[0].threads", "an integer from 1 to 1"},
  };
  for (const auto& row : bad) {
    nlohmann::json json = minimal();
    json[nlohmann::json::json_pointer(row.pointer)] = row.value;
    INFO(json.dump());
    const Error error = error_of(json);
    CHECK(error.where == std::string("mine.json, ") + row.path);
    CHECK(error.wanted.find(row.wanted) != std::string::npos);
    CHECK_FALSE(error.found.empty());
  }
}

TEST_CASE("each required member is asked for by name", "[estimate][device_file]") {
  for (const char* name : {"schema_version", "name", "peaks", "memory_levels"}) {
    nlohmann::json json = minimal();
    json.erase(name);
    const Error error = error_of(json);
    CHECK(error.where == std::string("mine.json, $.") + name);
    CHECK(error.found == "nothing");
  }
}

TEST_CASE("broken JSON gives line and column", "[estimate][device_file]") {
  const auto device = parse_device("{\n  \"name\": \"x\",,\n}", "mine.json");
  REQUIRE_FALSE(device);
  CHECK(device.error().where == "mine.json:2:15");
}

TEST_CASE("hostile text is refused, never a crash", "[estimate][device_file]") {
  const std::string hostile[] = {"",
                                 "null",
                                 "[]",
                                 "\xff\xfe",
                                 std::string("{\"a\0\":1}", 8),
                                 std::string(500'000, '['),
                                 std::string(2u << 20, ' '),
                                 "{\"name\":\"a\",\"name\":\"b\"}",
                                 "{\"schema_version\":1e999}",
                                 "{\"peaks\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}"};
  for (const std::string& text : hostile) CHECK_FALSE(parse_device(text, "mine.json"));
  // Every truncation of a good file is bad input.
  const std::string good = write_calibration(full_calibration());
  for (std::size_t length = 0; length + 2 < good.size(); length += 7)
    CHECK_FALSE(parse_calibration(good.substr(0, length), "cut.json"));
}

TEST_CASE("a repeated member is named", "[estimate][device_file]") {
  const auto device = parse_device("{\"name\":\"a\",\"name\":\"b\"}", "mine.json");
  CHECK(device.error().found.find("\"name\" twice") != std::string::npos);
}

TEST_CASE("device files are read from disk, and a missing one or a folder says so",
          "[estimate][device_file]") {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("bt_device_" + std::to_string(getpid()) + ".json"))
          .string();
  std::ofstream(path) << minimal().dump();
  CHECK(read_device_file(path)->name == "mine");
  std::remove(path.c_str());
  const auto missing = read_device_file(path);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().found.find(path) != std::string::npos);
  CHECK_FALSE(read_device_file("/"));
  CHECK_FALSE(read_device_file("/dev/zero"));
}

TEST_CASE("damaged device files are refused or accepted, never a crash", "[estimate][fuzz]") {
  std::mt19937 random(20261124);
  const std::string whole = write_calibration(full_calibration());
  for (int i = 0; i < 2000; ++i) {
    const std::string damaged =
        test::mutate(i % 2 == 0 ? whole : test::mutate(whole, random), random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(damaged.data()), damaged.size());
  }
}
