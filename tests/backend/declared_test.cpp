// What a runtime declares of a file that it alone can read: which dimension is the batch, how large
// the others are.
#include "tuner/backend/runtime/declared.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/workload/opaque.h"

using namespace batchtune;
using namespace batchtune::runtime;

namespace {

Model opaque(const std::string& batch = "", std::map<std::string, std::int64_t> dims = {}) {
  Model model;
  model.name = "m";
  model.dims = std::move(dims);
  model.file = ModelFile{"ort", "/m.ort", "0", batch};
  return model;
}

DeclaredTensor tensor(const std::string& name, Dimensions dims,
                      std::vector<std::string> symbols = {}, Element element = Element::f32) {
  return {name, element, std::move(dims), std::move(symbols)};
}

const std::vector<DeclaredTensor> kOutput{tensor("y", {-1, 3})};

DeclaredModel declared_ok(const Model& model, const std::vector<DeclaredTensor>& inputs,
                          const std::vector<DeclaredTensor>& outputs = kOutput) {
  auto declared = declare(model, inputs, outputs);
  INFO((declared ? "" : declared.error().reason));
  REQUIRE(declared);
  return std::move(*declared);
}

std::string refusal(const Model& model, const std::vector<DeclaredTensor>& inputs) {
  const auto declared = declare(model, inputs, kOutput);
  REQUIRE_FALSE(declared);
  CHECK(declared.error().status == TrialStatus::unsupported);
  return declared.error().reason;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an open first dimension is the batch, with and without a name", "[runtime][declared]") {
  for (const char* name : {"batch", ""}) {
    const DeclaredModel declared = declared_ok(opaque(), {tensor("x", {-1, 3, 8}, {name, "", ""})});
    REQUIRE(declared.inputs.size() == 1);
    CHECK(declared.inputs[0].batch_axis == 0);
    CHECK(declared.model.ops[0].output == Shape{3, 8});
    CHECK_FALSE(declared.fixed_batch);
    CHECK(is_opaque(declared.model));
    CHECK(find_op(declared.model, declared.model.output) == 1);
  }
}

TEST_CASE("other open dimensions are of the sizes given by name or by place",
          "[runtime][declared]") {
  const std::vector<DeclaredTensor> named{tensor("ids", {-1, -1}, {"batch", "seq"}, Element::i64),
                                          tensor("mask", {-1, -1}, {"batch", "seq"}, Element::i64)};
  const DeclaredModel declared = declared_ok(opaque("", {{"seq", 7}}), named);
  CHECK(declared.model.ops[0].output == Shape{7});
  CHECK(declared.model.ops[1].output == Shape{7});
  CHECK(holds(refusal(opaque(), named), "open dimensions seq: give --dim seq=SIZE"));
  CHECK(holds(refusal(opaque("", {{"sq", 7}, {"seq", 7}}), named), "called sq"));

  const std::vector<DeclaredTensor> unnamed{tensor("a", {-1, -1})};
  CHECK(declared_ok(opaque("", {{"a.1", 5}}), unnamed).model.ops[0].output == Shape{5});
  CHECK(holds(refusal(opaque(), unnamed), "a.1"));
}

TEST_CASE("the batch may be another dimension, by its name or its place", "[runtime][declared]") {
  const std::vector<DeclaredTensor> inputs{tensor("x", {-1, -1, 4}, {"seq", "N", ""}),
                                           tensor("h", {2, -1, 4}, {"", "N", ""})};
  const DeclaredModel declared = declared_ok(opaque("N", {{"seq", 5}}), inputs);
  CHECK(declared.inputs[0].batch_axis == 1);
  CHECK(declared.inputs[1].batch_axis == 1);
  CHECK(declared.model.ops[0].output == Shape{5, 4});
  CHECK(declared.model.ops[1].output == Shape{2, 4});

  const std::vector<DeclaredTensor> places{tensor("x", {5, -1, 4}), tensor("h", {2, -1, 4})};
  CHECK(declared_ok(opaque("x.1"), places).inputs[1].batch_axis == 1);
  CHECK(holds(refusal(opaque(), places), "--batch-axis"));
  CHECK(holds(refusal(opaque("M"), inputs), "open are: N, seq"));
}

TEST_CASE("of several names the one that sounds like a batch is it", "[runtime][declared]") {
  const std::vector<DeclaredTensor> inputs{tensor("x", {-1, 4}, {"batch_size", ""}),
                                           tensor("boxes", {-1, 4}, {"boxes", ""})};
  const DeclaredModel declared = declared_ok(opaque("", {{"boxes", 9}}), inputs);
  CHECK(declared.inputs[0].batch_axis == 0);
  CHECK(declared.inputs[1].batch_axis == kNoBatch);
  CHECK(declared.model.ops[1].output == Shape{9, 4});
  const std::vector<DeclaredTensor> unclear{tensor("x", {-1, 4}, {"rows", ""}),
                                            tensor("z", {-1, 4}, {"cols", ""})};
  CHECK(holds(refusal(opaque(), unclear), "cols, rows; say which: --batch-axis cols"));
}

TEST_CASE("a batch that was fixed is told, where all inputs have it", "[runtime][declared]") {
  CHECK(declared_ok(opaque(), {tensor("x", {1, 4}), tensor("m", {1})}).fixed_batch == 1);
  CHECK(declared_ok(opaque(), {tensor("x", {8, 4})}).fixed_batch == 8);
  CHECK(declared_ok(opaque(), {tensor("m", {1})}).model.ops[0].output == Shape{1});
  const DeclaredModel shared = declared_ok(opaque(), {tensor("x", {1, 4}), tensor("m", {2})});
  CHECK(shared.fixed_batch == 1);
  CHECK(shared.inputs[1].batch_axis == kNoBatch);
  CHECK(holds(refusal(opaque(), {tensor("x", {3, 4}), tensor("m", {2})}), "in common"));
  CHECK(holds(refusal(opaque(), {tensor("s", {})}), "no input has a dimension"));
}

TEST_CASE("an input that all samples share keeps its shape at every batch",
          "[runtime][declared]") {
  const DeclaredModel declared =
      declared_ok(opaque(), {tensor("x", {-1, 4}), tensor("anchors", {6, 2}), tensor("t", {})});
  CHECK(declared.inputs[1].batch_axis == kNoBatch);
  const auto layout = layout_of(declared.model.ops[1], declared.inputs[1], 32, 2);
  REQUIRE(layout);
  CHECK(layout->dims == Dimensions{6, 2});
  CHECK(layout->sample_step == 0);
  CHECK(layout->steps == std::vector<std::int64_t>{2, 1});
  CHECK(layout_of(declared.model.ops[2], declared.inputs[2], 32, 0)->dims.empty());
}

TEST_CASE("the result is the first output that has the batch", "[runtime][declared]") {
  const std::vector<DeclaredTensor> inputs{tensor("x", {-1, 4}, {"N", ""})};
  const std::vector<DeclaredTensor> outputs{tensor("loss", {}), tensor("y", {3, -1}, {"", "N"}),
                                            tensor("z", {-1}, {"N"})};
  const DeclaredModel declared = declared_ok(opaque(), inputs, outputs);
  CHECK(declared.result_index == 1);
  CHECK(declared.result.name == "y");
  CHECK(declared.result.batch_axis == 1);
  CHECK(declared_ok(opaque(), inputs, {tensor("a", {7, 7})}).result.name == "a");
}

TEST_CASE("what a file declares is told with the sizes in force, and as declared where they are missing",
          "[runtime][declared]") {
  const std::vector<DeclaredTensor> inputs{
      tensor("ids", {-1, -1}, {"N", "seq"}, Element::i64), tensor("x", {-1, 4})};
  const std::vector<DeclaredTensor> outputs{tensor("y", {-1, -1, 3}, {"N", "", ""})};
  const auto told_of = [&](const Model& model, Samples samples) {
    std::vector<Setting> told;
    (void)declare_and_tell(model, inputs, outputs, samples, told);
    std::string text;
    for (const Setting& setting : told) text += setting.name + ": " + to_string(setting.value) + "\n";
    return text;
  };
  CHECK(told_of(opaque("", {{"seq", 7}}), Samples::seeded) ==
        "inputs: ids int64 [batch, 7], x float [batch, 4]\noutputs: y float [N, ?, 3]\n"
        "ids: ids below 16\n");
  CHECK_FALSE(holds(told_of(opaque("", {{"seq", 7}}), Samples::of_a_file), "below"));
  CHECK(told_of(opaque(), Samples::seeded) ==
        "inputs: ids int64 [N, seq], x float [x.0, 4]\noutputs: y float [N, ?, 3]\n");
}

TEST_CASE("rows of whole numbers are ids that every table has, masks and lone numbers are 1",
          "[runtime][declared]") {
  const auto vocabulary_of = [](const std::string& name, Dimensions dims, Element element) {
    const Op input = declared_ok(opaque(), {tensor(name, std::move(dims), {}, element)}).model.ops[0];
    CHECK((input.input_kind == InputKind::token_ids) == (input.vocabulary > 0));
    return input.vocabulary;
  };
  CHECK(vocabulary_of("input_ids", {-1, 8}, Element::i64) == kSafeIds);
  CHECK(vocabulary_of("features", {-1, 2, 2}, Element::i32) == kSafeIds);
  CHECK(vocabulary_of("token_type_ids", {-1, 8}, Element::i64) == 1);
  CHECK(vocabulary_of("Segment", {-1, 8}, Element::i32) == 1);
  CHECK(vocabulary_of("attention_mask", {-1, 8}, Element::i64) == 0);
  CHECK(vocabulary_of("length", {-1}, Element::i64) == 0);
  CHECK(vocabulary_of("pixels", {-1, 8}, Element::u8) == 0);
  CHECK(vocabulary_of("x", {-1, 8}, Element::f32) == 0);
}

TEST_CASE("inputs of types without values of ours are refused", "[runtime][declared]") {
  DeclaredTensor text = tensor("words", {-1});
  text.element.reset();
  CHECK(holds(refusal(opaque(), {text}), "words"));
  CHECK(holds(refusal(opaque(), {}), "no input"));
}
