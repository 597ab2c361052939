// The shape rules of one operation. Internal to this module; infer_shapes (model.h) is the door.
// Errors name places as in a model file ($.ops[3].kernel).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tuner/workload/model.h"

namespace batchtune {

inline constexpr std::size_t kMaxOps = 10'000;  // find_op is linear; real graphs have some hundreds
inline constexpr std::size_t kMaxRank = 4;      // of a per-sample shape that our kernels meet
inline constexpr std::size_t kMaxForeignRank = 8;  // of imported models' shapes
inline constexpr std::size_t kMaxTables = 7;    // positions and types are two
inline constexpr std::int64_t kMaxDimension = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t kMaxElements = std::int64_t{1}
                                             << 40;  // 4 TiB in f32: beyond any one tensor
inline constexpr std::int64_t kMaxWindow = 4096;     // kernel, stride, padding, dilation

std::string text_of(const Shape& shape);  // "[56, 56, 64]"

class OpShapes {
 public:
  // `earlier` has the operations before `op`, whose shapes are known.
  OpShapes(const Model& model, const std::unordered_map<std::string_view, OpIndex>& earlier, Op& op,
           std::string where)
      : model_(model), earlier_(earlier), op_(op), where_(std::move(where)) {}

  // Checks the operation and fills in its output's shape and what follows from its inputs.
  Status infer();

 private:
  tl::unexpected<Error> fail(const std::string& key, std::string wanted, std::string found) const;
  Result<const Op*> earlier(const std::string& name, const std::string& key) const;
  Status resolve_inputs();
  Status want_inputs(std::size_t least, std::size_t most) const;
  Status want_range(const std::string& key, std::int64_t value, std::int64_t low,
                    std::int64_t high) const;
  Status check_size(const Shape& shape, const std::string& key, const std::string& what) const;
  // Fills in a field that was left at 0, or checks it.
  Status settle(const std::string& key, std::int64_t& field, std::int64_t inferred);
  Result<Shape> output_shape();
  Status check_epilogue();

  // op_shapes_products.cpp
  Result<Shape> embedding();
  Result<Shape> matmul();
  // Rows and columns of each head of an operand.
  Result<std::array<std::int64_t, 2>> head_of(const Shape& shape, HeadLayout layout,
                                              const std::string& key) const;
  Result<Shape> batched_matmul();

  // op_shapes_images.cpp
  Status want_image() const;
  static std::int64_t extent(std::int64_t kernel, std::int64_t dilation);
  Status check_window() const;
  Shape windowed(std::int64_t channels) const;
  Result<Shape> conv2d();
  Result<Shape> pool();
  Result<Shape> global_pool();

  // op_shapes_layout.cpp
  Result<Shape> input();
  Result<Shape> same_shape();
  Result<Shape> elementwise();
  Status want_axis() const;
  Result<Shape> concat();
  Result<Shape> slice();
  Result<Shape> transpose();
  Result<Shape> reshape();
  Result<Shape> foreign();

  const Model& model_;
  const std::unordered_map<std::string_view, OpIndex>& earlier_;
  Op& op_;
  std::string where_;
  std::vector<Shape> in_;  // of op_.inputs
};

}  // namespace batchtune
