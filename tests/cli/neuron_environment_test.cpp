// Which NeuronCores a worker gets. The locks are taken by this process for good, so each case has a
// folder of its own.
#include "tuner/cli/neuron_environment.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"

using namespace batchtune;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "neuron-cores-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

TEST_CASE("NeuronCores are given as numbers and ranges", "[cli][neuron]") {
  CHECK(parse_cores("0-2", "x").value() == std::vector{0, 1, 2});
  CHECK(parse_cores("5", "x").value() == std::vector{5});
  CHECK(parse_cores("0-1,4", "x").value() == std::vector{0, 1, 4});
  for (const char* text : {"", "-1", "2-1", "a", "0-", "0,", "99999"}) {
    INFO(text);
    CHECK(parse_cores(text, "x").error().where == "x");
  }
}

TEST_CASE("each worker takes a NeuronCore that no other has", "[cli][neuron]") {
  const Folder locks;
  CHECK(claim_cores({2, 3}, 1, locks.path()) == 2);
  CHECK(claim_cores({2, 3}, 1, locks.path()) == 3);
  CHECK(claim_cores({2, 3}, 1, locks.path()) == std::nullopt);
  CHECK(claim_cores({0, 2}, 1, locks.path()) == 0);
}

TEST_CASE("several NeuronCores are taken in a row, or none of them", "[cli][neuron]") {
  const Folder locks;
  CHECK(claim_cores({0, 2, 3, 4}, 2, locks.path()) == 2);  // 0 and 2 are not neighbours
  CHECK(claim_cores({0, 1, 2}, 3, locks.path()) == std::nullopt);
  CHECK(claim_cores({0, 1}, 2, locks.path()) == 0);  // what could not be used was given back
  CHECK(claim_cores({5}, 2, locks.path()) == std::nullopt);
}

TEST_CASE("a worker's environment is set for the NeuronCore that it takes", "[cli][neuron]") {
  const Folder locks, root;
  for (const char* name :
       {"NEURON_RT_VISIBLE_CORES", "NEURON_RT_EXEC_TIMEOUT", "NEURON_LOGICAL_NC_CONFIG"})
    unsetenv(name);
  setenv("NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS", "3", 1);
  setenv("XDG_CACHE_HOME", "/somewhere", 1);
  CHECK(with_neuron_environment("cpu", root.path(), locks.path()).value() == "cpu");
  CHECK(variable("NEURON_RT_VISIBLE_CORES").empty());

  CHECK(with_neuron_environment("neuron:cores=1-2", root.path(), locks.path()).value() ==
        "neuron:cores=1-2,core=1,cache=/somewhere/batchtune/neuron");
  CHECK(variable("NEURON_RT_VISIBLE_CORES") == "1");
  CHECK(variable("NEURON_RT_EXEC_TIMEOUT") == "600");
  CHECK(variable("NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS").empty());

  setenv("NEURON_RT_EXEC_TIMEOUT", "30", 1);
  setenv("NEURON_LOGICAL_NC_CONFIG", "1", 1);
  setenv("NEURON_RT_VISIBLE_CORES", "1-2", 1);
  CHECK(with_neuron_environment("neuron:cache=/here", root.path(), locks.path()).value() ==
        "neuron:cache=/here,core=2,lnc=1");
  CHECK(variable("NEURON_RT_EXEC_TIMEOUT") == "30");

  unsetenv("NEURON_RT_VISIBLE_CORES");
  for (const char* core : {"neuron_core0", "neuron_core1", "neuron_core2", "neuron_core3"})
    fs::create_directories(root.path() + "/sys/devices/virtual/neuron_device/neuron0/" + core);
  CHECK(with_neuron_environment("neuron:cache=/here", root.path(), locks.path()).value() ==
        "neuron:cache=/here,core=0,lnc=1");
  CHECK(variable("NEURON_RT_VISIBLE_CORES") == "0");
  CHECK(with_neuron_environment("neuron:cores=0-2", root.path(), locks.path()).error().found ==
        "all 3 are taken");

  const Folder others;
  CHECK(with_neuron_environment("neuron:take=2,cores=4-7,lnc=2,cache=/here", root.path(),
                                others.path())
            .value() == "neuron:take=2,cores=4-7,lnc=2,cache=/here,core=4-5");
  CHECK(variable("NEURON_RT_VISIBLE_CORES") == "4-5");
  CHECK(variable("NEURON_LOGICAL_NC_CONFIG") == "2");  // the runtime is told what the compiler is
  CHECK(with_neuron_environment("neuron:take=3,cores=5-7", root.path(), others.path())
            .error()
            .found == "others have them");
  CHECK(with_neuron_environment("neuron:take=3,cores=6-7", root.path(), others.path())
            .error()
            .found == "2 that may be used");
  for (const char* name : {"NEURON_RT_VISIBLE_CORES", "NEURON_RT_EXEC_TIMEOUT",
                           "NEURON_LOGICAL_NC_CONFIG", "XDG_CACHE_HOME"})
    unsetenv(name);
}
