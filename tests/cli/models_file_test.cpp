// models.toml: what a file asks for, and where its errors are.
#include "tuner/cli/models_file.h"

#include "tests/support/catch.h"
#include "tuner/cli/setting_lists.h"

using namespace batchtune;

namespace {

ModelsFile parsed(const std::string& toml) {
  auto file = parse_models_file(toml, "lists/models.toml");
  INFO((file ? "" : to_string(file.error())));
  REQUIRE(file);
  return std::move(*file);
}

Error refused(const std::string& toml) {
  const auto file = parse_models_file(toml, "models.toml");
  REQUIRE_FALSE(file);
  CHECK(file.error().kind == ErrorKind::bad_input);
  return file.error();
}

bool holds(const std::string& text, const std::string& part) {
  INFO(text << "\nlacks: " << part);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each model has its own options over the file's defaults", "[cli]") {
  const ModelsFile file = parsed(R"(
budget = "5m"

[defaults]
backend = "simulated:wall=2GiB"
latency-limit = ["p50=10ms", "p99=20ms"]
verify = true

[[model]]
name = "mlp"
batches = [1, 8, 32]
dtype = ["f32", "bf16"]

[[model]]
name = "bert-large"
dims = { seq = 384 }
threads = 2
latency-limit = "p90=1s"
give-up = 0.05
verify = false
)");
  CHECK(file.budget == "5m");
  REQUIRE(file.models.size() == 2);
  const FileModel& mlp = file.models[0];
  CHECK(mlp.model == "mlp");
  CHECK(mlp.where == "lists/models.toml:9:1");
  CHECK(mlp.options.backends == std::vector<std::string>{"simulated:wall=2GiB"});
  CHECK(mlp.options.latency_limits == std::vector<std::string>{"p50=10ms", "p99=20ms"});
  CHECK(mlp.options.batches == "1,8,32");
  CHECK(mlp.options.dtypes == "f32,bf16");
  CHECK(mlp.options.verify);
  const FileModel& bert = file.models[1];
  CHECK(bert.model == "bert-large@seq=384");
  CHECK(bert.options.latency_limits == std::vector<std::string>{"p90=1s"});
  CHECK(bert.options.threads == "2");
  CHECK(bert.options.give_up == "0.05");
  CHECK_FALSE(bert.options.verify);
  CHECK(bert.options.batches.empty());
}

TEST_CASE("samples are beside the file, and a model's own count", "[cli][samples]") {
  const auto file = parsed(R"(
[defaults]
input = "all.npz"
[[model]]
name = "mlp"
[[model]]
name = "mlp"
input = "/data/own.npz"
)");
  CHECK(file.models[0].options.input == "lists/all.npz");
  CHECK(file.models[1].options.input == "/data/own.npz");
}

TEST_CASE("a model's path is relative to the file", "[cli]") {
  CHECK(parsed("[[model]]\nname = \"a.json\"").models[0].model == "lists/a.json");
  CHECK(parsed("[[model]]\nname = \"/m/a.json\"").models[0].model == "/m/a.json");
  CHECK(parsed("[[model]]\nname = \"llama-3.2-1b-decode\"").models[0].model ==
        "llama-3.2-1b-decode");
}

TEST_CASE("dims stand beside names and files whose dimensions are free", "[cli]") {
  const auto model = [](const std::string& name) {
    return parsed("[[model]]\nname = \"" + name + "\"\ndims = { seq = 128, len = 3 }").models[0].model;
  };
  CHECK(model("a.onnx") == "lists/a.onnx@len=3,seq=128");
  CHECK(model("a.onnx@seq=128,batch=N") == "lists/a.onnx@len=3,seq=128,batch=N");
  CHECK(model("a.xml") == "lists/a.xml@len=3,seq=128");
  CHECK(model("encoder@seq=128") == "encoder@len=3,seq=128");
  const Error twice = refused("[[model]]\nname = \"a.onnx@seq=1\"\ndims = { seq = 2 }");
  CHECK(twice.found == "1 and 2");
  CHECK(twice.where == "models.toml:3:8");
  CHECK(holds(refused("[[model]]\nname = \"a.onnx\"\ndims = { seq = \"x\" }").wanted, "NAME=SIZE"));
}

TEST_CASE("an unknown key is named with its place and the nearest one", "[cli]") {
  const Error error = refused("[[model]]\nname = \"mlp\"\n  latency_limit = \"p99=20ms\"\n");
  CHECK(error.where == "models.toml:3:3");
  CHECK(error.found == "'latency_limit'");
  CHECK(holds(error.todo, "Did you mean latency-limit?"));
  CHECK(holds(refused("[[models]]\nname = \"mlp\"").todo, "Did you mean model?"));
  CHECK(refused("[default]\n").where == "models.toml:1:2");
  CHECK(holds(refused("[defaults]\nbatch = 1\n[[model]]\nname=\"mlp\"").todo, "batches"));
  // One budget is shared, so no model has its own.
  CHECK(refused("[[model]]\nname = \"mlp\"\nbudget = \"5s\"").where == "models.toml:3:1");
}

TEST_CASE("a bad value is named with its place and what was wanted", "[cli]") {
  const auto with = [](const std::string& line) {
    return refused("[[model]]\nname = \"mlp\"\n" + line + "\n");
  };
  const Error limit = with("latency-limit = \"p99=20\"");
  CHECK(limit.where == "models.toml:3:17, latency-limit");
  CHECK(with("memory-limit = [1, 2]").where == "models.toml:3:16, memory-limit");
  CHECK(with("backend = \"tpu\"").found == "'tpu'");
  CHECK(holds(with("verify = \"yes\"").wanted, "true or false"));
  CHECK(holds(with("dtype = { f32 = true }").wanted, "a text, a number"));
  CHECK(with("batches = [1, [2]]").where == "models.toml:3:15");
  for (const char* empty : {"dtype = \"\"", "batches = []", "latency-limit = [\"\"]"})
    CHECK(with(empty).found == "an empty one");
  CHECK(holds(with("dims = 3").wanted, "{ seq = 384 }"));
  CHECK(refused("budget = 60\n[[model]]\nname = \"mlp\"").where == "models.toml:1:10, budget");
  CHECK(refused("budget = {}\n[[model]]\nname = \"mlp\"").where == "models.toml:1:10, budget");
}

TEST_CASE("options that contradict each other are laid to their model", "[cli]") {
  const Error error = refused(
      "[defaults]\ngive-up = \"1%\"\n[[model]]\nname = \"mlp\"\nobjective = \"throughput\"");
  CHECK(holds(error.where, "models.toml:3:1"));
}

TEST_CASE("keys that need each other are checked together", "[cli]") {
  const FileModel command =
      parsed("[[model]]\nname = \"mine\"\nbackend = \"command\"\ncommand = \"run {batch}\"\n"
             "time = \"process\"").models[0];
  CHECK(command.options.command == "run {batch}");
  CHECK(parse_tuning(command.options)->backends ==
        std::vector<std::string>{"command:command=run {batch},time=process"});
  const FileModel runtime = parsed("[defaults]\nruntime-option = \"spinning=0\"\n[[model]]\nname = "
                                   "\"a.onnx\"\nbackend = \"onnxruntime\"").models[0];
  CHECK(parse_tuning(runtime.options)->backends ==
        std::vector<std::string>{"onnxruntime:spinning=0"});
  const Error lonely = refused("[[model]]\nname = \"mine\"\ncommand = \"run {batch}\"");
  CHECK(holds(lonely.where, "models.toml:1:1"));
  CHECK(holds(lonely.todo, "--backend command"));
}

TEST_CASE("a file without models, and one that is no TOML, say so", "[cli]") {
  CHECK(refused("").where == "models.toml");
  CHECK(refused("model = 3").where == "models.toml:1:9");
  CHECK(holds(refused("[[model]]\n").wanted, "a model's name"));
  CHECK(refused("[[model]]\nname = 3").where == "models.toml:2:8");
  CHECK(refused("[[model]]\nname = \"mlp\nbatches = 1").where.starts_with("models.toml:2:"));
  CHECK(holds(refused("[[model]]\nname = \"a.json\"\ndims = { seq = 1 }").wanted,
              "dims in one place"));
  CHECK_FALSE(read_models_file("no/such/models.toml"));
  CHECK_FALSE(read_models_file("/"));
}

TEST_CASE("settings lie over each other by name, and what has changed is said", "[cli]") {
  const std::vector<Setting> base{{"backend", std::string("a"), "--backend"},
                                  {"backend", std::string("b"), "--backend"},
                                  {"seed", std::string("1"), "--seed"}};
  const std::vector<Setting> own{{"backend", std::string("c"), "--backend"}};
  const auto over = settings_over(base, own);
  REQUIRE(over.size() == 2);
  CHECK(to_string(over[0].value) == "1");
  CHECK(to_string(over[1].value) == "c");
  CHECK(changed_settings(base, own) == "--backend: a b then, c now");
  CHECK(changed_settings(base, {}).empty());
  CHECK(changed_settings({}, {{"seed", std::string("2"), "--seed"}}) ==
        "--seed: the default then, 2 now");
  CHECK(missing_settings(base, own) == "--seed: 1 then, the default now");
  CHECK(missing_settings(own, base).empty());
}

TEST_CASE("options over options keep words that are no settings", "[cli]") {
  TuningOptions base, own;
  base.label = "nightly";
  base.branch = "main";
  own.branch = "fast";
  own.threads = "2";
  const TuningOptions over = options_over(base, own);
  CHECK(over.label == "nightly");
  CHECK(over.branch == "fast");
  CHECK(over.threads == "2");
}
