// Imported graphs as XLA programs: what the module says. That it computes the right thing is
// check_onnx_nodes.py and check_onnx_models.py.
#include <algorithm>
#include <cstring>

#include "tests/support/catch.h"
#include "tuner/workload/hlo/hlo.pb.h"
#include "tuner/workload/hlo/source.h"

using namespace batchtune;

namespace {

template <typename T>
RawTensor raw(ElementType type, Shape shape, const std::vector<T>& values) {
  return {type, std::move(shape),
          std::make_shared<const std::string>(reinterpret_cast<const char*>(values.data()),
                                              values.size() * sizeof(T))};
}

// Graphs node by node; a tensor's name is what the others call it.
class GraphMaker {
 public:
  int tensor(const std::string& name, ElementType type, BatchedShape shape) {
    graph_.tensors.push_back({name, type, std::move(shape), {}, {}, false});
    return static_cast<int>(graph_.tensors.size()) - 1;
  }
  int input(const std::string& name, BatchedShape shape) {
    const int index = tensor(name, ElementType::f32, std::move(shape));
    graph_.inputs.push_back(index);
    graph_.input_ops.push_back(name);
    return index;
  }
  int constant(const std::string& name, RawTensor value) {
    const int index = tensor(name, value.type, {value.shape, -1});
    graph_.tensors.back().value = std::move(value);
    graph_.tensors.back().is_constant = true;
    return index;
  }
  int numbers(const std::string& name, std::vector<double> fixed, std::vector<double> per_sample) {
    const int index = tensor(name, ElementType::i64, {{std::ssize(fixed)}, -1});
    graph_.tensors.back().numbers = BatchedNumbers{std::move(fixed), std::move(per_sample)};
    return index;
  }
  GraphNode& node(const std::string& op_type, std::vector<int> inputs, std::vector<int> outputs) {
    GraphNode node;
    node.op_type = op_type;
    node.name = "the_" + op_type;
    node.opset = 20;
    node.inputs = std::move(inputs);
    node.outputs = std::move(outputs);
    graph_.nodes.push_back(std::move(node));
    return graph_.nodes.back();
  }
  void mark_constant(int index) {
    graph_.tensors[static_cast<std::size_t>(index)].is_constant = true;
  }
  void output(int index) {
    graph_.outputs.push_back(index);
    graph_.output_names.push_back(graph_.tensors[static_cast<std::size_t>(index)].name);
  }
  HloSource source() {
    graph_.file = "small.onnx";
    Model inputs;
    inputs.name = "small";
    for (const std::string& name : graph_.input_ops) {
      inputs.ops.emplace_back();
      inputs.ops.back().name = name;
    }
    return {graph_, inputs};
  }

 private:
  FileGraph graph_;
};

const std::vector<float> kFilters = {1, 2, 3, 4.0078125F, 5, 6};

GraphMaker convolution() {
  GraphMaker make;
  const int x = make.input("x", {{1, 2, 5, 4}, 0});
  const int w = make.constant("w", raw(ElementType::f32, {3, 2, 1, 1}, kFilters));
  const int y = make.tensor("y", ElementType::f32, {{1, 3, 5, 4}, 0});
  make.node("Conv", {x, w}, {y});
  make.output(y);
  return make;
}

HloModule program_of(const HloSource& source, std::int64_t batch = 3, DType dtype = DType::f32) {
  auto made = source.program(batch, dtype);
  REQUIRE(made);
  return std::move(*made);
}

// Of the program itself: what it calls stands before it.
std::vector<xla::HloInstructionProto> instructions_of(const HloModule& program) {
  xla::HloModuleProto message;
  REQUIRE(message.ParseFromString(program.bytes));
  const auto& entry = message.computations(message.computations_size() - 1);
  return {entry.instructions().begin(), entry.instructions().end()};
}

std::vector<xla::HloInstructionProto> all_of(const HloModule& program, const std::string& opcode) {
  std::vector<xla::HloInstructionProto> found;
  for (const auto& each : instructions_of(program))
    if (each.opcode() == opcode) found.push_back(each);
  return found;
}

template <typename T>
std::vector<T> filled(const HloSource& source, const HloTensor& tensor, std::int64_t first,
                      std::size_t count) {
  std::vector<T> values(count);
  source.fill(tensor, std::as_writable_bytes(std::span(values)), first);
  return values;
}

}  // namespace

TEST_CASE("a file's program has its inputs and its weights as parameters, its outputs as results",
          "[workload][hlo]") {
  const HloSource source = convolution().source();
  const HloModule program = program_of(source);
  REQUIRE(program.parameters.size() == 2);
  CHECK(program.parameters[0].name == "x.0");
  CHECK(program.parameters[0].shape == Shape{3, 2, 5, 4});
  CHECK(program.parameters[0].batch_axis == 0);
  CHECK(!is_weight(program.parameters[0]));
  CHECK(program.parameters[1].name == "w.1");
  CHECK(program.parameters[1].shape == Shape{3, 2, 1, 1});
  CHECK(is_weight(program.parameters[1]));
  REQUIRE(program.results.size() == 1);
  CHECK(program.results[0].name == "y.out0");
  CHECK(program.results[0].shape == Shape{3, 3, 5, 4});
  const auto convolutions = all_of(program, "convolution");
  REQUIRE(convolutions.size() == 1);
  CHECK(convolutions[0].convolution_dimension_numbers().input_feature_dimension() == 1);
  CHECK(program_of(source, 3).bytes == program.bytes);
  CHECK(program_of(source, 4).bytes != program.bytes);
}

