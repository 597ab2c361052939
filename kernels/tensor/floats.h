// Where an operation has f32 loops alone: tensors of other floats as f32 copies, made for the call.
// Internal to this folder.
#pragma once

#include <vector>

#include "kernels/tensor/cast.h"

namespace batchtune::kernels::tensor {

// The values of a float tensor: itself where it is f32.
class Floats {
 public:
  Floats(const Context& context, const ConstTensor& tensor) {
    if (tensor.type == ElementType::f32) {
      data_ = static_cast<const float*>(tensor.data);
      return;
    }
    copy_.resize(static_cast<std::size_t>(tensor.elements()));
    static_cast<void>(cast(context, tensor, {ElementType::f32, tensor.shape, copy_.data()}));
    data_ = copy_.data();
  }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;

  const float* data() const { return data_; }
  float operator[](std::int64_t i) const { return data_[i]; }

 private:
  std::vector<float> copy_;
  const float* data_ = nullptr;
};

// Room for f32 results of a float tensor: itself where it is f32, else converted by finish().
class FloatsOut {
 public:
  explicit FloatsOut(const Tensor& tensor) : tensor_(tensor) {
    if (tensor.type == ElementType::f32) {
      data_ = static_cast<float*>(tensor.data);
      return;
    }
    copy_.resize(static_cast<std::size_t>(tensor.elements()));
    data_ = copy_.data();
  }
  FloatsOut(const FloatsOut&) = delete;
  FloatsOut& operator=(const FloatsOut&) = delete;

  float* data() const { return data_; }
  Outcome finish(const Context& context) const {
    if (tensor_.type == ElementType::f32) return kDone;
    return cast(context, {ElementType::f32, tensor_.shape, data_}, tensor_);
  }

 private:
  Tensor tensor_;
  std::vector<float> copy_;
  float* data_ = nullptr;
};

}  // namespace batchtune::kernels::tensor
