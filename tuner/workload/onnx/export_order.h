// In which order an exported graph has a tensor's dimensions. Our images are {height, width,
// channels}, those of an ONNX file {channels, height, width}: every tensor of the file has an order
// of its own, and operations ask for the one that they need.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tuner/workload/model.h"

namespace batchtune::onnx_export {

using Order =
    std::vector<std::int64_t>;  // the file's per-sample dimension i is the model's order[i]

Order plain_order(std::size_t rank);  // as the model has it
Order image_order();                  // channels first
bool is_plain(const Order& order);

Shape shape_in(const Order& order, const Shape& shape);  // per sample, as the file has it
// Where the file has the model's dimension; axis 0 is the batch.
std::int64_t axis_in(const Order& order, std::int64_t dimension);

// `perm` of the Transpose that brings a tensor in order `from` into order `to`, batch included.
std::vector<std::int64_t> permutation_between(const Order& from, const Order& to);

// The same for a transpose of the model, which also permutes the dimensions themselves.
std::vector<std::int64_t> permutation_between(const Order& from,
                                              const std::vector<std::int64_t>& permutation,
                                              const Order& to);

// The order that `after` has when data of `before` in order `from` are viewed as `after` where they
// lie: dimensions may be split, and joined where they follow each other. nullopt: they must be
// brought into the plain order first.
std::optional<Order> order_viewed(const Shape& before, const Order& from, const Shape& after);

// The order to leave a transpose of the model in. `from` is that of `view`, into which the
// dimensions of `shape` were split. A shuffle within dimensions (of channels) keeps it; else it is
// plain.
Order order_transposed(const Shape& shape, const Shape& view, const Order& from,
                       const std::vector<std::int64_t>& permutation);

// Where the model has element `index` of a sample of the file.
std::int64_t model_index(const Shape& shape, const Order& order, std::int64_t index);

}  // namespace batchtune::onnx_export
