// Replays mutated ONNX files through the fuzz target: bytes changed anywhere, and messages changed
// in their fields, which stay messages and so reach deeper.
#include <random>

#include "tests/support/catch.h"
#include "tests/support/mutate.h"
#include "tests/support/onnx_graph.h"

namespace batchtune::test {
int fuzz_onnx_file(const std::uint8_t* data, std::size_t size);
}

using namespace batchtune;
using namespace batchtune::test;

namespace {

void replay(const std::string& bytes) {
  fuzz_onnx_file(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

// Some of everything whose rules look at sizes.
OnnxGraph seed(const OnnxSize& batch) {
  OnnxGraph graph;
  graph.input("x", {batch, 4, 6, 6});
  graph.weights("w", {8, 4, 3, 3});
  auto& conv = graph.node("Conv", {"x", "w"}, {"c"});
  set_ints(conv, "pads", {1, 1, 1, 1});
  set_ints(conv, "strides", {1, 1});
  set_int(conv, "group", 1);
  auto& pool = graph.node("MaxPool", {"c"}, {"p"});
  set_ints(pool, "kernel_shape", {2, 2});
  set_ints(pool, "strides", {2, 2});
  graph.integers("target", {1, 2, 4, 3, 3});
  graph.node("Reshape", {"p", "target"}, {"r"});
  set_ints(graph.node("Transpose", {"r"}, {"t"}), "perm", {0, 2, 1, 3, 4});
  graph.integers("flat", {1, 8, 9});
  graph.node("Reshape", {"t", "flat"}, {"f"});
  graph.integers("starts", {1});
  graph.integers("ends", {7});
  graph.integers("axes", {1});
  graph.integers("steps", {2});
  graph.node("Slice", {"f", "starts", "ends", "axes", "steps"}, {"s"});
  graph.weights("token", {1, 1, 9});
  set_int(graph.node("Concat", {"token", "s"}, {"k"}), "axis", 1);
  graph.weights("m", {9, 5});
  graph.node("MatMul", {"k", "m"}, {"q"});
  graph.integers("repeats", {1, 1, 2});
  graph.node("Tile", {"q", "repeats"}, {"y"});
  graph.output("y");
  return graph;
}

std::int64_t odd_number(std::mt19937& random) {
  constexpr std::int64_t kNumbers[] = {
      0,         -1,       1, 2, 3, 7, 1 << 20, std::int64_t{1} << 31, std::int64_t{1} << 62,
      INT64_MAX, INT64_MIN};
  return kNumbers[random() % std::size(kNumbers)];
}

// One field of one node or tensor.
void change(OnnxGraph& graph, std::mt19937& random) {
  auto& proto = graph.graph();
  auto& node = *proto.mutable_node(static_cast<int>(random() % proto.node_size()));
  auto& tensor = *proto.mutable_initializer(static_cast<int>(random() % proto.initializer_size()));
  constexpr const char* kOps[] = {
      "Conv",  "ConvTranspose", "Gemm", "Pad",  "Resize", "Gather", "Expand", "Range",    "Squeeze",
      "Split", "Flatten",       "LSTM", "TopK", "OneHot", "Foo",    "Where",  "ReduceSum"};
  switch (random() % 6) {
    case 0:
      node.set_op_type(kOps[random() % std::size(kOps)]);
      break;
    case 1:
      if (node.attribute_size() == 0) break;
      for (auto& value : *node.mutable_attribute(0)->mutable_ints())
        if (random() % 2) value = odd_number(random);
      node.mutable_attribute(0)->set_i(odd_number(random));
      break;
    case 2:
      for (auto& value : *tensor.mutable_int64_data())
        if (random() % 2) value = odd_number(random);
      break;
    case 3:
      if (tensor.dims_size() > 0) tensor.set_dims(0, odd_number(random));
      break;
    case 4:
      node.set_input(static_cast<int>(random() % node.input_size()),
                     proto.node(static_cast<int>(random() % proto.node_size())).output(0));
      break;
    default: {
      auto& shape = *proto.mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
      shape.mutable_dim(static_cast<int>(random() % shape.dim_size()))
          ->set_dim_value(odd_number(random));
    }
  }
}

}  // namespace

TEST_CASE("mutated onnx files are refused or accepted, never a crash", "[fuzz][onnx]") {
  std::mt19937 random(20261130);
  for (const OnnxSize& batch : {OnnxSize("N"), OnnxSize(std::int64_t{1})}) {
    const std::string whole = seed(batch).bytes();
    replay(whole);
    for (int i = 0; i < 200; ++i) replay(mutate(whole, random));
    for (int i = 0; i < 2000; ++i) {
      OnnxGraph graph = seed(batch);
      for (std::mt19937::result_type k = random() % 3 + 1; k > 0; --k) change(graph, random);
      replay(graph.bytes());
    }
  }
}

TEST_CASE("awkward onnx bytes are refused without a crash", "[fuzz][onnx]") {
  replay("");
  replay(std::string(1, '\0'));
  replay(std::string(100'000, '\x3a'));  // graphs that claim more than there is
  std::string nested;
  for (int i = 0; i < 2000; ++i) nested = std::string("\x3a\x7f") + nested.substr(0, 120);
  replay(nested);
}
