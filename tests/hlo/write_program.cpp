// Writes what an XLA program is held against:   write_program MODEL SEED BATCH DTYPE FOLDER
// into FOLDER the model as program.hlo.pb, each of its parameters as raw values in its element
// type, and the cpu backend's output in f32. manifest.json names them. MODEL is as on the command
// line, or "random:N" for a random graph of seed N.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/cpu_outputs.h"
#include "tuner/backend/runtime/element.h"
#include "tuner/workload/hlo/source.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

void write_as(HloElement element, const std::vector<float>& values, const std::string& path) {
  if (element == HloElement::f32) return write_values(path, values);
  std::vector<std::uint16_t> halves(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    runtime::store(runtime::Element::bf16, halves.data(), static_cast<std::int64_t>(i), values[i]);
  write_values(path, halves);
}

// In parts, as a device is given them: they must fit together.
void write_weight(const HloSource& source, const HloTensor& tensor, const std::string& path) {
  constexpr std::size_t kPart = 1000;  // elements
  std::vector<std::byte> bytes(static_cast<std::size_t>(bytes_of(tensor)));
  const std::size_t size = size_of(tensor.element), part = kPart * size;
  for (std::size_t first = 0; first < bytes.size(); first += part)
    source.fill(tensor, std::span(bytes).subspan(first, std::min(part, bytes.size() - first)),
                static_cast<std::int64_t>(first / size));
  write_values(path, bytes);
}

void write_input(std::uint64_t seed, const Model& model, std::int64_t batch,
                 const HloTensor& tensor, const std::string& path) {
  const Op& op = model.ops[static_cast<std::size_t>(tensor.op)];
  if (tensor.element == HloElement::s32) return write_values(path, ids_of(seed, op, batch));
  write_as(tensor.element, values_of(seed, op, batch), path);
}

Json describe(const HloTensor& tensor, const std::string& file) {
  return {{"name", tensor.name},
          {"element", name_of(tensor.element)},
          {"shape", tensor.shape},
          {"file", file}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) fail("write_program MODEL SEED BATCH DTYPE FOLDER");
  const Model model = model_named(argv[1]);
  const std::uint64_t seed = std::stoull(argv[2]);
  const std::int64_t batch = std::stoll(argv[3]);
  const std::string folder = std::string(argv[5]) + "/";
  const HloSource source = value_or_fail(HloSource::open(model, seed));
  const HloModule program =
      value_or_fail(source.program(batch, parse_dtype(argv[4]).value_or(DType::f32)));
  write_bytes(folder + "program.hlo.pb", program.bytes.data(), program.bytes.size());
  Json manifest = {
      {"model", model.name}, {"parameters", Json::array()}, {"results", Json::array()}};
  for (const HloTensor& tensor : program.parameters) {
    const std::string file = "parameter" + std::to_string(manifest["parameters"].size()) + ".bin";
    if (is_weight(tensor))
      write_weight(source, tensor, folder + file);
    else
      write_input(seed, model, batch, tensor, folder + file);
    manifest["parameters"].push_back(describe(tensor, file));
  }
  for (const HloTensor& tensor : program.results)
    manifest["results"].push_back(describe(tensor, ""));
  write_values(folder + "output.bin", cpu_output(model, seed, batch));
  manifest["output"] = "output.bin";
  std::ofstream file(folder + "manifest.json");
  if (!(file << manifest.dump(2) << '\n').flush()) fail("cannot write the manifest");
}