TEST_CASE("a file's weights are filled in the program's element type, any part of them",
          "[workload][hlo]") {
  const HloSource source = convolution().source();
  CHECK(filled<float>(source, program_of(source).parameters[1], 1, 3) ==
        std::vector<float>{2, 3, 4.0078125F});
  const HloTensor halves = program_of(source, 1, DType::bf16).parameters[1];
  CHECK(halves.element == HloElement::bf16);
  // 4.0078125 lies between 4 and 4.03125: to the nearest.
  CHECK(filled<std::uint16_t>(source, halves, 2, 2) == std::vector<std::uint16_t>{0x4040, 0x4080});
}

TEST_CASE("integers of 64 bits have 32 in a program, and those that do not fit are refused",
          "[workload][hlo]") {
  const auto with_table = [](std::int64_t last) {
    GraphMaker make;
    const int x = make.input("x", {{1, 300}, 0});
    std::vector<std::int64_t> values(300, -7);
    values.back() = last;
    const int table = make.constant("table", raw(ElementType::i64, {300}, values));
    const int both = make.tensor("both", ElementType::boolean, {{1, 300}, 0});
    const int as_integer = make.tensor("as_integer", ElementType::i64, {{1, 300}, 0});
    make.node("Cast", {x}, {as_integer});
    make.node("Equal", {as_integer, table}, {both});
    make.output(both);
    return make;
  };
  const HloSource source = with_table(9).source();
  const HloTensor table = program_of(source).parameters.at(1);
  CHECK(table.element == HloElement::s32);
  CHECK(filled<std::int32_t>(source, table, 298, 2) == std::vector<std::int32_t>{-7, 9});
  const auto refused = with_table(std::int64_t{1} << 40).source().program(1, DType::f32);
  REQUIRE(!refused);
  CHECK(refused.error().found.find("\"table\"") != std::string::npos);
  CHECK(refused.error().where.find("the_Equal") != std::string::npos);
}

TEST_CASE("what is known before a run is a literal, at the batch of the program",
          "[workload][hlo]") {
  GraphMaker make;
  const int x = make.input("x", {{1, 6}, 0});
  const int shape = make.numbers("shape", {0, 2, 3}, {1, 0, 0});
  const int sizes = make.tensor("sizes", ElementType::f32, {{3}, -1});
  const int y = make.tensor("y", ElementType::f32, {{1, 2, 3}, 0});
  const int sum = make.tensor("sum", ElementType::f32, {{1, 2, 3}, 0});
  make.node("Cast", {shape}, {sizes});
  make.node("Reshape", {x, shape}, {y});
  make.node("Add", {y, sizes}, {sum});
  make.output(sum);
  const HloModule program = program_of(make.source(), 5);
  CHECK(program.parameters.size() == 1);
  const auto literals = all_of(program, "constant");
  REQUIRE(literals.size() == 1);
  CHECK(literals[0].literal().s32s_size() == 3);
  CHECK(literals[0].literal().s32s(0) == 5);
}

TEST_CASE("weights that a file makes of a shape are parameters too", "[workload][hlo]") {
  GraphMaker make;
  const int x = make.input("x", {{1, 4}, 0});
  const int shape = make.numbers("shape", {4}, {0});
  const int bias = make.tensor("bias", ElementType::f32, {{4}, -1});
  const int y = make.tensor("y", ElementType::f32, {{1, 4}, 0});
  GraphNode& filling = make.node("ConstantOfShape", {shape}, {bias});
  filling.attributes["value"] = raw<float>(ElementType::f32, {1}, {0.5F});
  make.node("Add", {x, bias}, {y});
  make.output(y);
  make.mark_constant(bias);  // as the reader of files does
  const HloSource source = make.source();
  const HloModule program = program_of(source);
  REQUIRE(program.parameters.size() == 2);
  CHECK(filled<float>(source, program.parameters[1], 0, 4) == std::vector<float>(4, 0.5F));
}

TEST_CASE("operations that no program has are told at once, with a node of each",
          "[workload][hlo]") {
  GraphMaker make;
  const int x = make.input("x", {{1, 4}, 0});
  const int y = make.tensor("y", ElementType::f32, {{1, 4}, 0});
  const int z = make.tensor("z", ElementType::f32, {{1, 4}, 0});
  make.node("Foo", {x}, {y});
  make.node("LSTM", {y}, {z});
  make.output(z);
  const auto refused = make.source().program(1, DType::f32);
  REQUIRE(!refused);
  CHECK(refused.error().found.find("1 x Foo (node \"the_Foo\")") != std::string::npos);
  CHECK(refused.error().found.find("1 x LSTM (node \"the_LSTM\")") != std::string::npos);
  CHECK(refused.error().where == "small.onnx");
}

TEST_CASE("a node that cannot be written is named with its operation and the reason",
          "[workload][hlo]") {
  GraphMaker make;
  const int x = make.input("x", {{1, 4}, 0});
  const int pads = make.tensor("pads", ElementType::i64, {{4}, -1});
  const int as_integer = make.tensor("as_integer", ElementType::i64, {{1, 4}, 0});
  const int y = make.tensor("y", ElementType::f32, {{1, 4}, 0});
  make.node("Cast", {x}, {as_integer});
  make.node("Reshape", {as_integer}, {pads});
  make.node("Pad", {x, pads}, {y});
  make.output(y);
  const auto refused = make.source().program(1, DType::f32);
  REQUIRE(!refused);
  CHECK(refused.error().found == "pads that depend on data");
  CHECK(refused.error().where == "small.onnx, node \"the_Pad\" (Pad)");
}
