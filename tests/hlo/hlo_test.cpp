// Models as XLA programs: what the module says. That it computes the right thing is
// check_programs.py.
#include <algorithm>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/random_graph.h"
#include "tuner/workload/hlo/hlo.h"
#include "tuner/workload/hlo/hlo.pb.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/zoo/builder.h"

using namespace batchtune;

namespace {

Model with_shapes(Model model) {
  REQUIRE(infer_shapes(model));
  return model;
}

Model grouped_convolution() {
  ModelBuilder builder("conv", "");
  const Name image = builder.input("image", InputKind::values, {5, 4, 6});
  ModelBuilder::Conv conv;
  conv.channels = 12;
  conv.kernel = 3;
  conv.groups = 3;
  builder.conv("c", image, conv);
  return with_shapes(builder.finish());
}

Model words_and_positions() {
  ModelBuilder builder("words", "");
  builder.input("ids", InputKind::token_ids, {5}, 7);
  builder.plain(OpKind::embedding, "e", {"ids"});
  builder.op().columns = 4;
  builder.op().tables = {2, 9};
  return with_shapes(builder.finish());
}

HloModule program_of(const Model& model, std::int64_t batch = 2, DType dtype = DType::f32) {
  auto made = make_hlo(model, batch, dtype);
  REQUIRE(made);
  return std::move(*made);
}

xla::HloModuleProto message_of(const HloModule& program) {
  xla::HloModuleProto message;
  REQUIRE(message.ParseFromString(program.bytes));
  return message;
}

std::vector<float> filled(const Model& model, const HloTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(elements(tensor.shape)));
  fill_hlo_weight(1, model, tensor, values);
  return values;
}

}  // namespace

TEST_CASE("an XLA program has the model's inputs and weights as parameters, in order",
          "[workload][hlo]") {
  const Model model = grouped_convolution();
  const HloModule program = program_of(model, 8, DType::bf16);
  REQUIRE(program.parameters.size() == 3);
  CHECK(program.parameters[0].name == "image.0");
  CHECK(program.parameters[0].shape == Shape{8, 5, 4, 6});
  CHECK(program.parameters[1].name == "c.weight.1");
  CHECK(program.parameters[1].role == WeightRole::matrix);
  CHECK(program.parameters[1].shape == Shape{3, 3, 2, 12});
  CHECK(program.parameters[2].role == WeightRole::bias);
  CHECK(bytes_of(program.parameters[2]) == 24);
  REQUIRE(program.results.size() == 1);
  CHECK(program.results[0].shape == Shape{8, 3, 2, 12});

  const xla::HloModuleProto message = message_of(program);
  const auto& entry = message.computations(message.computations_size() - 1);
  CHECK(entry.id() == message.entry_computation_id());
  std::vector<std::string> names;
  for (const auto& each : entry.instructions()) {
    if (each.opcode() == "parameter") {
      CHECK(each.parameter_number() == static_cast<std::int64_t>(names.size()));
      names.push_back(each.frontend_attributes().map().at("neff_input_names"));
    }
    CHECK(each.shape().layout().minor_to_major_size() == each.shape().dimensions_size());
  }
  CHECK(names == std::vector<std::string>{"image.0", "c.weight.1", "c.bias.2"});
}

TEST_CASE("an XLA program names nothing twice and reads nothing before it is written",
          "[workload][hlo]") {
  const xla::HloModuleProto message =
      message_of(program_of(test::random_graph(GENERATE(3U, 8U, 21U)), 3));
  std::set<std::int64_t> known, computations;
  std::set<std::string> names;
  for (const auto& computation : message.computations()) {
    for (const auto& each : computation.instructions()) {
      for (const std::int64_t operand : each.operand_ids()) CHECK(known.count(operand) == 1);
      for (const std::int64_t called : each.called_computation_ids())
        CHECK(computations.count(called) == 1);
      CHECK(known.insert(each.id()).second);
      CHECK(names.insert(each.name()).second);
    }
    computations.insert(computation.id());
  }
}

