// MobileNet-V2, width 1.0 (Sandler et al. 2018): inverted residuals with linear bottlenecks.
#include "tuner/workload/zoo/builder.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {
namespace {

struct BottleneckStage {
  std::int64_t expansion, channels, repeats, stride;
};
// Table 2 of the paper.
constexpr BottleneckStage kBottleneckStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

Name inverted_residual(ModelBuilder& b, const Name& prefix, Name x, std::int64_t in_channels,
                       const BottleneckStage& stage, std::int64_t stride) {
  const Name residual = stride == 1 && in_channels == stage.channels ? x : "";
  const std::int64_t width = in_channels * stage.expansion;
  if (stage.expansion != 1)
    x = b.conv(prefix + "expand", x, {.channels = width, .epilogue = biased(Activation::relu6)});
  x = b.conv(prefix + "depthwise", x,
             {.channels = width,
              .kernel = 3,
              .stride = stride,
              .pad = 1,
              .groups = width,
              .epilogue = biased(Activation::relu6)});
  return b.conv(prefix + "project", x,
                {.channels = stage.channels, .epilogue = biased_residual(residual)});
}

}  // namespace

Model build_mobilenet_v2(const ZooParameters&) {
  ModelBuilder b("mobilenet-v2", "width 1.0, 224 x 224 (Sandler et al. 2018)");
  Name x = b.input("image", InputKind::values, {224, 224, 3});
  std::int64_t channels = 32;
  x = b.conv("stem", x,
             {.channels = channels,
              .kernel = 3,
              .stride = 2,
              .pad = 1,
              .epilogue = biased(Activation::relu6)});
  int block = 0;
  for (const BottleneckStage& stage : kBottleneckStages)
    for (std::int64_t i = 0; i < stage.repeats; ++i) {
      x = inverted_residual(b, "block" + std::to_string(++block) + ".", x, channels, stage,
                            i == 0 ? stage.stride : 1);
      channels = stage.channels;
    }
  x = b.conv("head", x, {.channels = 1280, .epilogue = biased(Activation::relu6)});
  b.matmul("fc", b.plain(OpKind::global_average_pool, "pool", {x}), 1000, biased());
  return b.finish();
}

}  // namespace batchtune
