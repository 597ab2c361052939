// Fuzz target of the model reader: whatever the bytes, there is a model or an error, and a model
// that was accepted can be counted, planned, written and read again. Build it with libFuzzer by
//   clang++ -std=c++20 -O1 -fsanitize=fuzzer,address,undefined -I.
//   tests/workload/fuzz_model_file.cpp
//     tuner/workload/*.cpp tuner/workload/zoo/*.cpp tuner/core/*.cpp -lfmt
// and start it on a folder of model files (`batchtune export`, cut to a few operations).
// fuzz_replay_test.cpp replays a corpus through it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/workload/memory_plan.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchtune;
  const Result<Model> model = parse_model({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  if (!model) {
    if (model.error().wanted.empty() || model.error().where.empty()) std::abort();
    return 0;
  }
  (void)summarise(*model);
  (void)weight_bytes(*model, DType::bf16);
  for (const std::int64_t batch : {std::int64_t{1}, std::int64_t{1'000'000'000'000}})
    if (plan_memory(*model, batch, DType::f32).arena_bytes <= 0) std::abort();
  const Result<Model> again = parse_model(write_model(*model), "again.json");
  if (!again || *again != *model) std::abort();
  return 0;
}
