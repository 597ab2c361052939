// Fuzz target of the ONNX reader: whatever the bytes, there is a model or an error, and a model
// that was accepted can be counted, planned, written, read again and given to a runtime. Build it
// with libFuzzer in a build folder with
//   CXX=clang++ cmake -DBATCHTUNE_SANITIZE=fuzzer-no-link,address,undefined ...
// and -fsanitize=fuzzer on this file, and start it on a folder of small models. fuzz_onnx_test.cpp
// replays mutations.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tuner/workload/memory_plan.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/work.h"

namespace batchtune::test {

int fuzz_onnx_file(const std::uint8_t* data, std::size_t size) {
  static const std::string path = std::filesystem::temp_directory_path() /
                                  ("batchtune_fuzz." + std::to_string(getpid()) + ".onnx");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const Result<Model> model = read_onnx(path, {});
  if (!model) {
    if (model.error().wanted.empty() || model.error().where.empty()) std::abort();
    std::filesystem::remove(path);
    return 0;
  }
  (void)summarise(*model);
  for (const std::int64_t batch : {std::int64_t{1}, std::int64_t{1'000'000'000'000}})
    if (plan_memory(*model, batch, DType::f32).arena_bytes <= 0) std::abort();
  const Result<Model> again = parse_model(write_model(*model), "again.json");
  if (again && model_hash(*again) != model_hash(*model)) std::abort();
  (void)onnx_for_runtime(*model, 1);
  std::filesystem::remove(path);
  return 0;
}

}  // namespace batchtune::test

#ifdef BT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return batchtune::test::fuzz_onnx_file(data, size);
}
#endif
