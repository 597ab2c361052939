#include "tuner/core/candidate.h"

namespace batchtune {

std::string to_string(const CandidateGroup& group) {
  std::string text(name_of(group.dtype));
  if (!group.backend.empty())  // a catalogue device has no threads
    text = group.backend + " " + text + ", " +
           (group.instances > 1 ? std::to_string(group.instances) + " x " : "") +
           std::to_string(group.threads) + (group.threads == 1 ? " thread" : " threads");
  if (group.cores > 1) text += ", " + std::to_string(group.cores) + " cores";
  if (!group.variant.empty()) text += ", " + group.variant;
  if (group.compiled_batch > 0) text += ", compiled for " + std::to_string(group.compiled_batch);
  for (const auto& [name, size] : group.dims) text += ", " + name + "=" + std::to_string(size);
  return text;
}

std::string to_string(const Candidate& candidate) {
  return to_string(candidate.group) + ", batch " + std::to_string(candidate.batch);
}

}  // namespace batchtune
