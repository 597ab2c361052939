// Small ONNX graphs run by the cpu backend: as it runs them, and as calls alone, the slow twin.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "tests/backend/cpu_support.h"
#include "tests/support/onnx_graph.h"
#include "tuner/backend/imported/lowered.h"
#include "tuner/workload/onnx/onnx.h"

namespace batchtune::test {

// Neither zero nor alike: a wrong order of elements shows.
inline std::vector<float> varied(std::int64_t count, int seed) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>((i * 37 + seed * 11) % 101) / 101.0F - 0.45F);
  return values;
}

inline void set_floats(::onnx::TensorProto& tensor, const std::vector<float>& values) {
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
}

// A constant of varied values; `positive`: variances.
inline void constant(OnnxGraph& graph, const std::string& name, const Shape& shape,
                     bool positive = false) {
  std::vector<float> values =
      varied(elements(shape), static_cast<int>(name.size()) + static_cast<int>(name.back()));
  for (float& value : values) value = positive ? std::abs(value) + 0.5F : value;
  set_floats(graph.weights(name, shape), values);
}

inline Model read_ok(const OnnxGraph& graph, const OnnxOptions& options = {}) {
  auto model = read_onnx(graph.write(), options);
  INFO((model ? "" : to_string(model.error())));
  REQUIRE(model);
  return *model;
}

inline cpu::KernelChoice best_kernels() {
  static cpu::Verdicts verdicts;
  LoadReport report;
  return cpu::choose_kernels(kernels::Dtype::f32, cpu::allowed_isas("").value(), verdicts, report);
}

inline std::unique_ptr<cpu::CpuModel> load_lowered(imported::LoweredModel lowered) {
  auto loaded = cpu::CpuModel::load(std::move(lowered), options_of(DType::f32), best_kernels(),
                                    Bytes{1} << 34);
  INFO((loaded ? "" : loaded.error().reason));
  REQUIRE(loaded);
  return std::move(*loaded);
}

inline std::unique_ptr<cpu::CpuModel> load_as(const Model& model, imported::Forms forms) {
  auto lowered = imported::lower_imported(read_onnx_graph(model).value(), model, {.forms = forms});
  INFO((lowered ? "" : lowered.error().reason));
  REQUIRE(lowered);
  return load_lowered(std::move(*lowered));
}

inline std::vector<float> floats_of(const RawTensor& tensor) {
  REQUIRE(tensor.type == ElementType::f32);
  std::vector<float> values(static_cast<std::size_t>(elements(tensor.shape)));
  std::memcpy(values.data(), tensor.bytes->data(), tensor.bytes->size());
  return values;
}

using Outputs = std::map<std::string, std::vector<float>>;

inline Outputs outputs_of(const cpu::CpuModel& model, const cpu::CpuProgram& program) {
  Outputs outputs;
  for (const auto& output : model.lowered()->outputs)
    outputs[output.name] = floats_of(program.read_file_output(output.name).value());
  return outputs;
}

inline Outputs run(cpu::CpuModel& model, std::int64_t batch) {
  const auto program = prepare_ok(model, batch);
  const auto ran = program->run(2);
  INFO((ran ? "" : ran.error().reason));
  REQUIRE(ran);
  return outputs_of(model, *program);
}

inline void check_alike(const std::vector<float>& found, const std::vector<float>& expected) {
  REQUIRE(found.size() == expected.size());
  float largest = 0, worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    REQUIRE(std::isfinite(found[i]));
    largest = std::max(largest, std::abs(expected[i]));
    worst = std::max(worst, std::abs(found[i] - expected[i]));
  }
  CHECK(largest > 0);
  CHECK(worst <= 2e-5F * largest);
}

inline void check_alike(const Outputs& found, const Outputs& expected) {
  REQUIRE(found.size() == expected.size());
  for (const auto& [name, values] : expected) {
    INFO(name);
    check_alike(found.at(name), values);
  }
}

// How many operations of each kind; calls under the names of what they are.
inline std::map<std::string, int> kinds_of(const imported::LoweredModel& model) {
  std::map<std::string, int> kinds;
  for (const Op& op : model.native.ops)
    ++kinds[op.kind == OpKind::foreign ? op.operation : std::string(name_of(op.kind))];
  return kinds;
}

// Runs the graph in both forms at batch 3, holds them against each other and gives the native form.
inline std::unique_ptr<cpu::CpuModel> check_forms(const OnnxGraph& graph) {
  const Model model = read_ok(graph);
  const auto calls = load_as(model, imported::Forms::calls);
  auto native = load_as(model, imported::Forms::native);
  check_alike(run(*native, 3), run(*calls, 3));
  return native;
}

// Two nodes that nothing computes, of shapes that the file gives.
inline OnnxGraph two_mysteries() {
  OnnxGraph graph;
  graph.input("x", {"N", 4});
  for (const char* name : {"a", "b"})
    graph.node("Mystery", {"x"}, {name}).set_domain("com.example");
  graph.value("a", {"N", 4});
  graph.value("b", {"N", 4});
  graph.node("Add", {"a", "b"}, {"y"});
  graph.output("y", {"N", 4});
  return graph;
}

// Batch 3 against three runs of batch 1, all outputs' batch being the first axis.
inline void check_batches(cpu::CpuModel& model) {
  constexpr std::int64_t kBatch = 3;
  const auto whole = prepare_ok(model, kBatch), single = prepare_ok(model, 1);
  REQUIRE(whole->run(1));
  const Outputs together = outputs_of(model, *whole);
  for (std::int64_t sample = 0; sample < kBatch; ++sample) {
    single->set_input(model.seed());
    for (const auto& input : model.lowered()->inputs) {
      const OpIndex op = input.operand.index;
      const std::vector<float> all = whole->read_tensor(op, kBatch);
      const std::size_t size = all.size() / kBatch;
      std::string bytes(size * sizeof(float), '\0');
      std::memcpy(bytes.data(), all.data() + static_cast<std::size_t>(sample) * size, bytes.size());
      REQUIRE(single->write_file_input(input.name, bytes));
    }
    REQUIRE(single->run(1));
    for (const auto& [name, alone] : outputs_of(model, *single)) {
      const auto from = together.at(name).begin() + sample * std::ssize(alone);
      check_alike(alone, std::vector<float>(from, from + std::ssize(alone)));
    }
  }
}

}  // namespace batchtune::test
