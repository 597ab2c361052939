// What moves data and computes nothing.
#include <algorithm>

#include "tuner/backend/onednn/builder.h"

namespace batchtune::onednn {
namespace {

// Elements of `shape` from dimension `from` on.
std::int64_t elements_from(const Shape& shape, std::int64_t from) {
  return elements(Shape(shape.begin() + from, shape.end()));
}

// Of an image, or of one pixel's channels.
int image_axis(const Shape& shape, std::int64_t axis) {
  constexpr int kHeightWidthChannels[] = {2, 3, 1};
  return shape.size() == 1 ? 1 : kHeightWidthChannels[axis];
}

}  // namespace

// Of images in a format of the library's as images; else as rows, of which each has a part of every
// input.
void GraphBuilder::concat() {
  bool as_image = false;
  for (const OpIndex input : reads_) as_image = as_image || held(input).format.has_value();
  std::vector<Desc> sources;
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    const std::int64_t row = as_image ? 0 : elements_from(shape(read(i)), op().axis);
    sources.push_back(as_image ? image(read(i)) : rows(batch_elements(read(i)), row));
    operands.push_back(
        {DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), sources.back(), held(read(i)).buffer});
  }
  std::optional<Desc> wanted;
  if (!as_image) wanted = rows(batch_elements(now_), elements_from(op().output, op().axis));
  Description chosen = describe_concat(
      context_.engine, as_image ? image_axis(op().output, op().axis) : 1, sources, wanted);
  const Desc destination = chosen.query_md(dnnl::query::dst_md);
  const int result = new_buffer(destination);
  operands.push_back({DNNL_ARG_DST, destination, result});
  add_step("concat", std::move(chosen), std::move(operands));
  if (as_image)
    hold_image(result, destination);
  else
    hold(result);
}

void GraphBuilder::slice() {
  const std::int64_t step = elements_from(shape(read()), op().axis + 1);
  const std::int64_t row = elements_from(shape(read()), op().axis);
  const std::int64_t length = (op().end - op().begin) * step;
  const Desc to = rows(batch_elements(now_), length);
  const std::int64_t count = batch_elements(now_) / length;
  const Desc from =
      rows(batch_elements(read()), row).submemory_desc({count, length}, {0, op().begin * step});
  const int source = plain(read()), result = new_buffer(to);
  add_reorder(from, source, to, result);
  hold(result);
}

// As a reorder between two ways to lay out the output's dimensions.
void GraphBuilder::transpose() {
  const Shape& view = op().split.empty() ? shape(read()) : op().split;
  const std::size_t rank = view.size();
  Dims dims{batch()}, from_strides{elements(view)}, to_strides{elements(view)};
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t of_view = op().permutation[i];
    dims.push_back(view[static_cast<std::size_t>(of_view)]);
    from_strides.push_back(elements_from(view, of_view + 1));
    to_strides.push_back(elements_from(op().output, static_cast<std::int64_t>(i) + 1));
  }
  const auto type = type_of(context_.dtype);
  const Desc from(dims, type, from_strides), to(dims, type, to_strides);
  const int source = plain(read()), result = new_buffer(to);
  add_reorder(from, source, to, result);
  hold(result);
}

}  // namespace batchtune::onednn
