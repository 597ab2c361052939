// Writes one operation of a model as ONNX nodes. Internal to export.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tuner/workload/onnx/export_graph.h"
#include "tuner/workload/onnx/export_order.h"

namespace batchtune::onnx_export {

// An image that was flattened as the file has it, {channels, height, width}: whoever multiplies it
// permutes the rows of the weight instead of the data.
struct Flattened {
  Shape shape;  // of the image, as the model has it
  Order order;
};

// Where an operation's tensor is in the graph.
struct Placed {
  std::string value;
  Order order;
  std::optional<Flattened> flattened;
  std::map<Order, std::string> turned;  // the same in other orders, once something asked
};

struct Export {
  const Model& model;
  std::uint64_t seed;
  GraphWriter& graph;
  std::vector<Placed> placed;  // by operation; value "": not there yet
  std::vector<bool> as_image;  // by operation: what reads its tensor takes it as an image
};

// Export::as_image: read by convolutions and pools, perhaps behind operations that keep the order.
std::vector<bool> tensors_read_as_images(const Model& model);

class OpExport {
 public:
  OpExport(Export& all, OpIndex index);
  void write();  // and places the operation's tensor

 private:
  // Reads. `i` counts the operation's inputs.
  Placed& placed(OpIndex op) { return all_.placed[static_cast<std::size_t>(op)]; }
  Placed& in(std::size_t i = 0) { return placed(reads_[i]); }
  const Shape& in_shape(std::size_t i = 0) const;
  std::string as(OpIndex op, const Order& order);  // with a Transpose where it lies otherwise
  std::string plain(std::size_t i = 0) { return as(reads_[i], plain_order(in_shape(i).size())); }
  std::string image() { return as(reads_[0], image_order()); }

  // Writes and results.
  std::string add(const char* type, const std::vector<std::string>& inputs,
                  const std::vector<Attribute>& attributes = {}) {
    return graph_.add(type, inputs, attributes);
  }
  std::string reshaped(const std::string& value, const Shape& from, const Shape& to);
  std::string activated(const std::string& value, Activation activation);
  std::string gelu(const std::string& value);
  std::string finished(std::string value, const Order& order);  // behind the epilogue
  Values weight_values(WeightRole role) const { return values_of(all_.seed, model_, op_, role); }
  std::string bias() {
    return graph_.weight("bias", {op_.output.back()}, weight_values(WeightRole::bias));
  }
  // The result is the output of the node added last, which gets the operation's name.
  void place(const Order& order);
  void place_plain() { place(plain_order(op_.output.size())); }
  void place_at(const std::string& value, const Order& order);  // or a value that is there already

  // export_products.cpp
  void embedding();
  void matmul();
  std::string matrix();
  std::string head_operand(std::size_t i, HeadLayout layout, bool transposed);
  void batched_matmul();

  // export_images.cpp
  void conv2d();
  void pool();
  void global_pool();

  // export_rows.cpp
  void softmax();
  void layer_norm();
  void rms_norm();
  void activation();
  void elementwise(const char* type);

  // export_moves.cpp
  void input();
  void concat();
  void slice();
  bool split();
  void transpose();
  void reshape();
  bool only_multiplied() const;

  Export& all_;
  const Model& model_;
  GraphWriter& graph_;
  OpIndex index_;
  const Op& op_;
  std::vector<OpIndex> reads_;
};

}  // namespace batchtune::onnx_export
