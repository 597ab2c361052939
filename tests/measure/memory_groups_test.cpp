// Programs that do not fit memory together race in groups.
#include "tuner/measure/memory_groups.h"

#include <algorithm>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

std::vector<ProgramMemory> programs(std::initializer_list<TrialId> trials, Bytes own) {
  std::vector<ProgramMemory> found;
  for (const TrialId trial : trials) found.push_back({trial, own, 0, 0, false});
  return found;
}

}  // namespace

TEST_CASE("weights that are shared count once", "[memory-groups]") {
  CHECK(memory_together({}) == 0);
  CHECK(memory_together({{1, 10, 0, 5, true}, {2, 20, 0, 5, false}}) == 40);
  CHECK(memory_together({{1, 10, 3, 5, false}, {2, 20, 3, 5, false}, {3, 1, 4, 7, false}}) == 43);
}

TEST_CASE("what fits together races together", "[memory-groups]") {
  MemoryGroups groups;
  for (int round = 0; round < 30; ++round)
    CHECK(groups.next(programs({1, 2, 3}, 10), programs({9}, 10), 40) ==
          std::set<TrialId>{1, 2, 3});
}

TEST_CASE("groups keep to the limit, stay for some rounds, and come round to everybody",
          "[memory-groups]") {
  MemoryGroups groups, same;
  const auto contenders = programs({1, 2, 3, 4, 5, 6, 7}, 10);
  std::map<TrialId, int> raced;
  std::set<TrialId> last;
  int prepared = 0;
  constexpr int kRounds = 240;
  for (int round = 0; round < kRounds; ++round) {
    const auto now = groups.next(contenders, programs({9}, 20), 50);
    CHECK(now == same.next(contenders, programs({9}, 20), 50));
    CHECK(now.size() == 3);
    for (const TrialId trial : now) {
      ++raced[trial];
      if (!last.contains(trial)) ++prepared;
    }
    last = now;
  }
  CHECK(raced.size() == 7);
  for (const auto& [trial, rounds] : raced) CHECK(std::abs(rounds - kRounds * 3 / 7) <= 16);
  CHECK(prepared <= kRounds * 3 / 8);  // each stays for eight rounds
}

TEST_CASE("a group closes up when one goes, and ends with its last one", "[memory-groups]") {
  MemoryGroups groups;
  CHECK(groups.next(programs({1, 2, 3, 4}, 10), {}, 20) == std::set<TrialId>{1, 2});
  CHECK(groups.next(programs({2, 3, 4}, 10), {}, 20) == std::set<TrialId>{2, 3});
  CHECK(groups.next(programs({4}, 10), {}, 20) == std::set<TrialId>{4});
  CHECK(groups.next({}, {}, 20).empty());
}

TEST_CASE("one that fits nowhere races alone, and is not left out", "[memory-groups]") {
  MemoryGroups groups;
  std::vector<ProgramMemory> contenders = programs({1, 2}, 10);
  contenders.push_back({3, 1000, 0, 0, false});
  std::set<TrialId> seen;
  for (int round = 0; round < 40; ++round) {
    const auto now = groups.next(contenders, programs({9}, 10), 30);
    if (now.contains(3)) CHECK(now.size() == 1);
    seen.insert(now.begin(), now.end());
  }
  CHECK(seen == std::set<TrialId>{1, 2, 3});
}

TEST_CASE("a first group takes those that are ready", "[memory-groups]") {
  auto contenders = programs({1, 2, 3, 4}, 10);
  contenders[1].ready = contenders[3].ready = true;
  MemoryGroups groups;
  for (int round = 0; round < 8; ++round)
    CHECK(groups.next(contenders, {}, 20) == std::set<TrialId>{2, 4});
  CHECK(groups.next(contenders, {}, 20) == std::set<TrialId>{1, 3});
}
