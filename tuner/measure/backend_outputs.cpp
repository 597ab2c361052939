#include "tuner/measure/backend_outputs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tuner/measure/output_check.h"

namespace batchtune {

std::string_view name_of(OutputCheck check) {
  switch (check) {
    case OutputCheck::off:
      return "off";
    case OutputCheck::warn:
      return "warn";
    case OutputCheck::strict:
      return "strict";
  }
  return "?";
}

double output_tolerance_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 1e-3;
    case DType::tf32:
    case DType::bf16:
    case DType::f16:
      return 0.05;
    case DType::fp8:
    case DType::int8:
      return 0.2;
  }
  return 0;
}

std::optional<OutputNotice> BackendOutputs::add(const CandidateGroup& group,
                                                std::vector<float> output) {
  const Known* against = nullptr;
  for (const Known& known : known_) {
    const bool same_type = known.group.dtype == group.dtype;
    if (same_type && known.group.backend == group.backend && known.group.variant == group.variant)
      return std::nullopt;
    if (against == nullptr || (same_type && against->group.dtype != group.dtype)) against = &known;
  }
  std::optional<OutputNotice> notice;
  if (against != nullptr)
    notice = OutputNotice{
        group, against->group, relative_difference(against->output, output),
        std::max(output_tolerance_of(group.dtype), output_tolerance_of(against->group.dtype))};
  known_.push_back({group, std::move(output)});
  return notice;
}

}  // namespace batchtune
