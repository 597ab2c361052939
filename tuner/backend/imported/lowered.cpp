#include "tuner/backend/imported/lowered.h"

#include <algorithm>
#include <map>

#include "tuner/backend/imported/builder.h"
#include "tuner/backend/imported/order.h"
#include "tuner/backend/imported/passes.h"
#include "tuner/backend/imported/patterns.h"

namespace batchtune::imported {
namespace {

// Behind the folding of constants.
constexpr void (*kPasses[])(GraphEditor&) = {
    &expand_attention,    &recognise_products, &recognise_activations, &recognise_norms,
    &recognise_attention, &find_native_shapes, &fuse_products,
};

tl::unexpected<Ending> unsupported(std::string reason) {
  return tl::make_unexpected(Ending{TrialStatus::unsupported, std::move(reason), "", ""});
}

// "2 x Foo ("a": why), 1 x Bar ("b": why)"
std::string text_of(const std::vector<Refused>& refused) {
  std::map<std::string, std::pair<int, const Refused*>> kinds;
  for (const Refused& one : refused) {
    auto& kind = kinds[one.operation];
    if (++kind.first == 1) kind.second = &one;
  }
  std::string text;
  for (const auto& [operation, kind] : kinds)
    text += (text.empty() ? "" : ", ") + std::to_string(kind.first) + " x " + operation + " (\"" +
            kind.second->node + "\": " + kind.second->why + ")";
  return text;
}

class Lowering {
 public:
  Lowering(FileGraph graph, const Model* counted)
      : graph_(std::move(graph)), edit_(graph_), counted_(counted) {
    out_.weights = std::make_unique<FileWeights>();
  }

  Outcome<LoweredModel> run(const std::string& name, const LoweringOptions& options) {
    out_.native.name = name;
    if (counted_ != nullptr) {
      out_.native.description = counted_->description;
      out_.native.dims = counted_->dims;
    }
    std::vector<Refused> unsound;
    for (const GraphNode& node : graph_.nodes)
      if (!is_sound(node)) unsound.push_back({node.op_type, node.name, "inputs are missing"});
    if (!unsound.empty()) return unsupported(text_of(unsound));
    fold_constants(edit_);
    for (const auto pass : kPasses)
      if (options.forms == Forms::native) pass(edit_);
    Builder builder(edit_, options.floats, out_);
    add_inputs(builder);
    if (const std::vector<Refused> refused = add_nodes(builder, options); !refused.empty())
      return unsupported("not computed by kernels of our own: " + text_of(refused) +
                         "; a runtime that reads the file is another way: --backend onnxruntime "
                         "or openvino");
    if (!add_outputs(builder)) return unsupported("an output that nothing computes");
    if (const Status sound = infer_shapes(out_.native, name + " as native operations, "); !sound)
      return unsupported(to_string(sound.error()));
    return std::move(out_);
  }

 private:
  const GraphTensor& tensor(int index) const { return edit_.tensor(index); }

  // As the counted model has it, with elements of the file's type.
  Op input_op(std::size_t i) const {
    const GraphTensor& input = tensor(graph_.inputs[i]);
    Op op;
    const OpIndex known = counted_ ? find_op(*counted_, graph_.input_ops[i]) : -1;
    if (known >= 0) {
      op = counted_->ops[static_cast<std::size_t>(known)];
    } else {
      op.output = per_sample(*input.shape);
      if (elements(op.output) == 0) op.output = {1};
      if (input.type != ElementType::f32 && !is_floating(input.type)) {
        op.input_kind = InputKind::token_ids;
        op.vocabulary = 2;
      }
    }
    op.kind = OpKind::input;
    op.name = graph_.input_ops[i];
    if (input.type != ElementType::f32) op.element_bytes = bytes_of(input.type);
    return op;
  }

  static bool is_floating(ElementType type) {
    return type == ElementType::f64 || type == ElementType::f16 || type == ElementType::bf16;
  }

  void add_inputs(Builder& builder) {
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      Op op = input_op(i);
      op.name = builder.new_name(op.name);
      const int index = builder.add(std::move(op));
      const GraphTensor& input = tensor(graph_.inputs[i]);
      builder.place_plain(graph_.inputs[i], index);
      out_.inputs.push_back({input.name, builder.operand_of_op(index, input, *input.shape)});
    }
  }

  // The first that is an operation is the model's; the others stay alive through an operation that
  // reads them all.
  bool add_outputs(Builder& builder) {
    std::vector<std::string> ops;
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      auto operand = builder.operand(graph_.outputs[i]);
      if (!operand) return false;
      if (operand->kind == Operand::Kind::tensor) {
        Shape sample = per_sample(operand->shape);
        if (builder.op(operand->index).kind != OpKind::input && elements(sample) > 0)
          operand->index = builder.shaped(operand->index, sample);
        ops.push_back(builder.op(operand->index).name);
      }
      out_.outputs.push_back({graph_.output_names[i], std::move(*operand)});
    }
    if (ops.size() != 1) {
      Op all;
      all.name = builder.new_name("outputs");
      all.kind = OpKind::foreign;
      all.operation = "outputs";
      all.inputs = ops;
      all.output = {1};
      const int index = builder.add(std::move(all));
      if (ops.empty()) ops.push_back(builder.op(index).name);
    }
    out_.native.output = ops.front();
    return true;
  }

  FileGraph graph_;
  GraphEditor edit_;
  const Model* counted_;
  LoweredModel out_;
};

}  // namespace

Outcome<LoweredModel> lower_imported(FileGraph graph, const Model& model,
                                     const LoweringOptions& options) {
  return Lowering(std::move(graph), &model).run(model.name, options);
}

Outcome<LoweredModel> lower_graph(FileGraph graph, const std::string& name,
                                  const LoweringOptions& options) {
  return Lowering(std::move(graph), nullptr).run(name, options);
}

}  // namespace batchtune::imported
