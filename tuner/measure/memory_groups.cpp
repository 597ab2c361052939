#include "tuner/measure/memory_groups.h"

#include <algorithm>
#include <tuple>

namespace batchtune {
namespace {

// Preparing a group again costs a second or so for each program, a round up to two: with eight
// rounds the preparations stay a small part, and each member gets several rounds with the others.
constexpr int kRoundsOfGroup = 8;

}  // namespace

Bytes memory_together(const std::vector<ProgramMemory>& programs) {
  Bytes sum = 0;
  std::map<int, Bytes> shared;
  for (const ProgramMemory& program : programs) {
    sum += program.own;
    if (program.shared_by == 0)
      sum += program.shared;
    else
      shared[program.shared_by] = std::max(shared[program.shared_by], program.shared);
  }
  for (const auto& [load, bytes] : shared) sum += bytes;
  return sum;
}

std::set<TrialId> MemoryGroups::next(const std::vector<ProgramMemory>& contenders,
                                     const std::vector<ProgramMemory>& anchor, Bytes limit) {
  const auto in_group = [&](const ProgramMemory& program) {
    return group_.contains(program.trial);
  };
  const bool over =
      rounds_left_ <= 0 || std::none_of(contenders.begin(), contenders.end(), in_group);
  if (over) {
    group_.clear();
    rounds_left_ = kRoundsOfGroup;
  }
  // Who is in the group first, then who has waited longest and raced least.
  std::vector<ProgramMemory> order = contenders;
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    return std::tuple(!in_group(a), raced_[a.trial], !a.ready) <
           std::tuple(!in_group(b), raced_[b.trial], !b.ready);
  });
  std::vector<ProgramMemory> racing = anchor;
  group_.clear();
  for (const ProgramMemory& program : order) {
    racing.push_back(program);
    if (group_.empty() || memory_together(racing) <= limit)
      group_.insert(program.trial);
    else
      racing.pop_back();
  }
  ++round_;
  --rounds_left_;
  for (const TrialId trial : group_) raced_[trial] = {round_, raced_[trial].rounds + 1};
  return group_;
}

}  // namespace batchtune
