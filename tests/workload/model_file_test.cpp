// Model files: what is accepted, and that every refusal names its place.
#include <filesystem>
#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tuner/workload/model_fields.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;

namespace {

// A valid file around the given operations.
std::string file_with(const std::string& ops, const std::string& output = "y") {
  return R"({"schema_version":1,"name":"mine","ops":[{"name":"x","op":"input","shape":[8,8,4]},)" +
         ops + R"(],"output":")" + output + "\"}";
}

Error error_of(const std::string& text) {
  const Result<Model> model = parse_model(text, "mine.json");
  REQUIRE_FALSE(model);
  return model.error();
}

}  // namespace

TEST_CASE("a model file gives the model that it describes", "[model_file]") {
  const Result<Model> model = parse_model(file_with(R"(
    {"name":"y","op":"conv2d","inputs":["x"],"columns":6,"kernel":[3,1],"stride":[2,1],
     "padding":[1,0,1,0],"bias":true,"batch_norm":true,"activation":"relu6"})"),
                                          "mine.json");
  INFO((model ? "" : to_string(model.error())));
  REQUIRE(model);
  const Op& conv = model->ops[1];
  CHECK(conv.output == Shape{4, 8, 6});
  CHECK(conv.epilogue == Epilogue{.bias = true, .activation = Activation::relu6});
  CHECK(conv.folded_batch_norm);
  CHECK(parse_model(write_model(*model), "again").value() == *model);
}

TEST_CASE("broken JSON is located by line and column", "[model_file]") {
  const Error error = error_of("{\n  \"name\": tru\n}");
  CHECK(error.wanted == "JSON");
  CHECK(error.where.find("mine.json:2:") == 0);
  CHECK(error.found.find("syntax error") != std::string::npos);
  CHECK(error_of("").where == "mine.json:1:1");
}

TEST_CASE("a wrong value is located by its JSON path, with what was expected there",
          "[model_file]") {
  struct Case {
    std::string text, where, wanted;
  };
  const Case cases[] = {
      {"[]", "$", "an object: a model"},
      {"{}", "$.schema_version", "1"},
      {R"({"schema_version":2})", "$.schema_version", "1, the version this program reads"},
      {R"({"schema_version":1})", "$.name", "the model's name"},
      {R"({"schema_version":1,"name":"m","output":"y"})", "$.ops", "an array of operations"},
      {R"({"schema_version":1,"name":"m","output":"y","ops":[]})", "$.ops",
       "1 to 10000 operations"},
      {R"({"schema_version":1,"name":"m","output":"y","ops":[7]})", "$.ops[0]",
       "an object: one operation"},
      {R"({"schema_version":1,"name":"m","output":"y","layers":[]})", "$", "only schema_version"},
      {file_with(R"({"op":"add"})"), "$.ops[1].name", "the operation's name"},
      {file_with(R"({"name":"y"})"), "$.ops[1].op", "the operation's kind"},
      {file_with(R"({"name":"y","op":"convolution"})"), "$.ops[1].op", "one of input, embedding"},
      {file_with(R"({"name":"y","op":"add"})"), "$.ops[1].inputs", "this key in add"},
      {file_with(R"({"name":"y","op":"add","inputs":"x"})"), "$.ops[1].inputs",
       "an array of names"},
      {file_with(R"({"name":"y","op":"add","inputs":["x",3]})"), "$.ops[1].inputs[1]",
       "the name of an operation"},
      {file_with(R"({"name":"y","op":"add","inputs":["x"]})"), "$.ops[1].inputs",
       "2 input(s) for add"},
      {file_with(R"({"name":"y","op":"max_pool","inputs":["x"],"kernel":3})"), "$.ops[1].kernel",
       "two integers, [height, width]"},
      {file_with(R"({"name":"y","op":"max_pool","inputs":["x"],"kernel":[3,0]})"),
       "$.ops[1].kernel", "an integer from 1 to 4096"},
      {file_with(R"({"name":"y","op":"max_pool","inputs":["x"],"kernel":[3,3.5]})"),
       "$.ops[1].kernel[1]", "an integer"},
      {file_with(R"({"name":"y","op":"matmul","inputs":["x"],"columns":18446744073709551615})"),
       "$.ops[1].columns", "an integer"},
      {file_with(R"({"name":"y","op":"matmul","inputs":["x"],"columns":9223372036854775807})"),
       "$.ops[1].columns", "a weight matrix dimensions"},
      {file_with(R"({"name":"y","op":"matmul","inputs":["x"],"columns":2,"strides":[1]})"),
       "$.ops[1]", "only these keys in matmul: name, op, inputs"},
      {file_with(R"({"name":"y","op":"matmul","inputs":["x"],"columns":2,"bias":1})"),
       "$.ops[1].bias", "true or false"},
      {file_with(R"({"name":"y","op":"matmul","inputs":["x"],"columns":2,"activation":"tanh"})"),
       "$.ops[1].activation", "one of none, relu"},
      {file_with(R"({"name":"y","op":"layer_norm","inputs":["x"],"epsilon":0})"),
       "$.ops[1].epsilon", "a number above 0"},
      {file_with(R"({"name":"y","op":"reshape","inputs":["x"],"shape":[3]})"), "$.ops[1].shape",
       "as many elements as the input [8, 8, 4]"},
      {file_with(R"({"name":"y","op":"matmul","inputs":["x"],"columns":2,"shape":[3]})"),
       "$.ops[1].shape", "[8, 8, 2], the inferred output"},
      {file_with(R"({"name":"y","op":"add","inputs":["x","x"]})", "z"), "$.output",
       "the name of an operation"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const Error error = error_of(c.text);
    CHECK(error.where == "mine.json, " + c.where);
    CHECK(error.wanted.find(c.wanted) == 0);
    CHECK_FALSE(error.found.empty());
  }
}

TEST_CASE("files that are missing, folders or too large are refused", "[model_file]") {
  namespace fs = std::filesystem;
  CHECK(load_model("/nowhere/model.json").error().found == "no such file");
  CHECK(read_model_file(fs::temp_directory_path()).error().found == "something that is no file");
  const std::string path = fs::temp_directory_path() / "batchtune_large_model.json";
  std::ofstream(path) << "[]";
  fs::resize_file(path, 4ULL << 30);  // sparse
  CHECK(read_model_file(path).error().wanted == "a model of at most 16 MiB of JSON");
  fs::remove(path);
}

TEST_CASE("a model is named by zoo or by file", "[model_file]") {
  CHECK(load_model("mlp@depth=2")->ops.size() == 3);
  CHECK(load_model("mlp.onnx").error().where == "mlp.onnx");
  const std::string path = std::filesystem::temp_directory_path() / "batchtune_model.json";
  std::ofstream(path) << write_model(build_zoo_model("squeezenet").value());
  CHECK(load_model(path)->name == "squeezenet");
  std::filesystem::remove(path);
}

TEST_CASE("the schema lists exactly the fields and names that the reader knows", "[model_file]") {
  std::ifstream file(BT_MODEL_SCHEMA);
  const auto schema = nlohmann::json::parse(file);
  std::set<std::string> listed, known = {"name", "op"};
  for (const auto& [key, value] : schema["$defs"]["op"]["properties"].items()) listed.insert(key);
  for (const OpField& field : op_fields()) known.insert(field.key);
  CHECK(listed == known);
  std::set<std::string> kinds, known_kinds;
  for (const auto& name : schema["$defs"]["op"]["properties"]["op"]["enum"]) kinds.insert(name);
  for (const auto& [name, kind] : op_kind_names()) known_kinds.emplace(name);
  CHECK(kinds == known_kinds);
}
