// Fuzz target of files of samples: whatever the bytes, there are samples or an error with a place,
// and samples that were accepted can be read. Build it with libFuzzer by
//   clang++ -std=c++20 -O1 -fsanitize=fuzzer,address,undefined -I.
//     tests/workload/samples/fuzz_samples.cpp tuner/workload/*.cpp tuner/workload/zoo/*.cpp
//     tuner/workload/samples/*.cpp tuner/core/*.cpp -lfmt -lz
// and start it on a folder of .npz files. fuzz_samples_test.cpp replays a corpus through it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "tuner/workload/samples/input_source.h"

namespace {

batchtune::Op input_of(const char* name, batchtune::InputKind kind, batchtune::Shape shape) {
  batchtune::Op op;
  op.name = name;
  op.input_kind = kind;
  op.vocabulary = kind == batchtune::InputKind::token_ids ? 100 : 0;
  op.output = std::move(shape);
  return op;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchtune;
  static const int memory = memfd_create("samples", MFD_CLOEXEC);
  if (ftruncate(memory, 0) != 0 ||
      pwrite(memory, data, size, 0) != static_cast<ssize_t>(size))
    return 0;
  Model model;
  model.ops = {input_of("image", InputKind::values, {2, 3}),
               input_of("ids", InputKind::token_ids, {3})};
  for (const std::size_t inputs : {std::size_t{2}, std::size_t{1}}) {
    model.ops.resize(inputs);
    auto source = InputSource::open("/proc/self/fd/" + std::to_string(memory), model);
    if (!source) {
      if (source.error().wanted.empty() || source.error().where.empty()) std::abort();
      continue;
    }
    if (source->samples() < 1) std::abort();
    std::vector<double> values(6);
    for (const std::int64_t sample : {std::int64_t{0}, source->samples() - 1, source->samples()})
      if (!source->read(model.ops[0], sample, values)) std::abort();
  }
  return 0;
}
