// The command backend over small shell programs: what they print becomes runs, how they end becomes
// an Ending.
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

Outcome<Loaded> load(const std::string& command, const std::string& more = "") {
  auto backend = command::create_backend("command=" + escape(command) + more);
  INFO((backend ? std::string() : to_string(backend.error())));
  REQUIRE(backend.has_value());
  Loaded loaded{std::move(*backend), nullptr};
  LoadOptions options;
  options.group = {"command", DType::f32, 2, 1, {}};
  options.seed = 5;
  LoadReport report;
  Model model;
  model.name = "any";
  BT_TRY(made, loaded.backend->load(model, options, report));
  loaded.model = std::move(made);
  return loaded;
}

Outcome<std::unique_ptr<Program>> prepare(const Loaded& loaded, std::int64_t batch) {
  return loaded.model->prepare({{"command", DType::f32, 2, 1, {}}, batch});
}

// Of preparing `batch`, which must not succeed.
Ending ending_of(const std::string& command, std::int64_t batch = 4, const std::string& more = "") {
  const auto loaded = load(command, more);
  if (!loaded) return loaded.error();
  const auto program = prepare(*loaded, batch);
  REQUIRE_FALSE(program.has_value());
  INFO(program.error().reason << "; " << program.error().evidence);
  CHECK_FALSE(program.error().reason.empty());
  return program.error();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Prints {n} latencies of a hundredth of a microsecond a sample.
const std::string kSteady = "for i in $(seq {n}); do echo \"{batch}0 ns\"; done";

}  // namespace

TEST_CASE("what a command prints are its runs, as many as a visit announces", "[command]") {
  const auto loaded = load("echo started >&2; " + kSteady);
  REQUIRE(loaded.has_value());
  auto program = prepare(*loaded, 8);
  REQUIRE(program.has_value());
  CHECK((*program)->prepare_seconds().value_or(0) > 0);
  CHECK((*program)->memory().kind == MemoryKind::rss);
  CHECK((*program)->memory().total() > 0);
  const auto first = (*program)->run(1);  // made while preparing
  REQUIRE(first.has_value());
  CHECK(first->seconds == std::vector<Seconds>{80 * 1e-9});
  CHECK((*program)->take_extra() == 0);
  (*program)->announce(5);
  Seconds extra = 0;
  for (int i = 0; i < 5; ++i) {
    REQUIRE((*program)->run(1).has_value());
    const Seconds now = (*program)->take_extra();
    if (i > 0) CHECK(now == 0);  // one process for all
    extra += now;
  }
  CHECK(extra > 0);
  CHECK((*program)->run(3)->seconds.size() == 3);
  CHECK((*program)->read_output(1).error().status == TrialStatus::unsupported);
}

TEST_CASE("of more latencies than asked for the last ones count, of fewer it starts again",
          "[command]") {
  const auto many = load("echo 9us; echo 1us; echo 2us");
  REQUIRE(many.has_value());
  const auto program = prepare(*many, 1);
  REQUIRE(program.has_value());
  (*program)->announce(2);
  CHECK((*program)->run(2)->seconds == std::vector<Seconds>{1e-6, 2e-6});
  const auto one = load("echo 3us");
  REQUIRE(one.has_value());
  CHECK((*prepare(*one, 1))->run(4)->seconds.size() == 4);
}

TEST_CASE("with time=process a run is the life of a process", "[command]") {
  const auto loaded = load("sleep 0.02", ",time=process");
  REQUIRE(loaded.has_value());
  const auto once = (*prepare(*loaded, 1))->run(2);
  REQUIRE(once.has_value());
  REQUIRE(once->seconds.size() == 2);
  CHECK(once->seconds[1] >= 0.02);
  const auto divided = load("test {n} = 10 && sleep 0.05", ",time=process,runs=10");
  REQUIRE(divided.has_value());
  const auto tenth = (*prepare(*divided, 1))->run(1);
  REQUIRE(tenth.has_value());
  CHECK(tenth->seconds[0] >= 0.005);
  CHECK(tenth->seconds[0] < 0.05);
}

TEST_CASE("a command knows its batch from its environment too", "[command]") {
  const auto loaded = load(
      "test \"$BATCHTUNE_BATCH $BATCHTUNE_THREADS $BATCHTUNE_SEED $BATCHTUNE_MODEL $EXTRA\" = "
      "'16 2 5 any a, b' && echo 1us",
      ",env=" + escape("EXTRA=a, b"));
  REQUIRE(loaded.has_value());
  CHECK(prepare(*loaded, 16).has_value());
}

TEST_CASE("a message about memory is out of memory with the line as evidence", "[command]") {
  const Ending device =
      ending_of("echo 'torch.OutOfMemoryError: CUDA out of memory. Tried' >&2; exit 1");
  CHECK(device.status == TrialStatus::out_of_memory);
  CHECK(device.where == "device");
  CHECK(has(device.evidence, "stderr: torch.OutOfMemoryError: CUDA out of memory. Tried"));
  CHECK(has(device.evidence, "exit status 1"));
  const Ending caught = ending_of("echo MemoryError; exit 0");  // it caught the error itself
  CHECK(caught.status == TrialStatus::out_of_memory);
  CHECK(caught.where == "host");
  CHECK(has(caught.evidence, "stdout: MemoryError"));
}

