#include <algorithm>

#include "tuner/backend/imported/passes.h"

namespace batchtune::imported {
namespace {

class Finder {
 public:
  explicit Finder(GraphEditor& edit) : edit_(edit) {}

  void run() {
    for (int i = 0; i < edit_.node_count(); ++i)
      if (!silu(i) && !shuffle(i)) padded_conv(i);
    edit_.finish();
  }

 private:
  const GraphNode& node(int index) const { return edit_.node(index); }

  // The node that writes an input which nothing else reads; -1: none.
  int only_source(const GraphNode& one, std::size_t input, std::string_view op) const {
    if (!has_input(one, input) || !edit_.is_read_once(one.inputs[input])) return -1;
    const int writer = edit_.writer(one.inputs[input]);
    return writer >= 0 && is(node(writer), op) ? writer : -1;
  }

  // x * Sigmoid(x)
  bool silu(int index) {
    const GraphNode& one = node(index);
    if (!is(one, "Mul") || one.inputs.size() != 2) return false;
    for (const std::size_t gate : {0U, 1U}) {
      const int source = only_source(one, gate, "Sigmoid");
      if (source < 0 || node(source).inputs[0] != one.inputs[1 - gate]) continue;
      GraphNode made{"Activation",           kNative,    one.name, 1, {}, false,
                     {one.inputs[1 - gate]}, one.outputs};
      made.attributes["activation"] = std::string("silu");
      edit_.remove(source);
      edit_.replace(index, std::move(made));
      return true;
    }
    return false;
  }

  // Reshape {.., groups, each, ..}, Transpose of the two, Reshape back.
  bool shuffle(int index) {
    const GraphNode& last = node(index);
    if (!is(last, "Reshape")) return false;
    const int turn = only_source(last, 0, "Transpose");
    if (turn < 0 || integers(node(turn), "perm") != std::vector<std::int64_t>{0, 2, 1, 3, 4})
      return false;
    const int first = only_source(node(turn), 0, "Reshape");
    if (first < 0) return false;
    const auto& before = edit_.tensor(node(first).inputs[0]).shape;
    const auto& split = edit_.tensor(node(first).outputs[0]).shape;
    const auto& after = edit_.tensor(last.outputs[0]).shape;
    const bool fits = before && split && before == after && before->sizes.size() == 4 &&
                      before->batch_axis == 0 && split->batch_axis == 0 &&
                      split->sizes.size() == 5 && split->sizes[0] == before->sizes[0] &&
                      split->sizes[1] * split->sizes[2] == before->sizes[1] &&
                      split->sizes[3] == before->sizes[2];
    if (!fits) return false;
    GraphNode made{"ChannelShuffle",        kNative,     last.name, 1, {}, false,
                   {node(first).inputs[0]}, last.outputs};
    made.attributes["groups"] = split->sizes[1];
    edit_.remove(first);
    edit_.remove(turn);
    edit_.replace(index, std::move(made));
    return true;
  }

  // What a Pad adds before and behind each axis of an image; {}: it is not zeros, or not constant.
  std::vector<std::int64_t> zeros_around(const GraphNode& pad) const {
    if (text(pad, "mode", "constant") != "constant") return {};
    if (has_input(pad, 3)) return {};
    if (pad.opset < 11)
      return number(pad, "value", 0) == 0 ? integers(pad, "pads") : std::vector<std::int64_t>{};
    const bool zero = !has_input(pad, 2) || single(edit_.tensor(pad.inputs[2])) == 0.0;
    if (!zero || !has_input(pad, 1)) return {};
    return whole_numbers(edit_.tensor(pad.inputs[1])).value_or(std::vector<std::int64_t>{});
  }

  bool padded_conv(int index) {
    const GraphNode& conv = node(index);
    if (!is(conv, "Conv")) return false;
    const std::string automatic = text(conv, "auto_pad", "NOTSET");
    const int pad = only_source(conv, 0, "Pad");
    if (pad < 0 || (automatic != "NOTSET" && automatic != "VALID")) return false;
    const auto around = zeros_around(node(pad));
    const bool spatial = around.size() == 8 && around[0] == 0 && around[1] == 0 && around[4] == 0 &&
                         around[5] == 0 &&
                         std::all_of(around.begin(), around.end(), [](auto n) { return n >= 0; });
    if (!spatial) return false;
    auto pads = automatic == "VALID" ? std::vector<std::int64_t>{} : integers(conv, "pads");
    pads.resize(4, 0);
    GraphNode made = conv;
    made.attributes.erase("auto_pad");
    made.attributes["pads"] = std::vector<std::int64_t>{pads[0] + around[2], pads[1] + around[3],
                                                        pads[2] + around[6], pads[3] + around[7]};
    made.inputs[0] = node(pad).inputs[0];
    edit_.remove(pad);
    edit_.replace(index, std::move(made));
    return true;
  }

  GraphEditor& edit_;
};

}  // namespace

void find_native_shapes(GraphEditor& edit) {
  Finder(edit).run();
}

}  // namespace batchtune::imported
