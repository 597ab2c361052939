// --input and --equal-settings: what a session keeps of them.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/npz.h"
#include "tuner/cli/equal_settings.h"
#include "tuner/cli/input_file.h"
#include "tuner/cli/options.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Value value_of(const std::vector<Setting>& settings, const std::string& name) {
  for (const Setting& setting : settings)
    if (setting.name == name) return setting.value;
  return {};
}

std::string zeros(const std::string& name, std::int64_t samples, std::int64_t width) {
  return npz_bytes(
      {{name, npy_bytes("<f4", "(" + std::to_string(samples) + ", " + std::to_string(width) + ")",
                        std::string(static_cast<std::size_t>(4 * samples * width), '\1'))}});
}

TuningRequest request_of(const std::string& input, std::vector<std::string> backends = {"cpu"}) {
  TuningOptions options;
  options.input = input;
  options.backends = std::move(backends);
  if (options.backends.front() == "command") options.command = "echo {input}";
  return parse_tuning(options).value();
}

}  // namespace

TEST_CASE("a session keeps the path, the digest and the number of samples", "[cli][samples]") {
  const Model model = build_zoo_model("mlp@width=64").value();
  const SamplesFile file(zeros(model.ops.front().name, 3, 64));
  const auto relative = std::filesystem::relative(file.path()).string();
  const TuningRequest request = request_of(relative);
  CHECK(request.input == file.path());
  CHECK(value_of(request.given, "input") == Value(file.path()));
  CHECK(options_from(request.given).input == file.path());
  const auto settings = input_settings(request, model);
  REQUIRE(settings);
  CHECK(value_of(*settings, "input") == Value(file.path()));
  CHECK(value_of(*settings, "input.samples") == Value(std::int64_t{3}));
  CHECK(to_string(value_of(*settings, "input.digest")).size() == 16);
  CHECK(input_settings(request_of(""), model)->empty());
}

TEST_CASE("a file that does not fit the model ends a session before it begins", "[cli][samples]") {
  const Model model = build_zoo_model("mlp@width=64").value();
  const SamplesFile wrong(zeros(model.ops.front().name, 3, 63));
  const auto refused = input_settings(request_of(wrong.path()), model);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
  CHECK(to_string(refused.error()).find("(samples, 64)") != std::string::npos);
  CHECK_FALSE(input_settings(request_of("/nowhere.npz"), model));
  // A command may read what it likes, and a simulated device nothing.
  for (const char* backend : {"command", "simulated"}) {
    const auto taken = input_settings(request_of(wrong.path(), {backend}), model);
    REQUIRE(taken);
    CHECK(value_of(*taken, "input.samples") == Value{});
  }
}

TEST_CASE("a session with another content of its samples is not gone on with", "[cli][samples]") {
  const Model model = build_zoo_model("mlp@width=64").value();
  const SamplesFile file(zeros(model.ops.front().name, 3, 64));
  SessionHeader header;
  CHECK(changed_input(header).empty());
  header.settings.effective = input_settings(request_of(file.path()), model).value();
  CHECK(changed_input(header).empty());
  std::ofstream(file.path(), std::ios::binary) << zeros(model.ops.front().name, 2, 64);
  CHECK(changed_input(header).find("then") != std::string::npos);
  SessionHeader other, seeded;
  other.settings.effective = input_settings(request_of(file.path()), model).value();
  CHECK(other_input(other, other).empty());
  CHECK(other_input(seeded, seeded).empty());
  CHECK(other_input(header, other).find("digest") != std::string::npos);
  CHECK(other_input(seeded, other).find("seeded ones then") != std::string::npos);
  std::filesystem::remove(file.path());
  CHECK(changed_input(header).find(file.path()) != std::string::npos);
}

TEST_CASE("equal settings reach each backend's parameters, and are said", "[cli][equal]") {
  TuningOptions options;
  options.backends = {"onnxruntime,openvino:hint=latency,cpu"};
  const TuningRequest plain = parse_tuning(options).value();
  CHECK(plain.backends == std::vector<std::string>{"onnxruntime", "openvino:hint=latency", "cpu"});
  CHECK(levelled_settings(plain).empty());
  options.equal_settings = true;
  const TuningRequest equal = parse_tuning(options).value();
  CHECK(equal.backends == std::vector<std::string>{"onnxruntime:spinning=0,pinning=1,denormals=1",
                                                   "openvino:hint=latency,pinning=1,denormals=1",
                                                   "cpu"});
  CHECK(value_of(equal.given, "equal_settings") == Value(true));
  CHECK(parse_tuning(options_from(equal.given))->backends == equal.backends);
  const auto settings = levelled_settings(equal);
  CHECK(value_of(settings, "equal.spinning") == Value(std::string("off")));
  for (const Setting& setting : settings)
    if (setting.name == "equal.spinning") {
      CHECK(setting.origin.find("cannot be set") != std::string::npos);
      CHECK(setting.origin.find("openvino") != std::string::npos);
    }
  CHECK(value_of(settings, "equal.left") != Value{});
}

TEST_CASE("a setting that contradicts equal ones is refused, and so is another data type",
          "[cli][equal]") {
  TuningOptions options;
  options.equal_settings = true;
  options.backends = {"onnxruntime:spinning=1"};
  const auto refused = parse_tuning(options);
  REQUIRE_FALSE(refused);
  CHECK(to_string(refused.error()).find("spinning") != std::string::npos);
  options.backends = {"onnxruntime:spinning=0"};
  CHECK(parse_tuning(options));
  options.dtypes = "f32,bf16";
  CHECK_FALSE(parse_tuning(options));
}
