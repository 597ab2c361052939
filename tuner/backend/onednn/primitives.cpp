#include "tuner/backend/onednn/primitives.h"

namespace batchtune::onednn {
namespace {

constexpr auto kInference = dnnl::prop_kind::forward_inference;
constexpr bool kIsV3 = DNNL_VERSION_MAJOR >= 3;

struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha, beta;
};

Eltwise eltwise_of(Activation activation) {
  switch (activation) {
    case Activation::relu6:
      return {dnnl::algorithm::eltwise_clip, 0, 6};
    case Activation::gelu:
      return {dnnl::algorithm::eltwise_gelu_tanh, 0, 0};
    case Activation::gelu_erf:
      return {dnnl::algorithm::eltwise_gelu_erf, 0, 0};
    case Activation::silu:
      return {dnnl::algorithm::eltwise_swish, 1, 0};
    case Activation::relu:
    case Activation::none:
      break;
  }
  return {dnnl::algorithm::eltwise_relu, 0, 0};
}

void append(dnnl::post_ops& ops, const Eltwise& eltwise) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(eltwise.algorithm, eltwise.alpha, eltwise.beta);
#else
  ops.append_eltwise(1.0F, eltwise.algorithm, eltwise.alpha, eltwise.beta);
#endif
}

dnnl::primitive_attr attributes(const PostOps& post = {}) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
  if (post.sum) ops.append_sum(1.0F);
  if (post.activation != Activation::none) append(ops, eltwise_of(post.activation));
  if (post.scale != 1)
    append(ops, {dnnl::algorithm::eltwise_linear, static_cast<float>(post.scale), 0});
  attributes.set_post_ops(ops);
  return attributes;
}

Description describe_eltwise(const dnnl::engine& engine, const Desc& data, const Eltwise& eltwise) {
  using Primitive = dnnl::eltwise_forward;
#if DNNL_VERSION_MAJOR >= 3
  return Primitive::primitive_desc(engine, kInference, eltwise.algorithm, data, data, eltwise.alpha,
                                   eltwise.beta, attributes());
#else
  return Primitive::primitive_desc(
      Primitive::desc(kInference, eltwise.algorithm, data, eltwise.alpha, eltwise.beta),
      attributes(), engine);
#endif
}

}  // namespace

Description describe_convolution(const dnnl::engine& engine, const ConvCall& call) {
  using Primitive = dnnl::convolution_forward;
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  if (call.bias)
    return Primitive::primitive_desc(engine, kInference, kDirect, call.source, call.weights,
                                     *call.bias, call.destination, call.strides, call.dilations,
                                     call.begin, call.end, attributes(call.post));
  return Primitive::primitive_desc(engine, kInference, kDirect, call.source, call.weights,
                                   call.destination, call.strides, call.dilations, call.begin,
                                   call.end, attributes(call.post));
#else
  const auto operation =
      call.bias
          ? Primitive::desc(kInference, kDirect, call.source, call.weights, *call.bias,
                            call.destination, call.strides, call.dilations, call.begin, call.end)
          : Primitive::desc(kInference, kDirect, call.source, call.weights, call.destination,
                            call.strides, call.dilations, call.begin, call.end);
  return Primitive::primitive_desc(operation, attributes(call.post), engine);
#endif
}

Description describe_product(const dnnl::engine& engine, const ProductCall& call) {
  using Primitive = dnnl::matmul;
#if DNNL_VERSION_MAJOR >= 3
  if (call.bias)
    return Primitive::primitive_desc(engine, call.source, call.weights, *call.bias,
                                     call.destination, attributes(call.post));
  return Primitive::primitive_desc(engine, call.source, call.weights, call.destination,
                                   attributes(call.post));
#else
  const auto operation =
      call.bias ? Primitive::desc(call.source, call.weights, *call.bias, call.destination)
                : Primitive::desc(call.source, call.weights, call.destination);
  return Primitive::primitive_desc(operation, attributes(call.post), engine);
#endif
}

Description describe_pool(const dnnl::engine& engine, const PoolCall& call) {
  using Primitive = dnnl::pooling_forward;
#if DNNL_VERSION_MAJOR >= 3
  const Dims undilated(call.kernel.size(), 0);
  return Primitive::primitive_desc(engine, kInference, call.algorithm, call.source,
                                   call.destination, call.strides, call.kernel, undilated,
                                   call.begin, call.end, attributes());
#else
  return Primitive::primitive_desc(
      Primitive::desc(kInference, call.algorithm, call.source, call.destination, call.strides,
                      call.kernel, call.begin, call.end),
      attributes(), engine);
#endif
}

Description describe_softmax(const dnnl::engine& engine, const Desc& data, int axis) {
  using Primitive = dnnl::softmax_forward;
#if DNNL_VERSION_MAJOR >= 3
  return Primitive::primitive_desc(engine, kInference, dnnl::algorithm::softmax_accurate, data,
                                   data, axis, attributes());
#else
  return Primitive::primitive_desc(Primitive::desc(kInference, data, axis), attributes(), engine);
#endif
}

Description describe_layer_norm(const dnnl::engine& engine, const Desc& data, double epsilon) {
  using Primitive = dnnl::layer_normalization_forward;
  const auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
#if DNNL_VERSION_MAJOR >= 3
  return Primitive::primitive_desc(engine, kInference, data, data, static_cast<float>(epsilon),
                                   flags, attributes());
#else
  return Primitive::primitive_desc(
      Primitive::desc(kInference, data, static_cast<float>(epsilon), flags), attributes(), engine);
#endif
}

Description describe_activation(const dnnl::engine& engine, const Desc& data,
                                Activation activation) {
  return describe_eltwise(engine, data, eltwise_of(activation));
}

Description describe_scaling(const dnnl::engine& engine, const Desc& data, double scale) {
  return describe_eltwise(engine, data,
                          {dnnl::algorithm::eltwise_linear, static_cast<float>(scale), 0});
}

Description describe_binary(const dnnl::engine& engine, dnnl::algorithm algorithm,
                            const Desc& data) {
  using Primitive = dnnl::binary;
#if DNNL_VERSION_MAJOR >= 3
  return Primitive::primitive_desc(engine, algorithm, data, data, data, attributes());
#else
  return Primitive::primitive_desc(Primitive::desc(algorithm, data, data, data), attributes(),
                                   engine);
#endif
}

Description describe_concat(const dnnl::engine& engine, int axis, const std::vector<Desc>& sources,
                            const std::optional<Desc>& destination) {
  using Made = dnnl::concat::primitive_desc;
#if DNNL_VERSION_MAJOR >= 3
  if (destination) return Made(engine, *destination, axis, sources, attributes());
  return Made(engine, axis, sources, attributes());
#else
  if (destination) return Made(*destination, axis, sources, engine, attributes());
  return Made(axis, sources, engine, attributes());
#endif
}

Description describe_reorder(const dnnl::engine& engine, const Desc& from, const Desc& to) {
  return dnnl::reorder::primitive_desc(engine, from, engine, to, attributes());
}

dnnl::primitive make_primitive(const Description& description) {
  return dnnl::primitive(description.get());
}

std::string library_version() {
  const dnnl_version_t& version = *dnnl_version();
  static_assert(kIsV3 || DNNL_VERSION_MAJOR == 2, "oneDNN 2 or 3");
  const std::string threads = version.cpu_runtime == DNNL_RUNTIME_OMP   ? "OpenMP"
                              : version.cpu_runtime == DNNL_RUNTIME_TBB ? "oneTBB"
                                                                        : "no threads";
  return "oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
         std::to_string(version.patch) + ", " + threads;
}

}  // namespace batchtune::onednn
