// Catch2's main, and the worker that these tests start: the executable re-executes itself, as
// batchtune does.
#define CATCH_CONFIG_RUNNER
#include <cstring>

#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/measure/worker.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], batchtune::kWorkerCommand) == 0)
    return batchtune::run_worker(batchtune::test_environment());
  if (argc > 3 && std::strcmp(argv[1], batchtune::kOrphanCommand) == 0)
    return batchtune::become_parent_of_a_hanging_worker(argv[2],
                                                        std::strcmp(argv[3], "share") == 0);
  return Catch::Session().run(argc, argv);
}
