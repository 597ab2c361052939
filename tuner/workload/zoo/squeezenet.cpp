// SqueezeNet 1.1 (Iandola et al. 2016; 1.1 is the authors' later, cheaper variant): fire modules.
#include "tuner/workload/zoo/builder.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {
namespace {

Name conv(ModelBuilder& b, const Name& name, const Name& x, std::int64_t channels,
          std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  return b.conv(name, x,
                {.channels = channels,
                 .kernel = kernel,
                 .stride = stride,
                 .pad = pad,
                 .batch_norm = false,
                 .epilogue = biased(Activation::relu)});
}

Name fire(ModelBuilder& b, int number, const Name& x, std::int64_t squeeze, std::int64_t expand) {
  const std::string prefix = "fire" + std::to_string(number) + ".";
  const Name s = conv(b, prefix + "squeeze", x, squeeze, 1, 1, 0);
  const Name narrow = conv(b, prefix + "expand1x1", s, expand, 1, 1, 0);
  const Name wide = conv(b, prefix + "expand3x3", s, expand, 3, 1, 1);
  b.plain(OpKind::concat, prefix + "concat", {narrow, wide});
  b.op().axis = 2;
  return prefix + "concat";
}

}  // namespace

Model build_squeezenet(const ZooParameters&) {
  ModelBuilder b("squeezenet", "1.1, 224 x 224 (Iandola et al. 2016)");
  Name x = conv(b, "conv1", b.input("image", InputKind::values, {224, 224, 3}), 64, 3, 2, 0);
  x = b.max_pool("pool1", x, 3, 2);
  x = fire(b, 2, x, 16, 64);
  x = fire(b, 3, x, 16, 64);
  x = b.max_pool("pool3", x, 3, 2);
  x = fire(b, 4, x, 32, 128);
  x = fire(b, 5, x, 32, 128);
  x = b.max_pool("pool5", x, 3, 2);
  x = fire(b, 6, x, 48, 192);
  x = fire(b, 7, x, 48, 192);
  x = fire(b, 8, x, 64, 256);
  x = fire(b, 9, x, 64, 256);
  x = conv(b, "conv10", x, 1000, 1, 1, 0);
  b.plain(OpKind::global_average_pool, "pool10", {x});
  return b.finish();
}

}  // namespace batchtune
