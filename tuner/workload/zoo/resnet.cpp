// Residual networks (He et al. 2015). v1.5 has the stride of a down-sampling bottleneck in its 3x3
// convolution, v1 (`stride_in_1x1=1`) in the first 1x1.
#include "tuner/workload/zoo/builder.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {
namespace {

constexpr std::int64_t kClasses = 1000;

Name stem(ModelBuilder& b) {
  const Name image = b.input("image", InputKind::values, {224, 224, 3});
  const Name conv = b.conv(
      "conv1", image,
      {.channels = 64, .kernel = 7, .stride = 2, .pad = 3, .epilogue = biased(Activation::relu)});
  return b.max_pool("pool1", conv, 3, 2, 1);
}

void head(ModelBuilder& b, const Name& x) {
  b.matmul("fc", b.plain(OpKind::global_average_pool, "pool", {x}), kClasses, biased());
}

struct Block {
  std::int64_t width, stride;
  bool project;  // the shortcut changes shape
};

Name shortcut(ModelBuilder& b, const Name& prefix, const Name& x, std::int64_t channels,
              const Block& block) {
  if (!block.project) return x;
  return b.conv(prefix + "shortcut", x, {.channels = channels, .stride = block.stride});
}

Name basic_block(ModelBuilder& b, const Name& prefix, const Name& x, const Block& block) {
  const Name side = shortcut(b, prefix, x, block.width, block);
  const Name first = b.conv(prefix + "conv1", x,
                            {.channels = block.width,
                             .kernel = 3,
                             .stride = block.stride,
                             .pad = 1,
                             .epilogue = biased(Activation::relu)});
  return b.conv(prefix + "conv2", first,
                {.channels = block.width,
                 .kernel = 3,
                 .pad = 1,
                 .epilogue = biased_residual(side, Activation::relu)});
}

constexpr std::int64_t kExpansion = 4;  // of a bottleneck's output over its width

Name bottleneck(ModelBuilder& b, const Name& prefix, const Name& x, const Block& block,
                bool stride_in_1x1) {
  const Name side = shortcut(b, prefix, x, kExpansion * block.width, block);
  const std::int64_t stride1 = stride_in_1x1 ? block.stride : 1;
  const Name reduced =
      b.conv(prefix + "conv1", x,
             {.channels = block.width, .stride = stride1, .epilogue = biased(Activation::relu)});
  const Name spatial = b.conv(prefix + "conv2", reduced,
                              {.channels = block.width,
                               .kernel = 3,
                               .stride = block.stride / stride1,
                               .pad = 1,
                               .epilogue = biased(Activation::relu)});
  return b.conv(
      prefix + "conv3", spatial,
      {.channels = kExpansion * block.width, .epilogue = biased_residual(side, Activation::relu)});
}

// Calls add(prefix, x, block) for every block of four stages and gives the last result.
template <typename AddBlock>
Name stages(Name x, const std::int64_t (&depths)[4], bool project_first, AddBlock add) {
  for (std::int64_t stage = 0; stage < 4; ++stage)
    for (std::int64_t i = 0; i < depths[stage]; ++i) {
      const Block block{.width = 64 << stage,
                        .stride = stage > 0 && i == 0 ? 2 : 1,
                        .project = i == 0 && (stage > 0 || project_first)};
      x = add("stage" + std::to_string(stage + 1) + "." + std::to_string(i) + ".", x, block);
    }
  return x;
}

}  // namespace

Model build_resnet_50(const ZooParameters& parameters) {
  const bool v1 = parameters.at("stride_in_1x1") == 1;
  ModelBuilder b("resnet-50", v1 ? "v1: stride in the first 1x1 (He et al. 2015)"
                                 : "v1.5: stride in the 3x3 (as torchvision and MLPerf)");
  head(b, stages(stem(b), {3, 4, 6, 3}, true,
                 [&](const Name& prefix, const Name& x, const Block& block) {
                   return bottleneck(b, prefix, x, block, v1);
                 }));
  return b.finish();
}

Model build_resnet_18(const ZooParameters&) {
  ModelBuilder b("resnet-18", "basic blocks (He et al. 2015)");
  head(b, stages(stem(b), {2, 2, 2, 2}, false,
                 [&](const Name& prefix, const Name& x, const Block& block) {
                   return basic_block(b, prefix, x, block);
                 }));
  return b.finish();
}

}  // namespace batchtune
