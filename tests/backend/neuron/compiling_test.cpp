// Compiling for Neuron: once, in the background, and ended with what asked for it.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/backend/neuron/stand_ins.h"
#include "tests/support/catch.h"
#include "tuner/backend/command/child.h"
#include "tuner/core/stopwatch.h"

using namespace batchtune;
using namespace batchtune::test;
namespace fs = std::filesystem;

namespace {

using Batches = std::vector<std::int64_t>;

template <typename Condition>
bool within(Seconds patience, Condition condition) {
  const Stopwatch stopwatch;
  while (!condition()) {
    if (stopwatch.seconds() > patience) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Of a process that may be left unreaped by whoever is its parent now.
bool runs(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  const std::size_t name_end = line.rfind(") ");
  return name_end != std::string::npos && line.compare(name_end + 2, 1, "Z") != 0;
}

int number_in(const std::string& path) {
  int number = 0;
  std::ifstream(path) >> number;
  return number;
}

Batches compiled_in(Backend& backend, const LoadOptions& options) {
  LoadReport report;
  (void)loaded(backend, options, &report);
  return report.compiled;
}

}  // namespace

TEST_CASE("a program is compiled once for each batch, type and set of arguments", "[neuron]") {
  const Told told;
  const auto compile = [&](const std::string& further, std::int64_t batch) {
    const auto backend = opened(told.cache() + further);
    const auto model = loaded(*backend);
    REQUIRE(prepared(*model, batch)->run(1));
    return told.compilations();
  };
  CHECK(compile("", 2) == 1);
  CHECK(compile("", 2) == 1);
  CHECK(compile("", 3) == 2);
  CHECK(compile(",arguments=--auto-cast all", 3) == 3);
  CHECK(compile(",target=trn1", 3) == 4);
  CHECK(compile(",arguments=--auto-cast all", 3) == 4);
  SECTION("and what a broken cache holds is made again, once") {
    for (const auto& entry : fs::recursive_directory_iterator(told.folder()))
      if (entry.path().filename() == "model.neff") fs::resize_file(entry.path(), 0);
    CHECK(compile("", 2) == 5);
    CHECK(compile("", 2) == 5);
  }
  SECTION("the batches that are there are told when the model is loaded") {
    const auto backend = opened(told.cache());
    CHECK(compiled_in(*backend, options_of()) == Batches{2, 3});
    CHECK(compiled_in(*backend, options_of(DType::bf16)).empty());
    LoadOptions variant = options_of();
    variant.variant_arguments = "--auto-cast all";
    CHECK(compiled_in(*backend, variant) == Batches{3});
    CHECK(compiled_in(*opened(), options_of()).empty());  // no cache
  }
}

TEST_CASE("what the compiler refuses for good is not compiled again", "[neuron]") {
  Told told("", "error=[NCC_EOOM002] Maximum peak HBM usage");
  const Ending first = ending_of_life(told.cache()), second = ending_of_life(told.cache());
  CHECK(told.compilations() == 1);
  CHECK(second.status == TrialStatus::out_of_memory);
  CHECK(second.where == "compile");
  CHECK(second.reason == first.reason);
  CHECK(second.evidence.find(first.evidence + "; told from the cache") == 0);
  CHECK(compiled_in(*opened(told.cache()), options_of()).empty());
  SECTION("but what the host had no memory for is") {
    const Told host("", "error=[F137] neuronx-cc was forcibly killed");
    CHECK(ending_of_life(host.cache()).where == "host");
    CHECK(ending_of_life(host.cache()).where == "host");
    CHECK(host.compilations() == 2);
  }
}

TEST_CASE("preparing says how long it waited for the compiler", "[neuron]") {
  const Told told("", "sleep=0.05");
  const auto backend = opened(told.cache());
  CHECK(backend->describe().compiles_elsewhere);
  const auto model = loaded(*backend);
  CHECK(prepared(*model, 2)->compile_seconds().value() >= 0.05);
  CHECK(prepared(*model, 2)->compile_seconds() == 0.0);
}

TEST_CASE("programs are compiled in the background, some at a time", "[neuron]") {
  // Neither goes on before the other has begun.
  const Told told("", "meet=2");
  const auto backend = opened(told.cache() + ",compile_jobs=2");
  const auto model = loaded(*backend);
  for (const std::int64_t batch : {2, 3}) model->compile_ahead({options_of().group, batch});
  for (const std::int64_t batch : {2, 3}) REQUIRE(prepared(*model, batch)->run(1));
  CHECK(told.compilations() == 2);
  SECTION("and what is there is not started") {
    for (const std::int64_t batch : {2, 3}) model->compile_ahead({options_of().group, batch});
    CHECK(prepared(*model, 3)->compile_seconds() == 0.0);
    CHECK(told.compilations() == 2);
  }
}

TEST_CASE("what waits for its turn in the background is compiled at once when it is wanted",
          "[neuron]") {
  const Told told("", "meet=2");  // the first would wait for ever if the second had to wait for it
  const auto backend = opened("compile_jobs=1");
  const auto model = loaded(*backend);
  for (const std::int64_t batch : {2, 3}) model->compile_ahead({options_of().group, batch});
  CHECK(prepared(*model, 3)->compile_seconds().value() > 0);
  REQUIRE(prepared(*model, 2)->run(1));
  CHECK(told.compilations() == 2);
}

TEST_CASE("what was compiled in the background before it is wanted is not waited for", "[neuron]") {
  const Told told;
  const auto backend = opened(told.cache());
  const auto model = loaded(*backend);
  model->compile_ahead({options_of().group, 5});
  REQUIRE(within(10, [&] { return compiled_in(*backend, options_of()) == Batches{5}; }));
  CHECK(prepared(*model, 5)->compile_seconds() == 0.0);
  CHECK(told.compilations() == 1);
}

TEST_CASE("what fails in the background is told when it is prepared", "[neuron]") {
  const Told told("", "error=[F139] neuronx-cc terminated abnormally");
  const auto backend = opened();
  const auto model = loaded(*backend);
  model->compile_ahead({options_of().group, 2});
  model->compile_ahead({options_of().group, 0});  // no candidate: nothing happens
  const auto program = model->prepare({options_of().group, 2});
  REQUIRE_FALSE(program);
  CHECK(program.error().status == TrialStatus::crashed);
  CHECK(told.compilations() == 1);
}

TEST_CASE("compilations end with the backend, and so does what they have started", "[neuron]") {
  Told told;
  const std::string child = told.folder() + "/child";
  told.tell("", "sleep=600;child=" + child);
  {
    const auto backend = opened(told.cache());
    const auto model = loaded(*backend);
    for (const std::int64_t batch : {2, 3, 4}) model->compile_ahead({options_of().group, batch});
    REQUIRE(within(10, [&] { return number_in(child) > 0; }));
    CHECK(runs(number_in(child)));
  }
  CHECK(within(5, [&] { return !runs(number_in(child)); }));
  SECTION("as with a compilation that takes too long") {
    fs::remove(child);
    CHECK(ending_of_life(told.cache() + ",compile_timeout=500ms").status == TrialStatus::timeout);
    REQUIRE(number_in(child) > 0);
    CHECK(within(5, [&] { return !runs(number_in(child)); }));
  }
  for (const auto& entry : fs::directory_iterator(told.folder() + "/cache"))
    CHECK(entry.path().filename().string().find("batchtune-") != 0);  // working folders are gone
}

TEST_CASE("a command with a family of its own ends with the process that started it, however that ends",
          "[neuron]") {
  const Told told;
  const std::string file = told.folder() + "/child";
  const pid_t starter = fork();
  if (starter == 0) {  // killed as a worker may be: nothing of it is destroyed
    const std::vector<command::Rule> no_rules;
    auto child = command::Child::start("sleep 600 & echo $! >'" + file + ".new' && mv '" + file +
                                           ".new' '" + file + "'; wait",
                                       {}, command::Input::none, no_rules, command::Family::own);
    while (number_in(file) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::raise(SIGKILL);
  }
  REQUIRE(starter > 0);
  REQUIRE(waitpid(starter, nullptr, 0) == starter);
  REQUIRE(number_in(file) > 0);
  CHECK(within(5, [&] { return !runs(number_in(file)); }));
}
