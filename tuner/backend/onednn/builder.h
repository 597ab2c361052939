// Lowers a model operation by operation. How it works: every tensor is held in one buffer, plain
// (the Model's order) or in a format that oneDNN chose for an image; in_format() and plain() give a
// reader the format that it wants, by a reorder where it is another one, made once.
// An operation is a function here, by kind in build_images.cpp, build_products.cpp, build_rows.cpp,
// build_layout.cpp and build_calls.cpp.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "tuner/backend/onednn/graph.h"

namespace batchtune::onednn {

class GraphBuilder {
 public:
  explicit GraphBuilder(const GraphContext& context);
  Outcome<Graph> build();

 private:
  static constexpr OpIndex kForever = std::numeric_limits<OpIndex>::max();

  // A tensor as it lies now.
  struct Held {
    int buffer = -1;
    std::optional<Desc> format;                   // of an image; nullopt: plain
    std::vector<std::pair<Desc, int>> reordered;  // copies for readers, with their buffers
    bool has_plain_copy = false;
    int plain_copy = -1;
  };

  Outcome<void> lower(OpIndex index);
  // build_images.cpp
  Outcome<void> conv2d();
  void pool();
  // build_products.cpp
  Outcome<void> matmul();
  void batched_matmul();
  // build_rows.cpp
  Outcome<void> embedding();
  void softmax();
  Outcome<void> layer_norm();
  Outcome<void> rms_norm();
  void activation();
  void binary(dnnl::algorithm algorithm);
  // build_layout.cpp
  void concat();
  void slice();
  void transpose();
  // build_calls.cpp
  void foreign();
  void reserve_call_scratch();
  std::vector<int> file_output_buffers();

  // The operation in hand.
  const Op& op() const { return context_.model.ops[static_cast<std::size_t>(now_)]; }
  OpIndex read(std::size_t i = 0) const { return reads_[i]; }
  const Shape& shape(OpIndex op) const {
    return context_.model.ops[static_cast<std::size_t>(op)].output;
  }
  Held& held(OpIndex op) { return held_[static_cast<std::size_t>(op)]; }
  std::int64_t batch() const { return context_.batch; }
  std::int64_t batch_elements(OpIndex op) const { return batch() * elements(shape(op)); }
  Bytes tensor_bytes(OpIndex op) const;

  // Formats. Rows: {count / length, length}, plain. Images are {batch, channels, height, width}; a
  // shape of one dimension is one of 1 x 1 pixels.
  Desc rows(std::int64_t count, std::int64_t length) const;
  Dims image_dims(OpIndex op) const;
  Desc image(OpIndex op) const;  // as it is held
  Desc any_format(const Dims& dims) const;

  // Buffers with the tensor of `op`.
  int plain(OpIndex op);
  int in_format(OpIndex op, const Desc& wanted);  // of an image
  // For the tensor of the operation in hand: that of `from`, where nobody else needs it any more
  // and it is not in `not_in`; else -1.
  int take_over(OpIndex from, std::span<const int> not_in = {});

  int new_buffer(Bytes bytes);
  int new_buffer(const Desc& desc) { return new_buffer(static_cast<Bytes>(desc.get_size())); }
  void hold(int buffer, std::optional<Desc> format = std::nullopt);
  void hold_image(int buffer, const Desc& format);  // plain where it is channels last

  void add_step(const char* kind, Description description, std::vector<Operand> operands);
  void add_own_step(const char* kind, std::vector<Operand> operands, OwnStep own);
  void add_reorder(const Desc& from, int from_buffer, const Desc& to, int to_buffer);
  void use(const std::vector<Operand>& operands);

  Outcome<const WeightCopy*> weight(WeightRole role, const Desc& wanted);
  Outcome<const WeightCopy*> vector_weight(WeightRole role);

  // matmul and conv2d: what the epilogue says, as far as the primitive does it in passing.
  PostOps post_ops() const;
  bool residual_is_separate() const;
  // Where the result goes: with the residual already in it where the primitive adds it.
  int result_buffer(const Desc& destination, const Desc& residual, int residual_buffer,
                    std::span<const int> inputs);
  void add_residual(const Desc& destination, int buffer, int residual_buffer);

  GraphContext context_;
  Graph graph_;
  std::vector<Held> held_;          // one per operation
  std::vector<OpIndex> last_read_;  // by which operation; kForever: input or output
  OpIndex now_ = 0;
  std::vector<OpIndex> reads_;  // of the operation in hand
};

}  // namespace batchtune::onednn
