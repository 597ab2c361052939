// Bad input of every kind: the exit code, one clear line on stderr, nothing on stdout.
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;

namespace {

std::string file(const std::string& name, const std::string& text) {
  std::ofstream(scratch(name)) << text;
  return scratch(name);
}

void expect(const Arguments& arguments, int code, const std::string& message) {
  std::string line;
  for (const std::string& argument : arguments) line += " " + argument;
  INFO("batchtune" << line);
  const Finished finished = run(arguments);
  INFO(finished.err);
  CHECK(finished.code == code);
  CHECK(finished.err.find(message) != std::string::npos);
  CHECK(finished.out.empty());
  CHECK(finished.err.rfind("batchtune: ", 0) == 0);
}

}  // namespace

TEST_CASE("bad usage ends with 2 and says what was wanted", "[end_to_end]") {
  expect({}, 2, "wanted a command: tune");
  expect({"tun"}, 2, "found 'tun'");
  expect({"tune"}, 2, "MODEL is required");
  expect({"tune", "mlp", "--fast"}, 2, "--fast");
  expect({"tune", "mlp", "--format", "xml"}, 2, "wanted text, json or csv");
  expect({"tune", "mlp", "--quiet", "--format", "csv"}, 2, "Leave one of the two out");
  expect({"tune", "mlp", "--backend", "tpu"}, 2, "wanted a backend: cpu, onnxruntime");
  expect({"tune", "mlp", "--backend", "simulated:walls=1GiB"}, 2, "wall");
  expect({"tune", "mlp", "--isa", "mmx"}, 2, "wanted an instruction set: reference");
  expect({"tune", "mlp", "--threads", "1000"}, 2, "threads in all");
  expect({"tune", "mlp", "--mode", "training"}, 2, "batchtune estimate MODEL --mode training");
  expect({"list", "moods"}, 2, "wanted something to list: models");
  expect({"tune", "mlp", "resnet-18", "--backend", "simulated", "--resume"}, 2,
         "a run of these models, in this order");
}

TEST_CASE("bad batches end with 2 and name the element", "[end_to_end]") {
  expect({"tune", "mlp", "--batches", "0"}, 2, "a batch size of at least 1, found 0");
  expect({"tune", "mlp", "--batches", "-3"}, 2, "found -3");
  expect({"measure", "mlp", "--batches", "4,x"}, 2, "element 2");
  expect({"measure", "mlp"}, 2, "--batches is required");
}

TEST_CASE("bad models end with 2 and say what is wrong where", "[end_to_end]") {
  expect({"tune", "resnet-51"}, 2, "resnet-50");
  expect({"describe", "bert-large@sequence=3"}, 2, "seq");
  expect({"tune", scratch("missing.json")}, 2, "missing.json");
  expect({"tune", file("broken.json", "{\"schema_version\": 1,\n  \"ops\": [}")}, 2,
         "broken.json:2");
  expect({"tune", file("empty.json", "")}, 2, "empty.json");
  expect({"describe", file("list.json", "[1, 2]")}, 2, "list.json");
}

TEST_CASE("bad devices and figures end with 2", "[end_to_end]") {
  expect({"estimate", "resnet-50", "--device", "inferentai"}, 2, "inferentia");
  expect({"estimate", "resnet-50", "--device", file("device.json", "{")}, 2, "device.json");
  expect({"estimate"}, 2, "a MODEL, raw figures or --guide");
  expect({"estimate", "--peak", "64T"}, 2, "no --bandwidth");
  expect({"estimate", "mlp", "--peak", "64T"}, 2, "found both");
  expect({"estimate", "--peak", "64", "--bandwidth", "50", "--flops", "1G", "--params", "1M"}, 2,
         "--bandwidth");
  expect({"estimate", "mlp", "--mode", "dreaming"}, 2, "inference or training");
  expect({"estimate", "mlp", "--tp", "2"}, 2, "a MODEL with --mode inference, found --tp");
  expect({"estimate", "mlp", "--mode", "training", "--threads", "2"}, 2, "found --threads");
  expect({"estimate", "--guide", "--batches", "1"}, 2, "--guide, found --batches");
  expect({"estimate", "--peak", "64T", "--give-up", "1%"}, 2, "raw figures, found --give-up");
  expect({"estimate", "mlp", "--threads", "1000"}, 2, "threads in all");
  expect(
      {"estimate", "mlp", "--mode", "training", "--device", "trainium", "--memory-limit", "1GiB"},
      2, "Leave one of the two out");
}

TEST_CASE("databases that cannot be used end with 4 and stay as they are", "[end_to_end]") {
  expect({"tune", "mlp", "--backend", "simulated", "--db", scratch("no/such/folder/x.db")}, 4,
         "folder");
  CHECK_FALSE(std::filesystem::exists(scratch("no")));
  const std::string text = file("text.db", "these are notes, and no database; do not touch them\n");
  expect({"tune", "mlp", "--backend", "simulated", "--db", text}, 4, "no SQLite database");
  std::ifstream again(text);
  std::string line;
  std::getline(again, line);
  CHECK(line == "these are notes, and no database; do not touch them");
  expect({"report", "--db", scratch("none.db")}, 4, "none.db");
  expect({"tune", "mlp", "--backend", "simulated", "--db", std::filesystem::temp_directory_path()},
         4, "database");
}

TEST_CASE("another program's database is refused and not changed", "[end_to_end]") {
  const std::string path = scratch("foreign.db");
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "CREATE TABLE recipe(name TEXT); INSERT INTO recipe VALUES('soup')",
                       nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  const auto size = std::filesystem::file_size(path);
  expect({"tune", "mlp", "--backend", "simulated", "--db", path}, 4, "foreign.db");
  expect({"list", "devices", "--db", path}, 4, "foreign.db");
  CHECK(std::filesystem::file_size(path) == size);
}

TEST_CASE("a database in a folder that may not be written ends with 4", "[end_to_end]") {
  if (geteuid() == 0) BT_SKIP("root may write everywhere");
  const std::string locked = scratch("locked");
  std::filesystem::create_directory(locked);
  chmod(locked.c_str(), 0500);
  expect({"tune", "mlp", "--backend", "simulated", "--db", locked + "/x.db"}, 4, "locked");
  chmod(locked.c_str(), 0700);
}

TEST_CASE("sessions that are not there end with 2", "[end_to_end]") {
  fresh_database();
  REQUIRE(
      run({"tune", "mlp", "--backend", "simulated", "--threads", "2", "--batches", "1,2"}).code ==
      0);
  expect({"report", "77"}, 2, "77");
  expect({"report", "last:resnet-50"}, 2, "resnet-50");
  expect({"compare", "1", "2"}, 2, "2");
  expect({"tune", "mlp", "--backend", "simulated", "--resume"}, 2, "has not ended");
  expect({"tune", "mlp", "--backend", "simulated", "--resume", "1"}, 2, "session 1: converged");
}

TEST_CASE("with --format json an error is one JSON document on stdout", "[end_to_end]") {
  for (const Arguments& arguments :
       {Arguments{"tune", "nomodel", "--format", "json"},
        Arguments{"tune", "mlp", "--format=json", "--nonsense"},
        Arguments{"report", "--db", "/nonexistent/x.db", "--format", "json"}}) {
    const Finished finished = run(arguments);
    CHECK((finished.code == 2 || finished.code == 4));
    const auto document = nlohmann::json::parse(finished.out);
    CHECK(document.at("schema_version") == 1);
    for (const char* part : {"wanted", "found", "where", "do"})
      CHECK(document.at("error").contains(part));
  }
}
