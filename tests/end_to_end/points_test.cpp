// Several models in one call, the current deployment points, and sessions that follow others, on
// the simulated device.
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

const Arguments kSimulated{"--backend", "simulated", "--threads", "2", "--instances", "1"};

Arguments joined(Arguments first, const Arguments& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

Finished tune(const Arguments& more) {
  return run(joined({"tune"}, joined(more, kSimulated)));
}

Json json_of(Arguments arguments, int code = 0) {
  arguments.insert(arguments.end(), {"--format", "json"});
  const Finished finished = run(arguments);
  INFO(finished.err);
  CHECK(finished.code == code);
  return Json::parse(finished.out);
}

Json tuned(const Arguments& more, int code = 0) {
  return json_of(joined({"tune"}, joined(more, kSimulated)), code);
}

std::string file(const std::string& name, const std::string& text) {
  std::ofstream(scratch(name)) << text;
  return scratch(name);
}

std::size_t sessions() {
  const Json document = Json::parse(run({"list", "sessions", "--format", "json"}).out);
  return document.contains("sessions") ? document.at("sessions").size() : 0;  // else: no database
}

void refused(const Finished& finished, const std::string& message, int code = 2) {
  INFO(finished.err);
  CHECK(finished.code == code);
  CHECK(finished.err.find(message) != std::string::npos);
}

std::vector<int> batches_of(const Json& document) {
  std::vector<int> batches;
  for (const Json& trial : document.at("trials")) batches.push_back(trial.at("batch"));
  return batches;
}

constexpr char kTwoModels[] = R"(
budget = "20s"
[defaults]
backend = "simulated"
threads = 2
instances = 1
[[model]]
name = "mlp"
batches = "1,2,4"
[[model]]
name = "bert-base"
dims = { seq = 64 }
batches = [1, 2]
objective = "throughput"
)";

}  // namespace

TEST_CASE("a file of models tunes each by its own options and shares one budget",
          "[end_to_end][points]") {
  fresh_database();
  const Json document = json_of({"tune", "--file", file("models.toml", kTwoModels)});
  REQUIRE(document.at("results").size() == 2);
  const Json &mlp = document.at("results")[0], &bert = document.at("results")[1];
  CHECK(batches_of(mlp).size() <= 3);
  CHECK(bert.at("model").at("name") == "bert-base@seq=64");
  CHECK(bert.at("settings").at("effective").at("objective") == "throughput");
  CHECK(mlp.at("settings").at("effective").at("objective") == "knee");
  CHECK(mlp.at("settings").at("effective").at("budget") == 10.0);
  CHECK(mlp.at("settings").at("origins").at("budget") == "a share of 20.0 s");
  // What the first left over goes to the second.
  CHECK(bert.at("settings").at("effective").at("budget").get<double>() > 10.0);
}

TEST_CASE("the command line counts for every model of a file", "[end_to_end][points]") {
  fresh_database();
  const Json document = json_of(
      {"tune", "--file", file("models.toml", kTwoModels), "--batches", "1", "--budget", "4s"});
  for (const Json& result : document.at("results"))
    CHECK(batches_of(result) == std::vector<int>{1});
  CHECK(document.at("results")[0].at("settings").at("effective").at("budget") == 2.0);
}

TEST_CASE("a model that fails stops no other, and the worst exit code is the run's",
          "[end_to_end][points]") {
  fresh_database();
  const std::string path = file("mixed.toml", R"(
[defaults]
threads = 2
instances = 1
batches = "1,2"
[[model]]
name = "mlp"
backend = "simulated:walls=1GiB"
[[model]]
name = "squeezenet"
backend = "simulated"
)");
  const Json document = json_of({"tune", "--file", path}, 2);
  REQUIRE(document.at("results").size() == 2);
  CHECK(document.at("results")[0].at("model") == "mlp");
  CHECK(document.at("results")[0].at("error").at("found").is_string());
  CHECK(document.at("results")[1].at("best").at("batch").is_number());
  const Finished text = run({"tune", "--file", path});
  CHECK(text.code == 2);
  CHECK(text.out.find("mlp: failed:") != std::string::npos);
  CHECK(text.out.find("squeezenet (session") != std::string::npos);
}

