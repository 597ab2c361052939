// Graphs that are damaged node by node: they are lowered and run, or refused, but nothing else.
#include <random>

#include "tests/backend/imported/imported_support.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

OnnxGraph whole() {
  OnnxGraph graph;
  graph.input("image", {"N", 4, 6, 6});
  constant(graph, "filters", {8, 4, 3, 3});
  set_ints(graph.node("Conv", {"image", "filters"}, {"conv"}), "pads", {1, 1, 1, 1});
  for (const char* name : {"gain", "shift", "mean", "variance"}) constant(graph, name, {8}, true);
  graph.node("BatchNormalization", {"conv", "gain", "shift", "mean", "variance"}, {"norm"});
  graph.node("Relu", {"norm"}, {"relu"});
  auto& pool = graph.node("MaxPool", {"relu"}, {"pool"});
  set_ints(pool, "kernel_shape", {2, 2});
  set_ints(pool, "strides", {2, 2});
  graph.integers("split", {-1, 2, 4, 3, 3});
  graph.node("Reshape", {"pool", "split"}, {"parts"});
  set_ints(graph.node("Transpose", {"parts"}, {"turned"}), "perm", {0, 2, 1, 3, 4});
  graph.integers("joined", {-1, 8, 3, 3});
  graph.node("Reshape", {"turned", "joined"}, {"shuffled"});
  set_int(graph.node("Concat", {"shuffled", "pool"}, {"both"}), "axis", 1);
  set_int(graph.node("LRN", {"both"}, {"even"}), "size", 3);
  graph.node("Flatten", {"even"}, {"flat"});
  constant(graph, "matrix", {144, 5});
  constant(graph, "bias", {5});
  graph.node("Gemm", {"flat", "matrix", "bias"}, {"scores"});
  graph.node("Softmax", {"scores"}, {"y"});
  graph.output("y");
  for (const char* name : {"conv", "norm", "relu"}) graph.value(name, {"N", 8, 6, 6});
  for (const char* name : {"pool", "shuffled"}) graph.value(name, {"N", 8, 3, 3});
  return graph;
}

class Damage {
 public:
  explicit Damage(std::uint32_t seed) : random_(seed) {}

  void to(OnnxGraph& graph) {
    auto& nodes = *graph.graph().mutable_node();
    auto& node = nodes[static_cast<int>(pick(static_cast<std::size_t>(nodes.size())))];
    switch (pick(6)) {
      case 0:
        if (node.input_size() > 0) node.mutable_input()->RemoveLast();
        break;
      case 1:
        if (node.input_size() > 0) node.set_input(static_cast<int>(pick(node.input_size())), "");
        break;
      case 2:
        node.set_op_type(kOperations[pick(std::size(kOperations))]);
        break;
      case 3:
        node.add_input(pick(2) == 0 ? "image" : "filters");
        break;
      case 4:
        for (auto& attribute : *node.mutable_attribute())
          if (attribute.ints_size() > 0)
            attribute.set_ints(0, kNumbers[pick(std::size(kNumbers))]);
          else
            attribute.set_i(kNumbers[pick(std::size(kNumbers))]);
        break;
      default:
        node.clear_attribute();
        break;
    }
  }

 private:
  static constexpr const char* kOperations[] = {
      "Add",   "Conv", "Gather", "Gemm", "MatMul",  "Mul",  "Resize",  "Slice",  "Split",
      "Where", "TopK", "Pad",    "LRN",  "Sigmoid", "Gelu", "Reshape", "Unknown"};
  static constexpr std::int64_t kNumbers[] = {0, -1, 1, 2, 3, 7, 1 << 20, INT64_MAX, INT64_MIN};

  std::size_t pick(std::size_t n) { return random_() % n; }
  std::size_t pick(int n) { return random_() % static_cast<std::size_t>(n); }
  std::mt19937 random_;
};

// Whether it ran.
bool try_to_run(const OnnxGraph& graph, imported::Forms forms) {
  const auto model = read_onnx(graph.write("damaged.onnx"), {});
  if (!model) return false;
  auto file = read_onnx_graph(*model);
  if (!file) return false;
  auto lowered = imported::lower_imported(std::move(*file), *model, {.forms = forms});
  if (!lowered) {
    CHECK(lowered.error().status == TrialStatus::unsupported);
    return false;
  }
  LoadOptions options = options_of(DType::f32);
  options.account_limit = Bytes{1} << 28;
  auto loaded = cpu::CpuModel::load(std::move(*lowered), options, best_kernels(), Bytes{1} << 30);
  if (!loaded) return false;
  const auto program = cpu::CpuProgram::prepare(**loaded, 2);
  if (!program) return false;
  (*program)->set_input(1);
  return (*program)->run(1).has_value();
}

}  // namespace

TEST_CASE("damaged graphs are run or refused", "[imported]") {
  int ran = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    INFO("seed " << seed);
    OnnxGraph graph = whole();
    Damage damage(seed);
    for (std::uint32_t i = 0; i <= seed % 3; ++i) damage.to(graph);
    for (const auto forms : {imported::Forms::native, imported::Forms::calls})
      ran += try_to_run(graph, forms) ? 1 : 0;
  }
  CHECK(ran > 50);  // most damage is seen when the file is read
}
