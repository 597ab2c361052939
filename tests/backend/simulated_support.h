// What the tests of the simulated accelerators share.
#pragma once

#include <string>
#include <utility>

#include "tests/support/catch.h"
#include "tuner/backend/simulated/accelerator.h"
#include "tuner/backend/simulated/parameters.h"
#include "tuner/core/candidate.h"
#include "tuner/workload/model.h"
#include "tuner/workload/zoo.h"

namespace batchtune::test {

inline Model zoo_model(const std::string& name) {
  auto model = build_zoo_model(name);
  REQUIRE(model);
  return std::move(*model);
}

// One product of [1, inner] a sample with weights [inner, columns].
inline Model one_product(std::int64_t inner, std::int64_t columns) {
  Model model;
  model.name = "product";
  model.ops.resize(2);
  model.ops[0].name = "input";
  model.ops[0].kind = OpKind::input;
  model.ops[0].output = {inner};
  model.ops[1].name = "product";
  model.ops[1].kind = OpKind::matmul;
  model.ops[1].inputs = {"input"};
  model.ops[1].inner = inner;
  model.ops[1].columns = columns;
  model.output = "product";
  REQUIRE(infer_shapes(model));
  return model;
}

inline const simulated::Accelerator& accelerator(const std::string& name) {
  const simulated::Accelerator* found = simulated::find_accelerator(name);
  REQUIRE(found != nullptr);
  return *found;
}

inline Candidate on_device(std::int64_t batch, int instances = 1, int cores = 1,
                           DType dtype = DType::bf16) {
  Candidate candidate;
  candidate.group.backend = "simulated";
  candidate.group.dtype = dtype;
  candidate.group.instances = instances;
  candidate.group.cores = cores;
  candidate.batch = batch;
  return candidate;
}

}  // namespace batchtune::test