TEST_CASE("errors in a file of models come before anything is measured", "[end_to_end][points]") {
  fresh_database();
  refused(run({"tune", "--file", file("typo.toml", "[[model]]\nname = \"mlp\"\nbatchs = 3\n")}),
          "typo.toml:3:1");
  refused(run({"tune", "--file",
               file("name.toml", "[[model]]\nname = \"mlp\"\n[[model]]\nname = \"mlpp\"\n")}),
          "name.toml:3:1");
  refused(run({"tune", "--file", scratch("none.toml")}), "none.toml");
  refused(run({"tune", "mlp", "--file", scratch("none.toml")}), "Leave one of the two out");
  refused(run({"tune"}), "MODEL is required");
  // What only the last model's own options make wrong.
  const std::string good = "[defaults]\nbackend = \"simulated\"\n[[model]]\nname = \"mlp\"\n";
  for (const auto& [bad, wanted] :
       {std::pair{"objective = \"latency\"", "--min-throughput with the objective latency"},
        std::pair{"objective = \"cost\"", "--price with the objective cost"},
        std::pair{"backend = \"cpu\"\nthreads = 1024", "threads"}}) {
    const Finished finished =
        run({"tune", "--file",
             file("wish.toml", good + "[[model]]\nname = \"squeezenet\"\n" + bad + "\n")});
    refused(finished, "wish.toml:5:1");
    refused(finished, wanted);
  }
  CHECK(sessions() == 0);
}

TEST_CASE("an interrupted run goes on with its first unfinished model", "[end_to_end][points]") {
  fresh_database();
  const Arguments models{"tune", "mlp", "resnet-18"};
  Program program(
      joined(models, joined(kSimulated, {"--batches", "1:60", "--strategy", "exhaustive", "--soak",
                                         "0s", "--budget", "2000s"})));
  REQUIRE(eventually(60, [] { return sessions() == 2; }));
  program.send(SIGKILL);
  CHECK(program.wait().code == 128 + SIGKILL);

  refused(run(joined(models, {"--resume", "--seed", "9"})), "--seed: the default then, 9 now");
  refused(run({"tune", "mlp", "squeezenet", "--resume"}), "in this order");
  refused(run(joined(models, {"--resume", "1"})), "one model with --resume");
  const Json document = json_of(joined(models, {"--resume"}));
  REQUIRE(document.at("results").size() == 2);
  CHECK(document.at("results")[0].at("session").at("number") == 1);
  CHECK(document.at("results")[1].at("session").at("number") == 2);
  CHECK(sessions() == 2);
  refused(run(joined(models, {"--resume"})), "has not ended");
}

TEST_CASE("a run of a file does not go on where the file no longer asks the same",
          "[end_to_end][points]") {
  fresh_database();
  const std::string budget = "budget = \"2000s\"\n";
  const std::string models =
      "[defaults]\nbackend = \"simulated\"\nthreads = 2\ninstances = 1\n"
      "[[model]]\nname = \"mlp\"\nbatches = \"1:60\"\nstrategy = \"exhaustive\"\n";
  const std::string limit = "latency-limit = \"p50=10s\"\n";
  const Arguments tune_file{"tune", "--file", file("models.toml", budget + models + limit)};
  Program program(joined(tune_file, {"--soak", "0s"}));
  REQUIRE(eventually(60, [] { return sessions() == 1; }));
  program.send(SIGKILL);
  program.wait();
  const Arguments resumed = joined(tune_file, {"--resume"});
  file("models.toml", budget + models);
  refused(run(resumed), "latency-limit of the file: p50=10s then, the default now");
  file("models.toml", models + limit);
  refused(run(resumed), "budget: 2000 s then, 60.0 s now");
  file("models.toml", budget + models + limit);
  CHECK(run(resumed).code == 0);  // what was typed need not be typed again
  CHECK(sessions() == 1);
}