TEST_CASE("a message about memory beside good latencies is a log", "[command]") {
  const auto loaded = load("echo 'out of memory, trying again' >&2; echo 1us");
  REQUIRE(loaded.has_value());
  CHECK(prepare(*loaded, 1).has_value());
}

TEST_CASE("a command that is killed is out of memory, by inference", "[command]") {
  for (const char* text : {"kill -9 $$", "sh -c 'kill -9 $$'; exit $?"}) {
    const Ending ending = ending_of(text);
    CHECK(ending.status == TrialStatus::out_of_memory);
    CHECK(ending.where == "host");
    CHECK(has(ending.evidence, "signal 9"));
  }
}

TEST_CASE("other ends are told with signal or status and the last lines", "[command]") {
  const Ending crashed = ending_of("echo working >&2; kill -SEGV $$");
  CHECK(crashed.status == TrialStatus::crashed);
  CHECK(has(crashed.evidence, "signal 11"));
  CHECK(has(crashed.evidence, "working"));
  const Ending failed = ending_of("echo one >&2; echo two >&2; exit 3");
  CHECK(failed.status == TrialStatus::failed);
  CHECK(has(failed.evidence, "exit status 3; stderr: one | two"));
  const Ending missing = ending_of("test {batch} = 0 || no_such_program_here");
  CHECK(missing.status == TrialStatus::failed);
  CHECK(has(missing.reason, "not found"));
}

TEST_CASE("output that is none is told", "[command]") {
  CHECK(has(ending_of("true").reason, "no latency"));
  const Ending garbage = ending_of("printf 'hello \\377\\376 world\\n'");
  CHECK(garbage.status == TrialStatus::failed);
  CHECK(garbage.evidence == "stdout: hello ?? world");
  CHECK(has(ending_of("echo -1").reason, "line 1"));
  CHECK(has(ending_of("yes | head -c 6000000").reason, "prints too much"));
  const Ending unit = ending_of("echo 12.5");  // milliseconds, it meant
  CHECK(unit.status == TrialStatus::failed);
  CHECK(has(unit.reason, "ms"));
}

TEST_CASE("much on stderr and a child left behind are no hindrance", "[command]") {
  const auto loud = load("yes | head -c 3000000 >&2; echo 1us");
  REQUIRE(loud.has_value());
  CHECK(prepare(*loud, 1).has_value());
  const auto leaving = load("sleep 5 & echo 1us");
  REQUIRE(leaving.has_value());
  const auto program = prepare(*leaving, 1);
  REQUIRE(program.has_value());
  CHECK((*program)->prepare_seconds().value_or(9) < 4);
}

TEST_CASE("rules of a file decide first", "[command]") {
  const std::string path = "command_rules_test.txt";
  std::ofstream(path) << "unsupported - too small a batch\n";
  const Ending ending =
      ending_of("echo 'MemoryError: too small a batch' >&2; exit 1", 1, ",rules=" + path);
  CHECK(ending.status == TrialStatus::unsupported);
  std::ofstream(path) << "# one\nout_of_memory nowhere x\n";
  const auto refused = command::create_backend("command=true,rules=" + path);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().where == path + ":2");
  std::remove(path.c_str());
}

TEST_CASE("setup comes before, cleanup after, and a setup that fails is told", "[command]") {
  const std::string path = "command_setup_test.txt";
  std::remove(path.c_str());
  {
    const auto loaded =
        load("test -f " + path + " && echo 1us", ",setup=touch " + path + ",cleanup=rm " + path);
    REQUIRE(loaded.has_value());
    CHECK(prepare(*loaded, 1).has_value());
    CHECK(std::ifstream(path).good());
  }
  CHECK_FALSE(std::ifstream(path).good());
  const Ending ending = ending_of("echo 1us", 1, ",setup=exit 4");
  CHECK(has(ending.reason, "--setup"));
  CHECK(has(ending.evidence, "exit status 4"));
}

TEST_CASE("a program that is not there is an error before anything is measured", "[command]") {
  for (const char* text : {"no_such_program_here --batch {batch}", "./no/such.py {batch}"}) {
    const auto refused = command::create_backend("command=" + escape(text));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::environment);
    CHECK(has(refused.error().found, "no such program"));
  }
  CHECK(command::create_backend("command=FOO=1 no_such_program_here").has_value());  // not plain
}

TEST_CASE("several instances are not supported", "[command]") {
  const auto loaded = load("echo 1us");
  REQUIRE(loaded.has_value());
  const auto program = loaded->model->prepare({{"command", DType::f32, 1, 2, {}}, 1});
  REQUIRE_FALSE(program.has_value());
  CHECK(program.error().status == TrialStatus::unsupported);
}
