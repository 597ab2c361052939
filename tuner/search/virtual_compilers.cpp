// See virtual_compilers.h.
#include "tuner/search/virtual_compilers.h"

#include <algorithm>

#include "tuner/core/compiling.h"

namespace batchtune {

void VirtualCompilers::know(const Candidate& candidate) {
  ready_.emplace(program_of(candidate), 0);
}

void VirtualCompilers::begin(const Candidate& candidate, Seconds takes, Seconds now) {
  const auto [program, is_new] = ready_.emplace(program_of(candidate), 0);
  if (!is_new) return;
  const auto first = std::min_element(free_.begin(), free_.end());
  *first = program->second = std::max(now, *first) + takes;
  ++begun_;
}

Seconds VirtualCompilers::wait(const Candidate& candidate, Seconds takes, Seconds now) {
  begin(candidate, takes, now);
  return std::max<Seconds>(0, ready_.at(program_of(candidate)) - now);
}

std::vector<std::int64_t> VirtualCompilers::ready(const CandidateGroup& group, Seconds now) const {
  std::vector<std::int64_t> batches;
  const CandidateGroup wanted = program_of({group, 1}).group;
  for (const auto& [program, when] : ready_)
    if (program.group == wanted && when <= now) batches.push_back(program.batch);
  return batches;
}

}  // namespace batchtune
