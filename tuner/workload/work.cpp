// Work counts. Matrix work counts 2 FLOP per multiply-add; epilogues count nothing; pooling counts
// one FLOP per element in its windows, normalisation, softmax and elementwise operations one per
// output element. So totals are those of the matrix work but for a fraction of a percent, as
// published ones are.
#include "tuner/workload/work.h"

#include <algorithm>
#include <string_view>

namespace batchtune {
namespace {

double count(std::int64_t value) {
  return static_cast<double>(value);
}

double count(const Shape& shape) {
  return count(elements(shape));
}

// Bias and what the published model has instead.
void add_bias(const Op& op, OpWork& work) {
  const double bias = op.epilogue.bias ? count(op.columns) : 0;
  work.weight_elements = work.weight_reads = work.dense_weights + bias;
  work.published_parameters =
      work.dense_weights + (op.folded_batch_norm ? 2 * count(op.columns) : bias);
}

void count_dense(const Op& op, const Shape& input, OpWork& work) {
  work.product = work.dense = true;
  const double inner = op.kind == OpKind::matmul
                           ? count(op.inner)
                           : count(op.window.kernel_h) * count(op.window.kernel_w) *
                                 count(input[2]) / count(op.groups);
  work.dense_weights = inner * count(op.columns);
  work.flops = 2 * inner * work.output_elements;
  add_bias(op, work);
}

void count_embedding(const Op& op, OpWork& work) {
  double rows = count(op.vocabulary);
  for (const std::int64_t table : op.tables) rows += count(table);
  const double tables = count(static_cast<std::int64_t>(op.tables.size()) + 1);
  work.weight_elements = work.published_parameters = rows * count(op.columns);
  work.weight_reads = tables * work.output_elements;
  if (work.weight_reads > work.weight_elements) work.weight_reads = work.weight_elements;
  work.flops = (tables - 1) * work.output_elements;
}

void count_norm(const Op& op, OpWork& work) {
  const double features = count(op.output.back());
  work.weight_elements = op.kind == OpKind::layer_norm ? 2 * features : features;
  work.weight_reads = work.published_parameters = work.weight_elements;
  work.flops = work.output_elements;
}

template <typename Names>
bool is_one_of(std::string_view operation, const Names& names) {
  return std::find(std::begin(names), std::end(names), operation) != std::end(names);
}

// Imported operations that are not counted like most of them.
constexpr std::string_view kForeignProducts[] = {
    "Attention", "Conv",   "ConvInteger",   "ConvTranspose", "Einsum",      "GRU",           "Gemm",
    "LSTM",      "MatMul", "MatMulInteger", "QGemm",         "QLinearConv", "QLinearMatMul", "RNN"};
// They read as much as they write, whatever their inputs are.
constexpr std::string_view kPicking[] = {"Gather", "GatherElements", "GatherND", "Slice", "Split"};

void count_foreign(const Op& op, OpWork& work) {
  work.flops = op.flops;
  work.weight_elements = work.weight_reads = work.published_parameters = op.weight_elements;
  work.product = is_one_of(op.operation, kForeignProducts);
  if (is_one_of(op.operation, kPicking)) {
    work.input_elements = std::min(work.input_elements, work.output_elements);
    work.weight_reads = std::min(work.weight_reads, work.output_elements);
  }
  if (op.fused) work.input_elements = work.output_elements = 0;
  // Mean and variance are not trained: published counts leave them out.
  if (op.operation == "BatchNormalization") work.published_parameters /= 2;
  if (!work.product || op.weight_elements == 0) return;
  work.dense = true;
  work.dense_weights =
      std::max(0.0, op.weight_elements - (op.epilogue.bias ? count(op.columns) : 0));
}

}  // namespace

OpWork work_of(const Model& model, const Op& op) {
  OpWork work;
  const std::vector<OpIndex> reads = reads_of(model, op);
  const auto input = [&](std::size_t i) -> const Op& {
    return model.ops[static_cast<std::size_t>(reads[i])];
  };
  if (op.kind == OpKind::input || op.kind == OpKind::reshape) return work;
  for (std::size_t i = 0; i < reads.size(); ++i) work.input_elements += count(input(i).output);
  work.output_elements = count(op.output);
  switch (op.kind) {
    case OpKind::matmul:
    case OpKind::conv2d:
      count_dense(op, input(0).output, work);
      break;
    case OpKind::batched_matmul:
      work.product = true;
      work.flops = 2 * count(op.inner) * work.output_elements;
      break;
    case OpKind::embedding:
      count_embedding(op, work);
      break;
    case OpKind::layer_norm:
    case OpKind::rms_norm:
      count_norm(op, work);
      break;
    case OpKind::max_pool:
    case OpKind::average_pool:
      work.flops = work.output_elements * count(op.window.kernel_h) * count(op.window.kernel_w);
      break;
    case OpKind::global_average_pool:
      work.flops = work.input_elements;
      break;
    case OpKind::softmax:
    case OpKind::activation:
    case OpKind::add:
    case OpKind::multiply:
      work.flops = work.output_elements;
      break;
    case OpKind::slice:
      work.input_elements = work.output_elements;
      break;
    case OpKind::foreign:
      count_foreign(op, work);
      break;
    case OpKind::input:
    case OpKind::concat:
    case OpKind::transpose:
    case OpKind::reshape:
      break;
  }
  return work;
}

ModelSummary summarise(const Model& model) {
  ModelSummary summary;
  summary.name = model.name;
  summary.hash = model_hash(model);
  summary.parameters = model.unbuilt_parameters;
  for (const Op& op : model.ops) {
    const OpWork work = work_of(model, op);
    summary.parameters += work.published_parameters;
    summary.flops_per_sample += work.flops;
    summary.activation_bytes_per_sample += work.output_elements * 4;  // f32
    if (!work.dense) continue;
    summary.dense_parameters += work.dense_weights;
    summary.dense_flops_per_sample += work.flops;
  }
  return summary;
}

}  // namespace batchtune
