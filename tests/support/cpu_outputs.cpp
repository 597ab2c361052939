#include "tests/support/cpu_outputs.h"

#include <fstream>
#include <iostream>
#include <memory>
#include <span>

#include "tests/support/random_graph.h"
#include "tuner/backend/cpu/cpu_backend.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/weights.h"

namespace batchtune::test {

void fail(const std::string& text) {
  std::cerr << text << '\n';
  std::exit(1);
}

Model model_named(const std::string& name) {
  const std::string random = "random:";
  if (name.rfind(random, 0) == 0)
    return random_graph(static_cast<unsigned>(std::stoul(name.substr(random.size()))));
  return value_or_fail(load_model(name));
}

std::vector<std::int32_t> ids_of(std::uint64_t seed, const Op& input, std::int64_t batch) {
  const auto sample = static_cast<std::size_t>(elements(input.output));
  std::vector<std::int32_t> ids(sample * static_cast<std::size_t>(batch));
  for (std::int64_t i = 0; i < batch; ++i)
    fill_token_ids(seed, input, i,
                   std::span(ids).subspan(static_cast<std::size_t>(i) * sample, sample));
  return ids;
}

std::vector<float> values_of(std::uint64_t seed, const Op& input, std::int64_t batch) {
  const auto sample = static_cast<std::size_t>(elements(input.output));
  std::vector<float> values(sample * static_cast<std::size_t>(batch));
  for (std::int64_t i = 0; i < batch; ++i)
    fill_input(seed, input, i,
               std::span(values).subspan(static_cast<std::size_t>(i) * sample, sample));
  return values;
}

std::vector<float> cpu_output(const Model& model, std::uint64_t seed, std::int64_t batch) {
  cpu::CpuBackend backend;
  LoadOptions options;
  options.group = {.backend = "cpu", .dtype = DType::f32, .threads = 2, .dims = model.dims};
  options.seed = seed;
  LoadReport report;
  const auto loaded = value_or_fail(backend.load(model, options, report));
  const auto program = value_or_fail(loaded->prepare({options.group, batch}));
  program->set_input(seed);
  value_or_fail(program->run(1));
  return value_or_fail(program->read_output(batch));
}

void write_bytes(const std::string& path, const void* bytes, std::size_t size) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  if (!file.flush()) fail("cannot write " + path);
}

}  // namespace batchtune::test
