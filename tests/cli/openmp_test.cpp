// How long OpenMP's threads spin is settled before the backend that brings OpenMP is opened.
#include <cstdlib>
#include <string>

#include "tests/support/catch.h"
#include "tuner/cli/host.h"
#include "tuner/cli/openmp.h"

using namespace batchtune;

namespace {

// Nothing of OpenMP in the environment, before and after.
class NoOpenMpSettings {
 public:
  NoOpenMpSettings() { clear(); }
  ~NoOpenMpSettings() { clear(); }
  NoOpenMpSettings(const NoOpenMpSettings&) = delete;
  NoOpenMpSettings& operator=(const NoOpenMpSettings&) = delete;

 private:
  static void clear() {
    unsetenv("GOMP_SPINCOUNT");
    unsetenv("OMP_WAIT_POLICY");
  }
};

std::string spin_count() {
  return environment_variable("GOMP_SPINCOUNT").value_or("");
}

}  // namespace

TEST_CASE("a worker of the onednn backend lets OpenMP's threads spin for a moment", "[cli]") {
  const NoOpenMpSettings none;
  CHECK(with_openmp_spinning("cpu") == "cpu");
  CHECK(with_openmp_spinning("command:x=1") == "command:x=1");
  CHECK(spin_count() == "");
  CHECK(with_openmp_spinning("onednn") == std::string("onednn:spinning=") + kSpinningPauses);
  CHECK(spin_count() == kSpinningPauses);
}

TEST_CASE("what the user has set for OpenMP stays, and is told", "[cli]") {
  const NoOpenMpSettings none;
  setenv("OMP_WAIT_POLICY", "passive", 1);
  CHECK(with_openmp_spinning("onednn") == "onednn:spinning=passive");
  CHECK(spin_count() == "");
  setenv("GOMP_SPINCOUNT", "7", 1);
  CHECK(with_openmp_spinning("onednn") == "onednn:spinning=7");
  CHECK(with_openmp_spinning("onednn:spinning=300000") == "onednn:spinning=300000");
  CHECK(spin_count() == "300000");
}
