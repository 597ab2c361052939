// The weights of a model in the formats that primitives ask for: made when first asked for, shared
// by all programs whose formats agree. A copy that no program uses any more is kept for the next
// one, and given up when the account runs out: so what a program needs is what it uses, exactly.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tuner/backend/cpu/account.h"
#include "tuner/backend/onednn/lanes.h"
#include "tuner/backend/onednn/primitives.h"
#include "tuner/workload/weight_values.h"

namespace batchtune::onednn {

dnnl::memory::data_type type_of(DType dtype);  // f32 or bf16

// One weight tensor in one format.
struct WeightCopy {
  Desc desc;
  cpu::AccountedBuffer buffer;
};
using SharedWeight = std::shared_ptr<const WeightCopy>;

class WeightStore {
 public:
  // All outlive the store. `lanes`: of the whole group, for making values.
  WeightStore(const Model& model, DType dtype, const WeightValues& values,
              const dnnl::engine& engine, cpu::Account& account, Lanes& lanes);

  // Of `op` in the format `wanted`. out_of_memory where the account refuses it even without the
  // copies that nobody uses.
  Outcome<SharedWeight> get(OpIndex op, WeightRole role, const Desc& wanted);

  // Memory of the account, for which copies that nobody uses are given up where they must.
  Outcome<cpu::AccountedBuffer> allocate(Bytes bytes, const std::string& what);
  // Whether allocate() would do so, of the account.
  Outcome<void> allows(Bytes bytes, const std::string& what);

 private:
  struct Entry {
    OpIndex op;
    WeightRole role;
    SharedWeight weight;
  };

  bool give_up_unused();  // true: there were some
  void fill_plain(const Op& op, WeightRole role, std::int64_t count, DType dtype, void* to) const;
  Outcome<void> make(const Op& op, WeightRole role, const WeightCopy& copy) const;

  const Model& model_;
  DType dtype_;
  const WeightValues& values_;
  const dnnl::engine& engine_;
  cpu::Account& account_;
  Lanes& lanes_;
  std::vector<Entry> entries_;
};

// The format in which values are made: as weights.h lays them out, f32 (tables: `dtype`).
Desc plain_weight(const Model& model, const Op& op, WeightRole role, DType dtype);

}  // namespace batchtune::onednn
