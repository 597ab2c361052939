#include "tuner/workload/onnx/export_order.h"

#include <algorithm>
#include <numeric>

namespace batchtune::onnx_export {
namespace {

std::int64_t position_of(const Order& order, std::int64_t dimension) {
  return std::find(order.begin(), order.end(), dimension) - order.begin();
}

// The finest parts in which two shapes of one size agree: {28, 28, 116} and {28, 28, 2, 58} have
// three. `of_before[i]` is the part that holds dimension i.
struct Parts {
  std::vector<std::size_t> of_before, of_after;
};

Parts parts_of(const Shape& before, const Shape& after) {
  Parts parts;
  std::size_t part = 0;
  while (parts.of_before.size() < before.size() && parts.of_after.size() < after.size()) {
    std::int64_t left = before[parts.of_before.size()], right = after[parts.of_after.size()];
    parts.of_before.push_back(part);
    parts.of_after.push_back(part);
    while (left != right) {
      const bool shorter = left < right;
      const std::size_t next = shorter ? parts.of_before.size() : parts.of_after.size();
      (shorter ? left : right) *= (shorter ? before : after)[next];
      (shorter ? parts.of_before : parts.of_after).push_back(part);
    }
    ++part;
  }
  parts.of_before.resize(before.size(), part - 1);  // dimensions of 1 at the end
  parts.of_after.resize(after.size(), part - 1);
  return parts;
}

bool has_size(const Shape& shape, const std::vector<std::size_t>& parts, std::size_t part) {
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (parts[i] == part && shape[i] != 1) return true;
  return false;
}

}  // namespace

Order plain_order(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Order image_order() {
  return {2, 0, 1};
}

bool is_plain(const Order& order) {
  return std::is_sorted(order.begin(), order.end());
}

Shape shape_in(const Order& order, const Shape& shape) {
  Shape turned;
  for (const std::int64_t dimension : order)
    turned.push_back(shape[static_cast<std::size_t>(dimension)]);
  return turned;
}

std::int64_t axis_in(const Order& order, std::int64_t dimension) {
  return 1 + position_of(order, dimension);
}

std::vector<std::int64_t> permutation_between(const Order& from, const Order& to) {
  return permutation_between(from, plain_order(from.size()), to);
}

std::vector<std::int64_t> permutation_between(const Order& from,
                                              const std::vector<std::int64_t>& permutation,
                                              const Order& to) {
  std::vector<std::int64_t> turned = {0};
  for (const std::int64_t dimension : to)
    turned.push_back(axis_in(from, permutation[static_cast<std::size_t>(dimension)]));
  return turned;
}

std::optional<Order> order_viewed(const Shape& before, const Order& from, const Shape& after) {
  const Parts parts = parts_of(before, after);
  std::vector<std::size_t> sequence;  // of parts in the file
  std::int64_t last = -1;             // dimension of the part at hand
  for (const std::int64_t dimension : from) {
    const auto i = static_cast<std::size_t>(dimension);
    const std::size_t part = parts.of_before[i];
    if (before[i] == 1 && has_size(before, parts.of_before, part)) continue;  // lies anywhere
    if (sequence.empty() || sequence.back() != part) {
      if (std::find(sequence.begin(), sequence.end(), part) != sequence.end()) return std::nullopt;
      sequence.push_back(part);
    } else if (dimension < last) {
      return std::nullopt;
    }
    last = dimension;
  }
  Order order;
  for (const std::size_t part : sequence)
    for (std::size_t i = 0; i < after.size(); ++i)
      if (parts.of_after[i] == part) order.push_back(static_cast<std::int64_t>(i));
  return order;
}

Order order_transposed(const Shape& shape, const Shape& view, const Order& from,
                       const std::vector<std::int64_t>& permutation) {
  const std::vector<std::size_t> parts = parts_of(shape, view).of_after;
  for (std::size_t i = 0; i < permutation.size(); ++i)
    if (parts[i] != parts[static_cast<std::size_t>(permutation[i])])
      return plain_order(view.size());
  return from;
}

std::int64_t model_index(const Shape& shape, const Order& order, std::int64_t index) {
  Shape coordinates(shape.size());
  for (std::size_t i = order.size(); i-- > 0;) {
    const auto dimension = static_cast<std::size_t>(order[i]);
    coordinates[dimension] = index % shape[dimension];
    index /= shape[dimension];
  }
  std::int64_t found = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) found = found * shape[i] + coordinates[i];
  return found;
}

}  // namespace batchtune::onnx_export
