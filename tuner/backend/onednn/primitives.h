// Descriptions of oneDNN's primitives: the one place that knows how version 2 (operation
// descriptors) and version 3 (none) are asked for them. Every function throws dnnl::error where the
// library has no implementation. Scratch memory is always the caller's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "tuner/workload/model.h"

namespace batchtune::onednn {

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;
using Description = dnnl::primitive_desc_base;  // of any primitive

// Computed with a product's result before it is written, in this order; `scale` alone for those
// without weights.
struct PostOps {
  bool sum = false;  // adds what the output held before
  Activation activation = Activation::none;
  double scale = 1;
};

struct ConvCall {
  Desc source, weights, destination;
  std::optional<Desc> bias;
  Dims strides, dilations /* 0: none */, begin /* padding */, end;
  PostOps post;
};
Description describe_convolution(const dnnl::engine& engine, const ConvCall& call);

struct ProductCall {
  Desc source, weights, destination;
  std::optional<Desc> bias;
  PostOps post;
};
Description describe_product(const dnnl::engine& engine, const ProductCall& call);

struct PoolCall {
  dnnl::algorithm algorithm = dnnl::algorithm::pooling_max;
  Desc source, destination;
  Dims strides, kernel, begin /* padding */, end;
};
Description describe_pool(const dnnl::engine& engine, const PoolCall& call);

Description describe_softmax(const dnnl::engine& engine, const Desc& data, int axis);
// With gain and bias, over the last dimension.
Description describe_layer_norm(const dnnl::engine& engine, const Desc& data, double epsilon);
Description describe_activation(const dnnl::engine& engine, const Desc& data,
                                Activation activation);
Description describe_scaling(const dnnl::engine& engine, const Desc& data, double scale);
Description describe_binary(const dnnl::engine& engine, dnnl::algorithm algorithm,
                            const Desc& data);
// Without `destination` the library chooses one.
Description describe_concat(const dnnl::engine& engine, int axis, const std::vector<Desc>& sources,
                            const std::optional<Desc>& destination);
Description describe_reorder(const dnnl::engine& engine, const Desc& from, const Desc& to);

dnnl::primitive make_primitive(const Description& description);

// "2.6.3, OpenMP".
std::string library_version();

}  // namespace batchtune::onednn
