// What is meant where nothing is given: data types, which a backend may have a default of its own of.
#include "tuner/cli/defaults.h"

#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/effective_settings.h"

using namespace batchtune;

namespace {

OpenDevice open_as(const std::string& backend, std::optional<DType> own = std::nullopt) {
  OpenDevice device{.spec = backend, .entry = find_backend(backend), .figures = {}};
  REQUIRE(device.entry != nullptr);
  device.figures.device.default_dtype = own;
  return device;
}

TuningRequest request_of(const std::string& dtypes, bool equal = false) {
  TuningOptions options;
  options.dtypes = dtypes;
  options.equal_settings = equal;
  const auto request = parse_tuning(options);
  REQUIRE(request);
  return *request;
}

// "bf16 (OpenVINO's default)" of the settings that would be shown; "" where there is no such.
std::string shown(const TuningRequest& request, const std::vector<OpenDevice>& devices,
                  const std::string& name) {
  SessionHeader header;
  header.estimates.resize(devices.size());
  for (const Setting& setting : effective_settings(request, devices, header, ""))
    if (setting.name == name) return to_string(setting.value) + " (" + setting.origin + ")";
  return "";
}

using Types = std::vector<DType>;

}  // namespace

TEST_CASE("a backend is tuned in what it computes in by itself, f32 where nothing says", "[cli]") {
  CHECK(dtypes_of(request_of(""), open_as("cpu")) == Types{DType::f32});
  CHECK(dtypes_of(request_of(""), open_as("openvino", DType::bf16)) == Types{DType::bf16});
  CHECK(dtype_origin(request_of(""), open_as("cpu")) == "default");
  CHECK(dtype_origin(request_of(""), open_as("openvino", DType::f32)) == "OpenVINO's default");
  CHECK(dtype_origin(request_of(""), open_as("simulated", DType::bf16)) == "simulated's default");
}

TEST_CASE("the options --dtype and --equal-settings count more than a backend's own data type", "[cli]") {
  const OpenDevice device = open_as("openvino", DType::bf16);
  CHECK(dtypes_of(request_of("f32"), device) == Types{DType::f32});
  CHECK(dtypes_of(request_of("bf16,f32"), device) == Types{DType::bf16, DType::f32});
  CHECK(dtype_origin(request_of("bf16"), device) == "--dtype");
  CHECK(dtypes_of(request_of("", true), device) == Types{DType::f32});
  CHECK(dtype_origin(request_of("", true), device) == "--equal-settings");
  CHECK(dtype_origin(request_of("", true), open_as("cpu")) == "default");
}

TEST_CASE("settings show the data type of each backend where they do not agree", "[cli]") {
  const OpenDevice cpu = open_as("cpu"), openvino = open_as("openvino", DType::bf16);
  CHECK(shown(request_of(""), {openvino}, "dtype") == "bf16 (OpenVINO's default)");
  CHECK(shown(request_of(""), {openvino}, "openvino.dtype").empty());
  CHECK(shown(request_of(""), {cpu, openvino}, "dtype") == "f32, bf16 (each backend's own default)");
  CHECK(shown(request_of(""), {cpu, openvino}, "cpu.dtype") == "f32 (default)");
  CHECK(shown(request_of(""), {cpu, openvino}, "openvino.dtype") == "bf16 (OpenVINO's default)");
  CHECK(shown(request_of("f32"), {cpu, openvino}, "dtype") == "f32 (--dtype)");
  CHECK(shown(request_of("f32"), {cpu, openvino}, "openvino.dtype").empty());
  CHECK(shown(request_of("", true), {openvino}, "dtype") == "f32 (--equal-settings)");
}
