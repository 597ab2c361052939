// Whether backends compute the same: the output of sample 0 at batch 1 of each, held against the first that was seen.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "tuner/core/candidate.h"

namespace batchtune {

// What becomes of a backend whose output differs from another's: nothing is compared (off), it is told (warn), or its
// programs are wrong_result (strict). Of two backends the milder one counts.
enum class OutputCheck { off, warn, strict };
std::string_view name_of(OutputCheck check);

// Of the largest difference that outputs of one sample may have, relative to the largest magnitude: 0.1 % in f32, 5 %
// in 16 bits, 20 % in 8 bits, where rounding adds up from layer to layer.
double output_tolerance_of(DType dtype);

struct OutputNotice {
  CandidateGroup group, against;
  double error = 0;    // largest difference over the largest magnitude of `against`; infinite where sizes differ
  double allowed = 0;  // by the coarser of the two data types
  bool agree() const { return error <= allowed; }
};

// The outputs of one session, one for each backend, data type and variant.
class BackendOutputs {
 public:
  // `output` must not be empty. Held against the first one of the same data type, else of any; nullopt: it is the
  // first, or there is one of its backend, data type and variant already.
  std::optional<OutputNotice> add(const CandidateGroup& group, std::vector<float> output);

 private:
  struct Known {
    CandidateGroup group;
    std::vector<float> output;
  };
  std::vector<Known> known_;
};

}  // namespace batchtune
