// VGG-16, configuration D (Simonyan and Zisserman 2014), without batch norm. The flattening before
// the first matmul is in {height, width, channels} order.
#include "tuner/workload/zoo/builder.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {

Model build_vgg_16(const ZooParameters&) {
  constexpr std::int64_t kChannels[5] = {64, 128, 256, 512, 512};
  constexpr std::int64_t kConvs[5] = {2, 2, 3, 3, 3};
  ModelBuilder b("vgg-16", "configuration D, without batch norm (Simonyan and Zisserman 2014)");
  Name x = b.input("image", InputKind::values, {224, 224, 3});
  for (int stage = 0; stage < 5; ++stage) {
    const std::string number = std::to_string(stage + 1);
    for (std::int64_t i = 1; i <= kConvs[stage]; ++i)
      x = b.conv("conv" + number + "_" + std::to_string(i), x,
                 {.channels = kChannels[stage],
                  .kernel = 3,
                  .pad = 1,
                  .batch_norm = false,
                  .epilogue = biased(Activation::relu)});
    x = b.max_pool("pool" + number, x, 2, 2);
  }
  x = b.plain(OpKind::reshape, "flatten", {x});
  b.op().output = {7 * 7 * 512};  // 224 halved five times
  x = b.matmul("fc6", x, 4096, biased(Activation::relu));
  x = b.matmul("fc7", x, 4096, biased(Activation::relu));
  b.matmul("fc8", x, 1000, biased());
  return b.finish();
}

}  // namespace batchtune
