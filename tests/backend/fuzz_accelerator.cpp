// Fuzz target of the reader of accelerators' descriptions: whatever the bytes, there is a device or an error; one that
// was accepted is written and read again without a change, and its costs are numbers. Build it with libFuzzer by
//   clang++ -std=c++20 -O1 -DBT_LIBFUZZER -fsanitize=fuzzer,address,undefined -I.
//     tests/backend/fuzz_accelerator.cpp tuner/backend/simulated/{accelerator*,cost}.cpp tuner/workload/*.cpp
//     tuner/workload/zoo/*.cpp tuner/core/*.cpp -lfmt
// simulated_file_test.cpp replays damaged files through it.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/backend/simulated/accelerator_cost.h"
#include "tuner/backend/simulated/accelerator_file.h"
#include "tuner/workload/zoo.h"

extern "C" int fuzz_accelerator(const std::uint8_t* data, std::size_t size) {
  using namespace batchtune;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = simulated::parse_accelerator(text, "fuzz.json");
  if (!read) {
    if (read.error().wanted.empty() || read.error().where.empty()) std::abort();
    return 0;
  }
  const auto again = simulated::parse_accelerator(simulated::write_accelerator(*read), "again.json");
  if (!again || *again != *read) std::abort();
  static const Model model = build_zoo_model("mlp").value();
  Candidate candidate{{}, 3};
  candidate.group.dtype = read->arithmetic.front().dtype;
  const Seconds run = simulated::run_seconds(model, candidate, 0, *read);
  const Seconds compiling = simulated::compile_seconds(model, candidate, *read);
  if (!std::isfinite(run) || run <= 0 || !std::isfinite(compiling) || compiling < 0) std::abort();
  if (simulated::memory_of(model, candidate, *read).total() <= 0) std::abort();
  if (simulated::wall_of(*read, 1) < 1) std::abort();
  return 0;
}

#ifdef BT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz_accelerator(data, size);
}
#endif