TEST_CASE("points shows the newest answer to each question", "[end_to_end][points]") {
  fresh_database();
  CHECK(run({"points"}).code == 4);               // no database yet
  refused(run({"tune", "--track", "77"}), "77");  // now there is one
  CHECK(run({"points", "--price", "simulated=0.5/h"}).out.find("No session") == 0);
  REQUIRE(tune({"mlp", "--batches", "1,2,4"}).code == 0);
  REQUIRE(tune({"mlp", "--batches", "1,2"}).code == 0);
  REQUIRE(tune({"squeezenet", "--batches", "1,2", "--latency-limit", "p50=10s"}).code == 0);
  REQUIRE(tune({"mlp", "--batches", "1,2", "--latency-limit", "p50=1us"}).code == 1);
  const Json document = json_of({"points", "--price", "simulated=0.5/h"});
  const Json& points = document.at("points");
  REQUIRE(points.size() == 3);
  CHECK(points[0].at("session") == 2);
  CHECK(points[0].at("simulated") == true);
  CHECK(points[0].at("stale") == false);
  CHECK(points[0].at("unchecked").empty());
  CHECK(points[0].at("age").get<double>() < 600);
  const double rate = points[0].at("throughput").at("undisturbed");
  CHECK(points[0].at("cost_per_million").get<double>() == Approx(0.5 / 3600 / rate * 1e6));
  CHECK(points[1].at("session") == 4);
  CHECK(points[1].at("batch").is_null());
  CHECK_FALSE(points[1].at("gap").get<std::string>().empty());
  CHECK(points[2].at("model").at("name") == "squeezenet");
  CHECK(points[2].at("limits")[0].at("metric") == "p50");

  CHECK(json_of({"points", "--model", "squeezenet"}).at("points").size() == 1);
  const Finished text = run({"points"});
  CHECK(text.code == 0);
  CHECK(text.out.find("SIMULATED") != std::string::npos);
  CHECK(text.out.find("current, simulated") != std::string::npos);
  const Finished csv = run({"points", "--format", "csv"});
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 4);
  refused(run({"points", "--model", "vgg-16"}), "a model with a finished session");
  refused(run({"points", "--price", "gpu=0.5/h"}), "simulated");
  refused(run({"points", "--price", "0.5"}), "/h");
}

TEST_CASE("a point is stale when its model has changed since", "[end_to_end][points]") {
  fresh_database();
  const std::string path = file("own.json", run({"export", "mlp@width=64"}).out);
  REQUIRE(tune({path, "--batches", "1,2"}).code == 0);
  CHECK(json_of({"points"}).at("points")[0].at("stale") == false);
  const std::string name = json_of({"points"}).at("points")[0].at("model").at("name");
  std::string changed = run({"export", "mlp@width=128"}).out;
  const std::string other = "mlp@width=128";
  if (const auto at = changed.find(other); at != std::string::npos)
    changed.replace(at, other.size(), name);
  std::ofstream(path) << changed;
  const Json point = json_of({"points"}).at("points")[0];
  CHECK(point.at("stale") == true);
  CHECK(point.at("stale_reasons")[0].get<std::string>().rfind("model: ", 0) == 0);
  CHECK(run({"points"}).out.find("STALE: ") != std::string::npos);
}

