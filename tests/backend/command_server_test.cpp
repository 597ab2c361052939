// The command backend's server protocol, over servers of a few lines of shell.
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/backend/command/command_backend.h"
#include "tuner/backend/command/options.h"

using namespace batchtune;
using command::escape;

namespace {

struct Loaded {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<LoadedModel> model;  // goes first
};

// A shell loop over requests; `cases` are those of its case statement.
std::string server_of(const std::string& hello, const std::string& cases) {
  return "echo '" + hello + "'; while read -r line; do case \"$line\" in " + cases + " esac; done";
}

const std::string kHello = "{\"batchtune\": 1}";
const std::string kReady = "*prepare*) echo '{\"ready\": true}';;";
const std::string kRun =
    "*'\"run\":1}'*) echo '{\"latencies\": [1e-6]}';; "
    "*'\"run\":2}'*) echo '{\"latencies\": [2e-6, 3e-6]}';;";
const std::string kMemory = "*memory*) echo '{\"memory\": 4096}';;";
const std::string kQuit = "*quit*) exit 0;;";

Loaded load(const std::string& text) {
  auto backend = command::create_backend("time=server,command=" + escape(text));
  REQUIRE(backend.has_value());
  Loaded loaded{std::move(*backend), nullptr};
  LoadOptions options;
  options.group = {"command", DType::f32, 1, 1, {}};
  LoadReport report;
  auto made = loaded.backend->load({}, options, report);
  REQUIRE(made.has_value());
  loaded.model = std::move(*made);
  return loaded;
}

Outcome<std::unique_ptr<Program>> prepare(const Loaded& loaded, std::int64_t batch) {
  return loaded.model->prepare({{"command", DType::f32, 1, 1, {}}, batch});
}

Ending ending_of(const std::string& text) {
  const Loaded loaded = load(text);
  const auto program = prepare(loaded, 4);
  REQUIRE_FALSE(program.has_value());
  INFO(program.error().reason << "; " << program.error().evidence);
  return program.error();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

int lines_of(const std::string& path) {
  std::ifstream file(path);
  int count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

}  // namespace

TEST_CASE("a server is prepared once and answers runs", "[command]") {
  const Loaded loaded =
      load("echo a log line; " + server_of(kHello, kReady + kRun + kMemory + kQuit));
  const auto program = prepare(loaded, 8);
  REQUIRE(program.has_value());
  CHECK((*program)->memory().total() == 4096);
  CHECK((*program)->run(1)->seconds == std::vector<Seconds>{1e-6});
  (*program)->announce(2);
  CHECK((*program)->run(1)->seconds == std::vector<Seconds>{2e-6});
  CHECK((*program)->run(1)->seconds == std::vector<Seconds>{3e-6});
}

TEST_CASE("a server that says many holds all programs, others are started for each", "[command]") {
  const std::string path = "command_server_test.txt";
  const std::string started = "echo started >> " + path + "; ";
  const std::string cases = kReady + kRun + "*memory*) echo '{\"memory\": null}';; " +
                            "*release*) echo released >> " + path +
                            "; echo '{\"released\": true}';; " + kQuit;
  for (const bool many : {false, true}) {
    std::remove(path.c_str());
    const Loaded loaded =
        load(started + server_of(many ? "{\"batchtune\": 1, \"many\": true}" : kHello, cases));
    {
      const auto one = prepare(loaded, 1), two = prepare(loaded, 2);
      REQUIRE(one.has_value());
      REQUIRE(two.has_value());
      CHECK((*two)->memory().total() > 0);  // as the system says
      CHECK(lines_of(path) == (many ? 1 : 2));
    }
    CHECK(lines_of(path) == (many ? 3 : 2));
  }
  std::remove(path.c_str());
}

TEST_CASE("what a server tells of an error becomes the ending", "[command]") {
  const auto with_error = [](const std::string& answer) {
    return ending_of(server_of(kHello, "*prepare*) echo '" + answer + "';; " + kQuit));
  };
  const Ending by_rule = with_error("{\"error\": \"RESOURCE_EXHAUSTED: 8 GiB\"}");
  CHECK(by_rule.status == TrialStatus::out_of_memory);
  CHECK(by_rule.where == "device");
  CHECK(by_rule.evidence == "server: RESOURCE_EXHAUSTED: 8 GiB");
  const Ending by_status =
      with_error("{\"error\": \"x\", \"status\": \"out_of_memory\", \"where\": \"host\"}");
  CHECK(by_status.status == TrialStatus::out_of_memory);
  CHECK(by_status.where == "host");
  CHECK(with_error("{\"error\": \"x\"}").status == TrialStatus::failed);
  CHECK(has(with_error("{\"ready\": false}").reason, "ready"));
  CHECK(has(with_error("{\"something\": 1}").reason, "ready"));
  CHECK(has(with_error("{not json").reason, "ready"));
}

TEST_CASE("a server of another version, or none, is refused", "[command]") {
  CHECK(has(ending_of(server_of("{\"batchtune\": 2}", kQuit)).reason, "version"));
  CHECK(has(ending_of("true").reason, "ended instead of answering"));
}

TEST_CASE("a server that dies tells why", "[command]") {
  const Ending memory =
      ending_of(server_of(kHello, "*prepare*) echo 'std::bad_alloc' >&2; exit 1;;"));
  CHECK(memory.status == TrialStatus::out_of_memory);
  CHECK(memory.where == "host");
  CHECK(ending_of(server_of(kHello, "*prepare*) kill -SEGV $$;;")).status == TrialStatus::crashed);
  const Loaded loaded = load(server_of(kHello, kReady +
                                                   "*'\"run\":1}'*) if test -n \"$ran\"; then "
                                                   "exit 7; fi; ran=1; echo '{\"latencies\": "
                                                   "[1e-6]}';; " +
                                                   kMemory + kQuit));
  const auto program = prepare(loaded, 1);
  REQUIRE(program.has_value());
  REQUIRE((*program)->run(1).has_value());
  const auto dead = (*program)->run(1);
  REQUIRE_FALSE(dead.has_value());
  CHECK(has(dead.error().evidence, "exit status 7"));
  CHECK_FALSE((*program)->run(1).has_value());  // and does not hang
}

TEST_CASE("a server's latencies are checked", "[command]") {
  const auto with_runs = [](const std::string& answer) {
    return ending_of(
        server_of(kHello, kReady + "*run*) echo '" + answer + "';; " + kMemory + kQuit));
  };
  CHECK(has(with_runs("{\"latencies\": [1e-6, 2e-6]}").reason, "1 latencies"));
  CHECK(has(with_runs("{\"latencies\": [-1]}").reason, "latencies"));
  CHECK(has(with_runs("{\"latencies\": [12.5]}").reason, "ms"));  // milliseconds, it meant
}
