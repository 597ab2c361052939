// Work and memory counts of a model, per sample: what the estimate and the reports are made of.
#pragma once

#include <vector>

#include "tuner/core/session.h"
#include "tuner/workload/model.h"

namespace batchtune {

// Of one operation for one sample. A multiply-add is 2 FLOP; data movement and reshape have none.
struct OpWork {
  double flops = 0;
  double weight_elements =
      0;  // read once per run, whatever the batch (matrices, filters, biases, tables)
  double weight_reads =
      0;  // elements of weights really read per run: < weight_elements for embedding
  double input_elements = 0;  // activations read, residual included
  double output_elements = 0;  // written to memory: none by what is fused
  bool product = false;  // matrix arithmetic, of activations as well
  bool dense = false;    // a product with weights: counts towards the dense figures
  double dense_weights = 0;         // without biases
  double published_parameters = 0;  // before folding: bias or batch-norm gain and bias included
};

OpWork work_of(const Model& model, const Op& op);
ModelSummary summarise(const Model& model);

}  // namespace batchtune