TEST_CASE("an extension leaves out what is ruled out and is linked to its session",
          "[end_to_end][points]") {
  fresh_database();
  // Behind the hump at 8 throughput falls, so 32 and 64 cannot be the choice.
  const Arguments hump{"--backend", "simulated:hump=8", "--threads", "2", "--instances", "1"};
  const Json base =
      json_of(joined({"tune", "mlp", "--batches", "4,8,32,64", "--strategy", "exhaustive"}, hump));
  const Finished finished =
      run({"tune", "--extend", "1", "--batches", "4:9,32,64", "--format", "json"});
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  CHECK(finished.err.find("64 (batch ") != std::string::npos);
  const Json extension = Json::parse(finished.out);
  for (const int batch : batches_of(extension)) CHECK((batch >= 4 && batch <= 9));
  CHECK(extension.at("settings").at("requested").at("extend") == base.at("session").at("uuid"));
  CHECK(extension.at("settings").at("origins").at("batches") == "--extend 1");
  CHECK(extension.at("settings").at("effective").at("backend") == "simulated:hump=8");
  // Other groups: nothing is known of them, so nothing is left out.
  const Json other =
      json_of({"tune", "--extend", "1", "--threads", "1", "--strategy", "exhaustive"});
  CHECK(batches_of(other) == std::vector<int>{4, 8, 32, 64});
  refused(run({"tune", "--extend", "1", "--batches", "32,64"}), "a batch that is missing");
  CHECK(run({"tune", "--extend", "1", "--threads", "1", "-q"}).err.find("nothing is left out") !=
        std::string::npos);
  // What was typed then and a strategy typed now do not contradict each other.
  REQUIRE(run(joined({"tune", "mlp", "--batches", "1:8", "--max-batches", "3", "-q"}, hump)).code ==
          0);
  CHECK(run({"tune", "--extend", "last", "--strategy", "exhaustive", "-q"}).code == 0);
  // Where all batches are allowed the new list has an end, which is said.
  REQUIRE(run(joined({"tune", "mlp"}, hump)).code == 0);
  const Finished all = run({"tune", "--extend", "last", "--format", "json"});
  INFO(all.err);
  const Json words = Json::parse(all.out).at("settings").at("requested").at("left_out");
  CHECK(words.get<std::string>().find(" and all above ") != std::string::npos);
}

TEST_CASE("a tracking session visits the front, the choice and its neighbours",
          "[end_to_end][points]") {
  fresh_database();
  const Json base = tuned({"mlp", "--batches", "1:64:x2"});
  const Json tracked = json_of({"tune", "--track", "1"});
  const std::vector<int> visited = batches_of(tracked);
  const auto is_visited = [&](int batch) {
    return std::find(visited.begin(), visited.end(), batch) != visited.end();
  };
  for (const Json& trial : base.at("trials"))
    if (trial.at("front") == true) CHECK(is_visited(trial.at("batch")));
  CHECK(is_visited(base.at("best").at("batch")));
  for (const Json& trial : tracked.at("trials")) CHECK(trial.at("visits") > 0);
  CHECK(tracked.at("settings").at("requested").at("track") == base.at("session").at("uuid"));
  CHECK(tracked.at("settings").at("origins").at("batches") == "--track 1");
  // The same again, and what is given beside it.
  CHECK(batches_of(json_of({"tune", "mlp", "--track", "last"})) == visited);
  const Json further = json_of({"tune", "--track", "1", "--batches", "100"});
  CHECK(batches_of(further).back() == 100);
  CHECK(batches_of(further).size() == visited.size() + 1);
}

TEST_CASE("following an unknown session, another model or another device is refused",
          "[end_to_end][points]") {
  fresh_database();
  REQUIRE(tune({"mlp", "--batches", "1,2"}).code == 0);
  for (const char* option : {"--extend", "--track"}) {
    refused(run({"tune", option, "77"}), "77");
    refused(run({"tune", "squeezenet", option, "1"}), "the model of session 1: mlp");
    refused(run({"tune", option, "1", "--backend", "cpu"}), "the backends of session 1: simulated");
    refused(run({"tune", "mlp", "squeezenet", option, "1"}), "one model with");
    refused(run({"tune", "mlp", option, "1", "--resume"}), "one of --resume, --extend and --track");
  }
  refused(run({"tune", "--track", "1", "--strategy", "doubling"}), "--track");
  CHECK(sessions() == 1);
}
