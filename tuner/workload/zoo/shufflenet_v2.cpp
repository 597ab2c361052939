// ShuffleNet-V2 1.0x (Ma et al. 2018): channel split, depthwise convolutions, concat and channel
// shuffle.
#include "tuner/workload/zoo/builder.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {
namespace {

Name pointwise(ModelBuilder& b, const Name& name, const Name& x, std::int64_t channels) {
  return b.conv(name, x, {.channels = channels, .epilogue = biased(Activation::relu)});
}

Name depthwise(ModelBuilder& b, const Name& name, const Name& x, std::int64_t channels,
               std::int64_t stride) {
  return b.conv(
      name, x, {.channels = channels, .kernel = 3, .stride = stride, .pad = 1, .groups = channels});
}

Name half(ModelBuilder& b, const Name& name, const Name& x, std::int64_t begin, std::int64_t end) {
  b.plain(OpKind::slice, name, {x});
  b.op().axis = 2;
  b.op().begin = begin;
  b.op().end = end;
  return name;
}

// {h, w, [left, right]} -> channels of both taken in turn.
Name join_and_shuffle(ModelBuilder& b, const Name& prefix, const Name& left, const Name& right,
                      std::int64_t side, std::int64_t channels) {
  const Name joined = b.plain(OpKind::concat, prefix + "concat", {left, right});
  b.op().axis = 2;
  const Name turned = b.plain(OpKind::transpose, prefix + "transpose", {joined});
  b.op().split = {side, side, 2, channels / 2};
  b.op().permutation = {0, 1, 3, 2};
  b.plain(OpKind::reshape, prefix + "shuffle", {turned});
  b.op().output = {side, side, channels};
  return prefix + "shuffle";
}

// `side` is that of the output.
Name unit(ModelBuilder& b, const Name& prefix, const Name& x, std::int64_t side,
          std::int64_t channels) {
  const std::int64_t h = channels / 2;
  const Name kept = half(b, prefix + "left", x, 0, h);
  const Name first = pointwise(b, prefix + "conv1", half(b, prefix + "right", x, h, channels), h);
  const Name middle = depthwise(b, prefix + "depthwise", first, h, 1);
  return join_and_shuffle(b, prefix, kept, pointwise(b, prefix + "conv2", middle, h), side,
                          channels);
}

Name down_unit(ModelBuilder& b, const Name& prefix, const Name& x, std::int64_t in_channels,
               std::int64_t side, std::int64_t channels) {
  const std::int64_t h = channels / 2;
  const Name left = depthwise(b, prefix + "left.depthwise", x, in_channels, 2);
  const Name left_out = pointwise(b, prefix + "left.conv", left, h);
  const Name right = depthwise(b, prefix + "depthwise", pointwise(b, prefix + "conv1", x, h), h, 2);
  const Name right_out = pointwise(b, prefix + "conv2", right, h);
  return join_and_shuffle(b, prefix, left_out, right_out, side, channels);
}

struct UnitStage {
  std::int64_t channels, units, side;
};
constexpr UnitStage kUnitStages[] = {{116, 4, 28}, {232, 8, 14}, {464, 4, 7}};

}  // namespace

Model build_shufflenet_v2(const ZooParameters&) {
  ModelBuilder b("shufflenet-v2", "1.0x, 224 x 224 (Ma et al. 2018)");
  std::int64_t channels = 24;
  Name x = b.conv("stem", b.input("image", InputKind::values, {224, 224, 3}),
                  {.channels = channels,
                   .kernel = 3,
                   .stride = 2,
                   .pad = 1,
                   .epilogue = biased(Activation::relu)});
  x = b.max_pool("stem.pool", x, 3, 2, 1);
  int number = 2;  // the paper's stages begin at 2
  for (const UnitStage& stage : kUnitStages) {
    const std::string prefix = "stage" + std::to_string(number++) + ".";
    x = down_unit(b, prefix + "0.", x, channels, stage.side, stage.channels);
    channels = stage.channels;
    for (std::int64_t i = 1; i < stage.units; ++i)
      x = unit(b, prefix + std::to_string(i) + ".", x, stage.side, channels);
  }
  x = pointwise(b, "head", x, 1024);
  b.matmul("fc", b.plain(OpKind::global_average_pool, "pool", {x}), 1000, biased());
  return b.finish();
}

}  // namespace batchtune
