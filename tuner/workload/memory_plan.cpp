// Plans the activation arena: tensors by decreasing size, each into the smallest gap that is free
// over its whole life. Not optimal (that is NP-hard), but within a few per cent of the peak on the
// zoo's models.
#include "tuner/workload/memory_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tuner/workload/arena_blocks.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

using Wide = __int128;

Bytes saturate(Wide value) {
  constexpr Wide kMost = std::numeric_limits<Bytes>::max();
  return static_cast<Bytes>(std::min(value, kMost));
}

Wide align(Wide value) {
  return (value + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
}

// A tensor that owns bytes. Alive from the operation `first` that writes it to the last that reads
// it.
struct Tensor {
  std::size_t op = 0;
  std::size_t first = 0, last = 0;
  Wide size = 0;
  Wide offset = 0;
};

bool alive_together(const Tensor& a, const Tensor& b) {
  return a.first <= b.last && b.first <= a.last;
}

std::size_t element_size(const Op& op, DType dtype) {
  if (op.element_bytes > 0) return static_cast<std::size_t>(op.element_bytes);
  return op.kind == OpKind::input && op.input_kind == InputKind::token_ids ? sizeof(std::int32_t)
                                                                           : size_of(dtype);
}

// owner[i]: the operation whose bytes tensor i is; i itself unless it is a reshape or fused.
std::vector<std::size_t> find_owners(const Model& model) {
  std::vector<std::size_t> owner(model.ops.size());
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    owner[i] = i;
    if (model.ops[i].kind == OpKind::reshape || model.ops[i].fused)
      owner[i] = owner[static_cast<std::size_t>(reads_of(model, model.ops[i])[0])];
  }
  return owner;
}

// Inputs keep their values from run to run and the output is read after it: both live throughout
// the run on their side.
std::vector<Tensor> find_lives(const Model& model, const std::vector<std::size_t>& owner) {
  const std::size_t n = model.ops.size();
  std::vector<Tensor> all(n);
  for (std::size_t i = 0; i < n; ++i) {
    const bool is_input = model.ops[i].kind == OpKind::input;
    all[i].op = i;
    all[i].first = is_input ? 0 : i;
    all[i].last = is_input ? n : i;
    for (const OpIndex read : reads_of(model, model.ops[i])) {
      Tensor& source = all[owner[static_cast<std::size_t>(read)]];
      source.last = std::max(source.last, i);
    }
  }
  all[owner[static_cast<std::size_t>(find_op(model, model.output))]].last = n;
  return all;
}

// `placed` is sorted by offset.
Wide best_offset(const Tensor& tensor, const std::vector<Tensor>& placed) {
  Wide best = -1, best_gap = 0, end = 0;
  for (const Tensor& other : placed) {
    if (!alive_together(tensor, other)) continue;
    const Wide gap = other.offset - end;
    if (gap >= tensor.size && (best < 0 || gap < best_gap)) {
      best = end;
      best_gap = gap;
    }
    end = std::max(end, other.offset + other.size);
  }
  return best < 0 ? end : best;
}

// Gives each its offset; they come back in another order.
Wide place(std::vector<Tensor>& tensors) {
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const Tensor& a, const Tensor& b) { return a.size > b.size; });
  std::vector<Tensor> placed;
  Wide end = 0;
  for (Tensor& tensor : tensors) {
    tensor.offset = best_offset(tensor, placed);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), tensor,
                         [](const Tensor& a, const Tensor& b) { return a.offset < b.offset; }),
        tensor);
    end = std::max(end, tensor.offset + tensor.size);
  }
  return end;
}

}  // namespace

Bytes place_blocks(std::vector<ArenaBlock>& blocks) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < blocks.size(); ++i)
    tensors.push_back({i, blocks[i].first, blocks[i].last, align(blocks[i].bytes), 0});
  const Wide end = place(tensors);
  for (const Tensor& tensor : tensors) blocks[tensor.op].offset = saturate(tensor.offset);
  return saturate(end);
}

MemoryPlan plan_memory(const Model& model, std::int64_t batch, DType dtype) {
  const std::size_t n = model.ops.size();
  const std::vector<std::size_t> owner = find_owners(model);
  std::vector<Tensor> tensors;
  for (Tensor& tensor : find_lives(model, owner)) {
    const Op& op = model.ops[tensor.op];
    tensor.size =
        align(Wide{elements(op.output)} * batch * static_cast<Wide>(element_size(op, dtype)));
    if (owner[tensor.op] == tensor.op) tensors.push_back(tensor);
  }
  MemoryPlan plan{std::vector<Bytes>(n), std::vector<Bytes>(n), 0};
  plan.arena_bytes = saturate(place(tensors));
  for (const Tensor& tensor : tensors) {
    plan.offset[tensor.op] = saturate(tensor.offset);
    plan.bytes[tensor.op] = saturate(tensor.size);
  }
  for (std::size_t i = 0; i < n; ++i) {
    plan.offset[i] = plan.offset[owner[i]];
    plan.bytes[i] = plan.bytes[owner[i]];
  }
  return plan;
}

Bytes weight_bytes(const Model& model, DType dtype) {
  Wide total = 0;
  for (const Op& op : model.ops) {
    const OpWork work = work_of(model, op);
    const bool table = op.kind == OpKind::embedding || op.operation == "Gather";
    const double typed = table ? work.weight_elements : work.dense_weights;
    total += static_cast<Wide>(typed) * static_cast<Wide>(size_of(dtype));
    total += static_cast<Wide>(work.weight_elements - typed) * static_cast<Wide>(sizeof(float));
  }
  return saturate(total);
}

}  // namespace batchtune
