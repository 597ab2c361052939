#include "tuner/backend/plugin/model_source.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include "tuner/workload/model_file.h"

namespace batchtune::plugin {
namespace {

const char* name_of(WeightRole role) {
  switch (role) {
    case WeightRole::matrix:
      return "matrix";
    case WeightRole::bias:
      return "bias";
    case WeightRole::gain:
      return "gain";
    case WeightRole::table:
      return "table";
  }
  return "";
}

std::int64_t filter_elements(const Model& model, const Op& op) {
  const Shape& in = model.ops[static_cast<std::size_t>(find_op(model, op.inputs[0]))].output;
  return op.window.kernel_h * op.window.kernel_w * (in.back() / op.groups) * op.columns;
}

bt_tensor tensor_of(const Op& op) {
  bt_tensor tensor{};
  tensor.op = op.name.c_str();
  tensor.element = op.input_kind == InputKind::token_ids ? BT_I32 : BT_F32;
  tensor.rank = static_cast<std::int32_t>(op.output.size());
  tensor.dims = op.output.data();
  tensor.elements = elements(op.output);
  return tensor;
}

std::vector<bt_onnx_tensor> told_of(const std::vector<OnnxTensor>& tensors) {
  std::vector<bt_onnx_tensor> told;
  for (const OnnxTensor& tensor : tensors)
    told.push_back({tensor.name.c_str(), tensor.op.c_str(), tensor.batch_axis,
                    static_cast<std::int32_t>(tensor.permutation.size()),
                    tensor.permutation.data()});
  return told;
}

const char* or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

}  // namespace

std::vector<WeightFacts> weights_of(const Model& model) {
  std::vector<WeightFacts> weights;
  if (model.file) return weights;
  for (const Op& op : model.ops) {
    const std::int64_t features = op.output.empty() ? 0 : op.output.back();
    if (op.kind == OpKind::matmul)
      weights.push_back({&op, WeightRole::matrix, op.inner * op.columns});
    if (op.kind == OpKind::conv2d)
      weights.push_back({&op, WeightRole::matrix, filter_elements(model, op)});
    if (op.kind == OpKind::embedding) {
      const std::int64_t rows = std::accumulate(op.tables.begin(), op.tables.end(), op.vocabulary);
      weights.push_back({&op, WeightRole::table, rows * op.columns});
    }
    if (op.kind == OpKind::layer_norm || op.kind == OpKind::rms_norm)
      weights.push_back({&op, WeightRole::gain, features});
    if (op.epilogue.bias || op.kind == OpKind::layer_norm)
      weights.push_back({&op, WeightRole::bias, features});
  }
  return weights;
}

std::vector<const Op*> input_operations(const Model& model) {
  std::vector<const Op*> inputs;
  for (const Op& op : model.ops)
    if (op.kind == OpKind::input) inputs.push_back(&op);
  return inputs;
}

ModelSource::ModelSource(const Model& model, const LoadOptions& options,
                         const runtime::OnnxSource& onnx)
    : model_(model),
      options_(options),
      source_(onnx),
      json_(write_model(model)),
      dtype_(batchtune::name_of(options.group.dtype)),
      weights_(weights_of(model)) {
  tell_tensors();
  told_.struct_size = sizeof told_;
  told_.threads = options.group.threads;
  told_.instances = options.group.instances;
  told_.dtype = dtype_.c_str();
  told_.memory_limit = options.account_limit.value_or(0);
  told_.model_json = json_.c_str();
  told_.host = this;
  told_.read_weight = [](void* host, std::uint32_t weight, std::int64_t first, std::int64_t count,
                         float* values) -> bt_status {
    return static_cast<ModelSource*>(host)->read_weight(weight, first, count, values);
  };
  told_.get_onnx = [](void* host, bt_onnx* form) -> bt_status {
    return static_cast<ModelSource*>(host)->get_onnx(*form);
  };
  told_.host_error = [](void* host) { return static_cast<ModelSource*>(host)->error_.c_str(); };
}

void ModelSource::tell_tensors() {
  for (const WeightFacts& weight : weights_)
    told_weights_.push_back({weight.op->name.c_str(), name_of(weight.role), weight.elements});
  for (const Op* input : input_operations(model_)) told_inputs_.push_back(tensor_of(*input));
  const OpIndex output = find_op(model_, model_.output);
  if (output >= 0) told_output_ = tensor_of(model_.ops[static_cast<std::size_t>(output)]);
  told_output_.element = BT_F32;
  told_.weights = told_weights_.data();
  told_.weight_count = static_cast<std::uint32_t>(told_weights_.size());
  told_.inputs = told_inputs_.data();
  told_.input_count = static_cast<std::uint32_t>(told_inputs_.size());
  told_.output = &told_output_;
}

bt_status ModelSource::read_weight(std::uint32_t weight, std::int64_t first, std::int64_t count,
                                   float* values) {
  if (weight >= weights_.size()) {
    error_ = "weight " + std::to_string(weight) + " of " + std::to_string(weights_.size());
    return BT_FAILED;
  }
  const WeightFacts& facts = weights_[weight];
  if (values == nullptr || first < 0 || count < 0 || first > facts.elements ||
      count > facts.elements - first) {
    error_ = "elements " + std::to_string(first) + " and " + std::to_string(count) +
             " more of the " + std::to_string(facts.elements) + " of " + facts.op->name;
    return BT_FAILED;
  }
  fill_weight(options_.seed, model_, *facts.op, facts.role,
              {values, static_cast<std::size_t>(count)}, first);
  return BT_OK;
}

bt_status ModelSource::get_onnx(bt_onnx& onnx) {
  if (!onnx_) {
    auto form = runtime::onnx_of(source_, model_, options_.seed);
    if (!form) {
      error_ = form.error().reason + ": " + form.error().evidence;
      return BT_UNSUPPORTED;
    }
    onnx_ = std::move(*form);
    told_onnx_inputs_ = told_of(onnx_->inputs);
    told_onnx_outputs_ = told_of(onnx_->outputs);
  }
  bt_onnx told{};
  const std::uint32_t size = onnx.struct_size;
  told.struct_size = size;
  told.path = or_null(onnx_->path);
  if (onnx_->path.empty()) {
    told.bytes = onnx_->bytes.data();
    told.size = onnx_->bytes.size();
  }
  told.external_data = or_null(onnx_->external_data);
  told.inputs = told_onnx_inputs_.data();
  told.input_count = static_cast<std::uint32_t>(told_onnx_inputs_.size());
  told.outputs = told_onnx_outputs_.data();
  told.output_count = static_cast<std::uint32_t>(told_onnx_outputs_.size());
  std::memcpy(&onnx, &told, std::min<std::size_t>(size, sizeof told));
  return BT_OK;
}

}  // namespace batchtune::plugin