TEST_CASE("equal models give equal XLA programs, other batches and types others",
          "[workload][hlo]") {
  const Model model = grouped_convolution();
  const std::string bytes = program_of(model).bytes;
  CHECK(program_of(model).bytes == bytes);
  CHECK(program_of(model, 3).bytes != bytes);
  CHECK(program_of(model, 2, DType::bf16).bytes != bytes);
}

TEST_CASE("weights of an XLA program are the model's in the program's layout", "[workload][hlo]") {
  SECTION("filters of all groups in order") {
    const Model model = grouped_convolution();
    const Op& op = model.ops[1];
    std::vector<float> own(3 * 3 * 2 * 12);
    fill_weight(1, model, op, WeightRole::matrix, own);
    const std::vector<float> values = filled(model, program_of(model).parameters[1]);
    for (std::size_t place = 0; place < 18; ++place)  // row, column and channel of the input
      for (std::size_t output = 0; output < 12; ++output)
        CHECK(values[place * 12 + output] == own[(output / 4 * 18 + place) * 4 + output % 4]);
  }
  SECTION("a further table spread over the positions") {
    const Model model = words_and_positions();
    const HloModule program = program_of(model);
    REQUIRE(program.parameters.size() == 4);
    std::vector<float> own((7 + 2 + 9) * 4);
    fill_weight(1, model, model.ops[1], WeightRole::table, own);
    const std::vector<float> types = filled(model, program.parameters[2]);
    const std::vector<float> positions = filled(model, program.parameters[3]);
    for (std::size_t i = 0; i < 5 * 4; ++i) {
      CHECK(types[i] == own[(7 + i / 4 % 2) * 4 + i % 4]);
      CHECK(positions[i] == own[(9 + i / 4) * 4 + i % 4]);
    }
  }
  SECTION("and any part of one can be made alone") {
    const Model model = GENERATE(grouped_convolution(), words_and_positions());
    for (const HloTensor& tensor : program_of(model).parameters) {
      if (!tensor.role) continue;
      const std::vector<float> whole = filled(model, tensor);
      const std::size_t first = whole.size() / 3;
      std::vector<float> part(whole.size() / 2);
      fill_hlo_weight(1, model, tensor, part, static_cast<std::int64_t>(first));
      CHECK(
          std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)));
    }
  }
}

TEST_CASE("what nothing reads is a result of an XLA program too", "[workload][hlo]") {
  ModelBuilder builder("two", "");
  const Name x = builder.input("x", InputKind::values, {6});
  builder.matmul("unread", x, 3, {});
  builder.matmul("y", x, 4, {});
  const HloModule program = program_of(with_shapes(builder.finish()));
  REQUIRE(program.results.size() == 2);
  CHECK(program.results[0].name == "y.out0");
  CHECK(program.results[1].shape == Shape{2, 3});
  const xla::HloModuleProto message = message_of(program);
  const auto& entry = message.computations(message.computations_size() - 1);
  const auto& root = entry.instructions(entry.instructions_size() - 1);
  CHECK(root.opcode() == "tuple");
  CHECK(root.frontend_attributes().map().at("neff_output_names") == "y.out0,unread.out1");
}

TEST_CASE("what no XLA program can be made of is refused with the reason", "[workload][hlo]") {
  const Model model = grouped_convolution();
  CHECK(make_hlo(model, 0, DType::f32).error().found == "0");
  CHECK(make_hlo(model, 1, DType::f16).error().found == "f16");
  CHECK(make_hlo(model, 1 << 30, DType::f32).error().where == "conv, \"image\"");
  Model foreign = model;
  foreign.ops[1].kind = OpKind::foreign;
  foreign.ops[1].operation = "ConvTranspose";
  CHECK(make_hlo(foreign, 1, DType::f32).error().found.find("ConvTranspose") == 0);
}
