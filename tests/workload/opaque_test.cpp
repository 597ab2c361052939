// Models whose operations cannot be read: files by their ending, names for what a command runs.
#include "tuner/workload/opaque.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/catch.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

using namespace batchtune;

namespace {

namespace fs = std::filesystem;

const std::string kData = BT_OPAQUE_DATA;

// A folder of this process's own.
fs::path folder() {
  const fs::path path = fs::temp_directory_path() / ("batchtune-opaque-" + std::to_string(getpid()));
  fs::create_directories(path);
  return path;
}

std::string written(const std::string& name, const std::string& content) {
  const std::string path = (folder() / name).string();
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string hash_of(const std::string& path) {
  const auto model = load_model(path);
  INFO((model ? "" : to_string(model.error())));
  REQUIRE(model);
  return model_hash(*model);
}

}  // namespace

TEST_CASE("a file that only its runtime reads is a model without operations", "[opaque]") {
  for (const char* name : {"tiny.ort", "tiny.xml"}) {
    INFO(name);
    const auto model = load_model(kData + name);
    REQUIRE(model);
    CHECK(model->name == "tiny");
    CHECK(is_opaque(*model));
    CHECK(model->ops.empty());
    CHECK(model->output.empty());
    CHECK(model->file->format == std::string(name).substr(5));
    CHECK(model->file->path == fs::absolute(kData + name).lexically_normal().string());
    CHECK(format_of(*model)->name == model->file->format);
    const ModelSummary summary = summarise(*model);
    CHECK(summary.flops_per_sample == 0);
    CHECK(summary.parameters == 0);
    CHECK(summary.hash.size() == 16);
  }
  CHECK(format_of(*load_model(kData + "tiny.ort"))->backend == "onnxruntime");
  CHECK(format_of(*load_model(kData + "tiny.xml"))->backend == "openvino");
  CHECK_FALSE(is_opaque(*load_model("mlp")));
}

TEST_CASE("dimensions and the batch come with the path, and make another model", "[opaque]") {
  const std::string path = kData + "tiny.ort";
  CHECK(is_model_path(path + "@seq=128"));
  const auto model = load_model(path + "@seq=128,batch=N");
  REQUIRE(model);
  CHECK(model->name == "tiny@seq=128");
  CHECK(model->dims == std::map<std::string, std::int64_t>{{"seq", 128}});
  CHECK(model->file->batch_dim == "N");
  CHECK(hash_of(path + "@seq=128") != hash_of(path));
  CHECK(hash_of(path + "@batch=N") != hash_of(path));
  CHECK(hash_of(path + "@seq=128") == hash_of(path + "@seq=128"));
  CHECK(load_model(path + "@seq=x").error().found == "\"x\"");
  CHECK(load_model(path + "@batch=4").error().wanted.starts_with("batch=NAME"));
}

TEST_CASE("the hash is of the file's bytes and of the weights beside it", "[opaque]") {
  const std::string ort = written("a.ort", "12  ORTM one");
  const std::string before = hash_of(ort);
  written("a.ort", "12  ORTM two");
  CHECK(hash_of(ort) != before);
  fs::rename(ort, folder() / "b.ort");
  CHECK(hash_of((folder() / "b.ort").string()) != before);

  const std::string xml = written("m.xml", "<?xml version=\"1.0\"?>\n<net name=\"m\"/>");
  const std::string alone = hash_of(xml);
  written("m.bin", "weights");
  const std::string with_weights = hash_of(xml);
  CHECK(with_weights != alone);
  written("m.bin", "Weights");
  CHECK(hash_of(xml) != with_weights);
  fs::remove_all(folder());
}

TEST_CASE("files that are none of their kind are refused with their place", "[opaque]") {
  CHECK(load_model("/nowhere/a.ort").error().found == "no such file");
  CHECK(load_model(kData.substr(0, kData.size() - 1) + "/../opaque.xml").error().found ==
        "no such file");
  for (const char* name : {"text.ort", "empty.ort", "short.ort", "text.xml", "empty.xml"}) {
    const std::string wrong = written(
        name, std::string(name).starts_with("text") ? "hello, <html> and others" : std::string());
    INFO(name);
    const auto model = load_model(wrong);
    REQUIRE_FALSE(model);
    CHECK(model.error().kind == ErrorKind::bad_input);
    CHECK(model.error().found == "other bytes");
    CHECK(model.error().where == wrong);
  }
  fs::create_directories(folder() / "folder.xml");
  CHECK(load_model((folder() / "folder.xml").string()).error().found == "something that is no file");
  fs::remove_all(folder());
}

TEST_CASE("a command's model is its name and its template", "[opaque]") {
  const Model model = command_model("mine", "./bench.py --batch {batch}");
  CHECK(is_opaque(model));
  CHECK(format_of(model) == nullptr);
  CHECK(model_hash(model) == model_hash(command_model("mine", "./bench.py --batch {batch}")));
  CHECK(model_hash(model) != model_hash(command_model("mine", "./bench.py --batch {batch} --amp")));
  CHECK(model_hash(model) != model_hash(command_model("other", "./bench.py --batch {batch}")));
}

TEST_CASE("models without operations go to workers and back", "[opaque]") {
  for (const Model& model :
       {*load_model(kData + "tiny.xml@seq=3,batch=x.1"), command_model("mine", "run {batch}")}) {
    const auto again = parse_model(write_model(model), "worker");
    INFO((again ? "" : to_string(again.error())));
    REQUIRE(again);
    CHECK(*again == model);
    CHECK(model_hash(*again) == model_hash(model));
  }
}

TEST_CASE("only such a model may be without operations, and it may have none", "[opaque]") {
  const auto refused = [](const std::string& format, const std::string& ops) {
    const auto model = parse_model(R"({"schema_version":1,"name":"m","file":{"format":")" + format +
                                       R"(","path":"/m","digest":"0"},"output":"","ops":)" + ops + "}",
                                   "m.json");
    REQUIRE_FALSE(model);
    return model.error();
  };
  CHECK(refused("onnx", "[]").found == "0");
  CHECK(refused("ort", R"([{"name":"x","op":"input","shape":[1]}])").where == "m.json, $.ops");
  CHECK(refused("pt", "[]").wanted.find("onnx, ort, xml or command") != std::string::npos);
}
