// Nodes that become operations of kinds that Model has. Internal to this folder.
#pragma once

#include <memory>

#include "tuner/backend/imported/builder.h"

namespace batchtune::imported {

// Whether the node has become operations. False, with nothing written: it has no native kind, or
// not with these attributes, types or shapes.
bool add_native(Builder& builder, const GraphNode& node);

// By kind; native.cpp has the table.
bool add_conv(Builder& builder, const GraphNode& node);  // native_images.cpp
bool add_pool(Builder& builder, const GraphNode& node);
bool add_global_average_pool(Builder& builder, const GraphNode& node);
bool add_channel_shuffle(Builder& builder, const GraphNode& node);
bool add_concat(Builder& builder, const GraphNode& node);
bool add_split(Builder& builder, const GraphNode& node);
bool add_matmul(Builder& builder, const GraphNode& node);  // native_products.cpp
bool add_batched_matmul(Builder& builder, const GraphNode& node);
bool add_embedding(Builder& builder, const GraphNode& node);
bool add_sum(Builder& builder, const GraphNode& node);  // native_rows.cpp
bool add_multiply(Builder& builder, const GraphNode& node);
bool add_activation(Builder& builder, const GraphNode& node);
bool add_softmax(Builder& builder, const GraphNode& node);
bool add_norm(Builder& builder, const GraphNode& node);
bool add_slice(Builder& builder, const GraphNode& node);
bool add_split_of_rows(Builder& builder, const GraphNode& node);

// What an epilogue's or Activation's `activation` attribute says; none where it is absent.
Activation activation_of(const GraphNode& node);

// The model's window of a node that reads an image as its first input; nullopt where it cannot be
// one. `grow`: at the lower and right ends as far as the output's size asks for (ceil_mode).
std::optional<Window> native_window(const FileGraph& graph, const GraphNode& node,
                                    const Shape& kernel, bool grow);

// Whether a Clip is relu6.
bool clips_to_six(const GraphEditor& graph, const GraphNode& node);

// A constant's values, which are not copied where the file has f32. nullopt: it is none, or holds
// no floats.
class Floats {
 public:
  static std::optional<Floats> of(const GraphTensor& tensor);
  explicit Floats(std::vector<float> values);
  std::int64_t size() const { return size_; }
  const float* data() const { return data_; }

 private:
  Floats() = default;
  std::shared_ptr<const void> owner_;
  const float* data_ = nullptr;
  std::int64_t size_ = 0;
};

// A weight that is read in the order of its values.
FileWeights::Fill fill_in_order(Floats values);

}  // namespace batchtune::imported
