// How trials end on the Neuron stand-ins that are told to fail.
#include <cstdio>
#include <string>

#include "tests/backend/neuron/failures.h"
#include "tests/backend/neuron/stand_ins.h"
#include "tests/support/catch.h"
#include "tuner/backend/neuron/handles.h"

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("every failure of compiler and device has its ending", "[neuron]") {
  for (const Failure& failure : kFailures) {
    const Told told(failure.runtime, failure.compiler);
    INFO(failure.runtime << " " << failure.compiler);
    const Ending ending = ending_of_life();
    INFO(ending.reason << "; " << ending.evidence);
    CHECK(ending.status == failure.status);
    CHECK(ending.where == failure.where);
    CHECK(ending.evidence.find(failure.evidence) != std::string::npos);
    CHECK(ending.reason.empty() == (failure.status == TrialStatus::ok));
  }
}

TEST_CASE("the table of failures is printed as they end", "[.table]") {
  std::puts("| what happens | status | where | evidence begins with |\n|---|---|---|---|");
  for (const Failure& failure : kFailures) {
    if (*failure.what == '\0') continue;
    const Told told(failure.runtime, failure.compiler);
    const Ending ending = ending_of_life();
    std::printf("| %s | %s | %s | `%.80s` |\n", failure.what,
                std::string(name_of(ending.status)).c_str(), ending.where.c_str(),
                ending.evidence.c_str());
  }
}

TEST_CASE("a compiler that is slow or says much is neither waited for nor blocked for ever",
          "[neuron]") {
  const Told told("", "sleep=60");
  const Ending ending = ending_of_life("compile_timeout=200ms");
  CHECK(ending.status == TrialStatus::timeout);
  CHECK(ending.evidence.find("compile_timeout") != std::string::npos);
  const Told other("", "flood=1000000");
  CHECK(ending_of_life().status == TrialStatus::ok);
}

TEST_CASE("tensors of 4 GiB are refused where the runtime would overflow", "[neuron]") {
  const std::size_t large = std::size_t{4} << 30;
  for (const auto& [version, status] :
       {std::pair{"2.29.9", TrialStatus::unsupported}, {"2.30.50", TrialStatus::out_of_memory}}) {
    const Told told(std::string("version=") + version);
    const auto library = neuron::Library::open(BT_NRT_STAND_IN);
    REQUIRE(library);
    const auto tensor = neuron::Tensor::allocate(**library, 0, "x", large);
    REQUIRE_FALSE(tensor);
    CHECK(tensor.error().status == status);
  }
}
