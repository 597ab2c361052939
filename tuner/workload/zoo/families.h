// One function per family of the zoo; zoo.cpp has the table. Parameters are complete and in range.
#pragma once

#include "tuner/workload/zoo.h"

namespace batchtune {

Model build_bert_large(const ZooParameters& parameters);
Model build_bert_base(const ZooParameters& parameters);
Model build_resnet_50(const ZooParameters& parameters);
Model build_resnet_18(const ZooParameters& parameters);
Model build_vgg_16(const ZooParameters& parameters);
Model build_mobilenet_v2(const ZooParameters& parameters);
Model build_shufflenet_v2(const ZooParameters& parameters);
Model build_squeezenet(const ZooParameters& parameters);
Model build_mlp(const ZooParameters& parameters);
Model build_llama_1b_decode(const ZooParameters& parameters);

}  // namespace batchtune
