// MODEL with its options, names for what a command runs, and who reads which file.
#include "tuner/cli/model_source.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/opaque.h"

using namespace batchtune;

namespace {

const std::string kOrt = BT_OPAQUE_DATA "tiny.ort";

TuningRequest request_of(std::vector<std::string> backends) {
  TuningRequest request;
  request.backends = std::move(backends);
  return request;
}

std::string with(const std::string& name, std::vector<std::string> dims,
                 const std::string& batch = "") {
  const auto text = with_model_options(name, {std::move(dims), batch});
  return text ? *text : "error: " + to_string(text.error());
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("sizes by --dim and --batch-axis are what stands behind MODEL's @", "[cli][model]") {
  CHECK(with("m.onnx", {}) == "m.onnx");
  CHECK(with("m.onnx", {"seq=128"}) == "m.onnx@seq=128");
  CHECK(with("m.onnx", {"seq=128", "len=3"}, "N") == "m.onnx@len=3,seq=128,batch=N");
  CHECK(with("m.onnx@len=3", {"seq=128"}) == "m.onnx@len=3,seq=128");
  CHECK(with("m.xml", {"x.1=3"}, "x.0") == "m.xml@x.1=3,batch=x.0");
  CHECK(with("bert-large", {"seq=384"}) == "bert-large@seq=384");
  CHECK(load_model(with("bert-large", {"seq=384"}))->name == "bert-large@seq=384");
}

TEST_CASE("the same said twice is one, two sizes are an error", "[cli][model]") {
  CHECK(with("m.onnx@seq=128", {"seq=128"}) == "m.onnx@seq=128");
  CHECK(with("m.onnx@batch=N", {}, "N") == "m.onnx@batch=N");
  CHECK(holds(with("m.onnx@seq=128", {"seq=64"}), "one size of the dimension seq, found 128 and 64"));
  CHECK(holds(with("bert-large@seq=128", {"seq=64"}), "128 and 64"));
  CHECK(holds(with("m.onnx", {"seq=1", "seq=2"}), "1 and 2"));
  CHECK(holds(with("m.onnx@batch=N", {}, "M"), "N and M"));
}

TEST_CASE("options that cannot be a model's are refused", "[cli][model]") {
  for (const char* wrong : {"seq", "=3", "seq=", "seq=x", "seq=3x", ""}) {
    INFO(wrong);
    CHECK(holds(with("m.onnx", {wrong}), "NAME=SIZE"));
  }
  CHECK(holds(with("a.json", {"seq=3"}), "dims in one place"));
  CHECK(holds(with("bert-large", {}, "N"), "a file that leaves its batch open"));
}

TEST_CASE("with the command backend alone any name is a model", "[cli][model]") {
  const TuningRequest command = request_of({"command:command=run {batch}"});
  const auto model = load_measured_model("my-model@seq=64", command, true);
  REQUIRE(model);
  CHECK(model->name == "my-model@seq=64");
  CHECK(model->dims == std::map<std::string, std::int64_t>{{"seq", 64}});
  CHECK(is_opaque(*model));
  CHECK(model_hash(*model) !=
        model_hash(*load_measured_model("my-model@seq=65", command, true)));
  CHECK(is_opaque(*load_measured_model("weights/llama.gguf", command, true)));
  CHECK_FALSE(is_opaque(*load_measured_model("mlp", command, true)));  // of the zoo
  CHECK(load_measured_model(kOrt, command, true)->file->format == "ort");
  CHECK_FALSE(load_measured_model("/nowhere/a.onnx", command, true));
  CHECK_FALSE(load_measured_model("mlp@wdth=3", command, true));
}

TEST_CASE("elsewhere an unknown name stays an error with the near one", "[cli][model]") {
  for (const std::vector<std::string>& backends :
       {std::vector<std::string>{}, {"simulated"}, {"command:command=run", "cpu"}, {"command"}}) {
    const auto model = load_measured_model("resnet50", request_of(backends), true);
    REQUIRE_FALSE(model);
    CHECK(holds(model.error().todo, "resnet-50"));
  }
}

TEST_CASE("a file that one runtime reads is for that one", "[cli][model]") {
  const Model model = load_model(kOrt).value();
  for (const char* backend : {"onnxruntime", "onnxruntime:spinning=0", "simulated", "command:command=run"})
    CHECK(check_readers(model, request_of({backend})));
  for (const std::vector<std::string>& backends :
       {std::vector<std::string>{}, {"openvino"}, {"onnxruntime", "cpu"}}) {
    const auto refused = check_readers(model, request_of(backends));
    REQUIRE_FALSE(refused);
    CHECK(holds(refused.error().wanted, "onnxruntime"));
  }
  CHECK(check_readers(load_model("mlp").value(), request_of({"cpu"})));
  CHECK_FALSE(check_operations_known(model, "estimate"));
  CHECK(check_operations_known(load_model("mlp").value(), "estimate"));
}
