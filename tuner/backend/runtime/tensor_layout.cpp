#include "tuner/backend/runtime/tensor_layout.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>

#include "tuner/workload/weights.h"

namespace batchtune::runtime {
namespace {

std::string text_of(const Dimensions& dims) {
  std::string text;
  for (const std::int64_t size : dims) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return "[" + text + "]";
}

// Elements from one index of dimension `axis` to the next.
std::int64_t step_of(const Dimensions& dims, std::size_t axis) {
  return std::accumulate(dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, dims.end(),
                         std::int64_t{1}, std::multiplies<>());
}

bool is_permutation_of(const std::vector<std::int64_t>& permutation, std::size_t size) {
  std::vector<bool> seen(size);
  for (const std::int64_t index : permutation) {
    if (index < 0 || index >= static_cast<std::int64_t>(size) ||
        seen[static_cast<std::size_t>(index)])
      return false;
    seen[static_cast<std::size_t>(index)] = true;
  }
  return permutation.size() == size;
}

// Of an input that is the same whatever the batch.
tl::expected<TensorLayout, std::string> layout_without_batch(
    const Op& op, const std::vector<std::int64_t>& permutation, std::size_t rank) {
  if (rank != op.output.size())
    return tl::unexpected("the runtime has it with " + std::to_string(rank) +
                          " dimensions, the model with " + std::to_string(op.output.size()));
  TensorLayout layout{{}, op.output, {}, 0};
  for (const std::int64_t of_model : permutation)
    layout.dims.push_back(op.output[static_cast<std::size_t>(of_model)]);
  layout.steps.resize(rank);
  for (std::size_t i = 0; i < rank; ++i)
    layout.steps[static_cast<std::size_t>(permutation[i])] = step_of(layout.dims, i);
  return layout;
}

// Calls back with each element's place in the sample and in the runtime's tensor, in the Model's
// order.
template <typename Visit>
void for_each_element(const TensorLayout& layout, std::int64_t sample, Visit visit) {
  const std::size_t rank = layout.sample.size();
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t place = sample * layout.sample_step;
  const std::int64_t count = elements(layout.sample);
  for (std::int64_t i = 0; i < count; ++i) {
    visit(i, place);
    for (std::size_t axis = rank; axis-- > 0;) {
      place += layout.steps[axis];
      if (++index[axis] < layout.sample[axis]) break;
      place -= index[axis] * layout.steps[axis];
      index[axis] = 0;
    }
  }
}

// A value that is at home in the type: see fill_samples().
double at_home(Element element, float normal) {
  constexpr double kMiddle = 128, kContrast = 50, kBrightest = 255;
  switch (element) {
    case Element::f32:
    case Element::f64:
    case Element::f16:
    case Element::bf16:
      return normal;
    case Element::u8:
      return std::clamp(kMiddle + kContrast * normal, 0.0, kBrightest);
    default:
      return 1;
  }
}

}  // namespace

std::int64_t elements_of(const Dimensions& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

tl::expected<TensorLayout, std::string> layout_of(const Op& op, const OnnxTensor& tensor,
                                                  std::int64_t batch, std::size_t rank) {
  TensorLayout layout{{}, op.output, {}, 0};
  const std::size_t own = op.output.size();
  std::vector<std::int64_t> permutation = tensor.permutation;
  const bool single = rank == 1 && elements(op.output) == 1;
  if (permutation.empty()) {
    permutation.resize(own);
    std::iota(permutation.begin(), permutation.end(), std::int64_t{0});
  }
  if (!is_permutation_of(permutation, own))
    return tl::unexpected("a permutation of its " + std::to_string(own) + " dimensions");
  if (tensor.batch_axis == kNoBatch) return layout_without_batch(op, permutation, rank);
  const auto axis = static_cast<std::size_t>(tensor.batch_axis);
  if (tensor.batch_axis < 0 || axis > own)
    return tl::unexpected("no dimension " + std::to_string(tensor.batch_axis) + " for the batch");
  if (!single && rank != own + 1)
    return tl::unexpected("the runtime has it with " + std::to_string(rank) +
                          " dimensions, the model with " + std::to_string(own + 1));
  if (single) {
    layout.dims = {batch};
    layout.steps.assign(own, 1);
    layout.sample_step = 1;
    return layout;
  }
  for (const std::int64_t of_model : permutation)
    layout.dims.push_back(op.output[static_cast<std::size_t>(of_model)]);
  layout.dims.insert(layout.dims.begin() + tensor.batch_axis, batch);
  layout.sample_step = step_of(layout.dims, axis);
  layout.steps.resize(own);
  for (std::size_t i = 0; i < own; ++i)
    layout.steps[static_cast<std::size_t>(permutation[i])] =
        step_of(layout.dims, i < axis ? i : i + 1);
  return layout;
}

tl::expected<TensorLayout, std::string> layout_of_output(const Op& op, const OnnxTensor& tensor,
                                                         std::int64_t batch,
                                                         const Dimensions& found) {
  if (auto expected = layout_of(op, tensor, batch, found.size());
      expected && expected->dims == found)
    return expected;
  const auto axis = static_cast<std::size_t>(tensor.batch_axis);
  if (tensor.batch_axis < 0 || axis >= found.size() || found[axis] != batch)
    return tl::unexpected("its dimensions " + text_of(found) + " do not have the batch, " +
                          std::to_string(batch) + ", as dimension " +
                          std::to_string(tensor.batch_axis));
  TensorLayout layout{found, {}, {}, step_of(found, axis)};
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i == axis) continue;
    layout.sample.push_back(found[i]);
    layout.steps.push_back(step_of(found, i));
  }
  return layout;
}

Status fill_samples(const TensorLayout& layout, Element element, void* tensor, const Op& input,
                    InputSource& source, std::uint64_t seed) {
  const auto count = static_cast<std::size_t>(elements(layout.sample));
  const std::int64_t samples =
      elements_of(layout.dims) / std::max<std::int64_t>(1, elements(layout.sample));
  std::vector<std::int32_t> ids;
  std::vector<float> values;
  std::vector<double> numbers(source.is_file() ? count : 0);
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    if (source.is_file()) {
      BT_TRY_VOID(source.read(input, sample, numbers));
      for_each_element(layout, sample, [&](std::int64_t i, std::int64_t place) {
        store(element, tensor, place, numbers[static_cast<std::size_t>(i)]);
      });
    } else if (input.input_kind == InputKind::token_ids) {
      ids.resize(count);
      fill_token_ids(seed, input, sample, ids);
      for_each_element(layout, sample, [&](std::int64_t i, std::int64_t place) {
        store(element, tensor, place, ids[static_cast<std::size_t>(i)]);
      });
    } else {
      values.resize(count);
      fill_input(seed, input, sample, values);
      for_each_element(layout, sample, [&](std::int64_t i, std::int64_t place) {
        store(element, tensor, place, at_home(element, values[static_cast<std::size_t>(i)]));
      });
    }
  }
  return {};
}

void read_samples(const TensorLayout& layout, Element element, const void* tensor,
                  std::int64_t samples, std::vector<float>& values) {
  for (std::int64_t sample = 0; sample < samples; ++sample)
    for_each_element(layout, sample, [&](std::int64_t, std::int64_t place) {
      values.push_back(static_cast<float>(load(element, tensor, place)));
    });
}

}  // namespace batchtune::runtime
