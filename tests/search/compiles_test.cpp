// Where each batch takes a compiler minutes: what counts, which few batches are chosen, what goes on
// in the background, and how a search ends.
#include "tuner/search/compiles.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/search/scripted_measurer.h"
#include "tests/search/walk.h"
#include "tests/support/catch.h"
#include "tests/support/compiled_curves.h"
#include "tuner/search/compile_plan.h"
#include "tuner/search/driver.h"
#include "tuner/search/replay.h"
#include "tuner/search/sparse_scan.h"
#include "tuner/statistics/location.h"

using namespace batchtune;

namespace {

using Batches = std::vector<std::int64_t>;

Problem counted_problem(int most, bool elsewhere = true) {
  Problem problem = test_problem(8);
  problem.most_compiles = most;
  problem.compiles_elsewhere = elsewhere;
  return problem;
}

Preparation prepared(std::int64_t batch, std::optional<Seconds> waited, Batches compiled = {}) {
  Preparation preparation;
  preparation.trial = 1;
  preparation.candidate = {test_group(), batch};
  preparation.prepare_seconds = waited.value_or(0) + 1;
  preparation.first_run = 0.01;
  preparation.compile_seconds = waited;
  preparation.compiled = std::move(compiled);
  return preparation;
}

Candidate candidate(std::int64_t batch) {
  return {test_group(), batch};
}

// All batches that a search by few compilations looks at, in order.
Batches walk(ScanRange range, int compilations, const std::function<double(std::int64_t)>& rate) {
  const auto next = [&](const std::vector<ScanPoint>& points) -> std::optional<std::int64_t> {
    const int left = compilations - static_cast<int>(points.size());
    return left > 0 ? next_of_few(range, points, left) : std::nullopt;
  };
  return batchtune::walk(next, rate);
}

ScanRange range_from(std::int64_t seed, std::int64_t largest = 1 << 20) {
  ScanRange range;
  range.seed = seed;
  range.largest = largest;
  return range;
}

// What a strategy asked of a replayed device, in order.
class Watched final : public Measurer {
 public:
  explicit Watched(const TableGroup& tables, const ReplayCompilers& compilers)
      : inner(tables, 1, compilers) {}
  Result<Observation> prepare(TrialId trial, const Candidate& candidate) override {
    prepared.push_back(candidate.batch);
    return inner.prepare(trial, candidate);
  }
  Result<Observation> run_round(const RoundRequest& request) override {
    return inner.run_round(request);
  }
  Result<Observation> probe(const ProbeRequest& request) override {
    probed.insert(request.candidate.batch);
    return inner.probe(request);
  }
  void release(TrialId trial) override { inner.release(trial); }
  void compile_ahead(const Candidate& candidate) override {
    ahead.push_back(candidate.batch);
    if (prepared.empty()) before_the_first.push_back(candidate.batch);
    inner.compile_ahead(candidate);
  }

  ReplayMeasurer inner;
  Batches prepared, ahead, before_the_first;
  std::set<std::int64_t> probed;
};

Problem settings_for(int most, bool elsewhere) {
  Problem settings;
  settings.most_compiles = most;
  settings.compiles_elsewhere = elsewhere;
  return settings;
}

struct Search {
  DriverEnd end;
  SessionRecord record;
};

Search search(const char* strategy, const TableGroup& tables, const Problem& settings,
              Measurer& measurer, std::vector<Observation> before = {}) {
  const auto problem = problem_of(tables, settings);
  REQUIRE(problem);
  Search result;
  result.record.observations = std::move(before);
  for (const StrategyEntry& entry : strategies()) {
    if (entry.name != std::string_view(strategy)) continue;
    const auto made = entry.create(*problem, 1);
    const auto end = drive(*made, measurer, result.record, {});
    REQUIRE(end);
    result.end = *end;
  }
  return result;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a compilation counts once, whoever waited for it", "[search][compiles]") {
  Compiles compiles(counted_problem(3));
  CHECK(compiles.tell(prepared(1, 240, {4})) == 240);
  CHECK(compiles.used() == 1);
  CHECK(compiles.is_paid(candidate(4)));  // found compiled
  CHECK(compiles.tell(prepared(4, 0)) == 0);
  CHECK(compiles.used() == 1);
  compiles.begin_ahead(candidate(8));
  CHECK(compiles.used() == 2);
  CHECK(compiles.pending() == 1);
  CHECK(compiles.tell(prepared(8, 0)) == 0);  // it was ready
  CHECK(compiles.used() == 2);
  CHECK(compiles.pending() == 0);
  CHECK(compiles.tell(prepared(8, 0)) == 0);  // again, after it was given back
  CHECK(compiles.left() == 1);
  CHECK(compiles.expected_wait(candidate(16)) == 240);
  CHECK(compiles.expected_wait(candidate(8)) == 0);
  CHECK(compiles.paid(test_group()) == Batches{1, 4, 8});
}

TEST_CASE("what was begun before it could be told to be compiled costs nothing",
          "[search][compiles]") {
  Compiles compiles(counted_problem(3));
  compiles.begin_ahead(candidate(8));
  compiles.begin_ahead(candidate(32));
  CHECK(compiles.used() == 2);
  (void)compiles.tell(prepared(1, 240, {8}));
  CHECK(compiles.used() == 2);  // 32 and 1
  CHECK_FALSE(compiles.is_pending(candidate(8)));
}

TEST_CASE("a compilation that runs out of memory counts, with all it took", "[search][compiles]") {
  Compiles compiles(counted_problem(3));
  (void)compiles.tell(prepared(1, 240));
  Preparation failed = prepared(64, std::nullopt);
  failed.prepare_seconds = 200;
  failed.first_run.reset();
  failed.ending = {TrialStatus::out_of_memory, "does not fit", "NCC_EOOM001", "compile"};
  CHECK(compiles.tell(failed) == 200);
  CHECK(compiles.used() == 2);
}

TEST_CASE("a backend that compiles nothing is not counted", "[search][compiles]") {
  Compiles compiles(counted_problem(1));
  CHECK(compiles.counted(test_group()));  // nothing is known yet
  CHECK(compiles.tell(prepared(1, std::nullopt)) == 0);
  CHECK_FALSE(compiles.counted(test_group()));
  CHECK(compiles.may_prepare(candidate(2)));
  CHECK(compiles.used() == 0);
}

TEST_CASE("groups that differ in instances alone run the same programs until one shows otherwise",
          "[search][compiles]") {
  Compiles compiles(counted_problem(6));
  (void)compiles.tell(prepared(8, 240));
  Preparation two = prepared(8, 0);
  two.candidate.group.instances = 2;
  CHECK(compiles.is_paid(two.candidate));
  (void)compiles.tell(two);
  CHECK(compiles.used() == 1);
  Preparation four = two;
  four.candidate.group.instances = 4;
  four.compile_seconds = 240;
  (void)compiles.tell(four);
  CHECK(compiles.used() == 2);
  Candidate other = four.candidate;
  other.group.instances = 3;
  CHECK_FALSE(compiles.is_paid(other));

  Candidate bf16 = candidate(8);
  bf16.group.dtype = DType::bf16;
  CHECK_FALSE(compiles.is_paid(bf16));
}

TEST_CASE("seconds waited for a compiler are none of the racing budget", "[search][compiles]") {
  Ledger ledger(counted_problem(6));
  ledger.number(candidate(8));
  Observation observation;
  observation.what = prepared(8, 240);
  observation.device_time = 241;
  ledger.tell(observation);
  CHECK(ledger.racing_spent() == 1);
}

TEST_CASE("few batches: the smallest, the seed, far steps up while it grows, then the middle",
          "[search][sparse]") {
  const auto saturating = [](std::int64_t b) {
    const auto batch = static_cast<double>(b);
    return batch / (1 + batch / 20);
  };
  Batches rising = walk(range_from(4), 6, saturating);
  REQUIRE(rising.size() == 6);
  CHECK(rising.back() == 512);  // the last one is no leap
  rising.pop_back();
  CHECK(rising == Batches{1, 4, 16, 64, 256});
  const Batches near_a_wall = walk(range_from(4, 70), 6, saturating);
  CHECK(*std::max_element(near_a_wall.begin(), near_a_wall.end()) <= 70);

  const auto hump = [](std::int64_t b) {
    const auto batch = static_cast<double>(b);
    return batch / (1 + batch / 20 + batch * batch / 400);
  };
  const Batches order = walk(range_from(4), 6, hump);  // the best is 20
  CHECK(std::any_of(order.begin(), order.end(),
                    [](std::int64_t batch) { return batch > 16 && batch < 64; }));
}

TEST_CASE("few batches of a flat curve end early", "[search][sparse]") {
  CHECK(walk(range_from(8), 6, [](std::int64_t) { return 100.0; }).size() <= 4);
}

TEST_CASE("few batches: an end of memory is approached from below", "[search][sparse]") {
  const auto wall = [](std::int64_t b) {
    const auto batch = static_cast<double>(b);
    return b > 40 ? 0 : batch / (1 + batch / 100);
  };
  const Batches order = walk(range_from(4), 6, wall);
  CHECK(order.size() == 6);
  const std::int64_t largest = *std::max_element(
      order.begin(), order.end(),
      [](std::int64_t a, std::int64_t b) { return (a > 40 ? 0 : a) < (b > 40 ? 0 : b); });
  CHECK(largest >= 24);
  CHECK(std::count_if(order.begin(), order.end(), [](std::int64_t b) { return b > 40; }) <= 2);
}

TEST_CASE("few batches stay within those that are allowed", "[search][sparse]") {
  const Batches allowed{2, 5, 7, 30, 33};
  ScanRange range = range_from(4);
  range.smallest = 2;
  range.allowed = allowed;
  for (const std::int64_t batch :
       walk(range, 6, [](std::int64_t b) { return static_cast<double>(b); }))
    CHECK(std::binary_search(allowed.begin(), allowed.end(), batch));
}

TEST_CASE("every strategy that chooses keeps the budget of compilations", "[search][compiles]") {
  for (const std::string_view model : {"bert-large", "mobilenet-v2"}) {
    const TableGroup tables = compiled_table(model, 3);
    for (const StrategyEntry& entry : strategies()) {
      if (entry.name == "exhaustive") continue;
      for (const int most : {2, 6}) {
        INFO(model << ", " << entry.name << ", " << most);
        Watched measurer(tables, {});
        const Search found =
            search(entry.name.data(), tables, settings_for(most, true), measurer);
        CHECK(measurer.inner.compiled() <= most);
        CHECK(found.end.end != SessionEnd::failed);
        if (most == 2) {
          CHECK(found.end.end == SessionEnd::budget);
          CHECK(mentions(found.end.reason, "2 compilations used"));
        }
        for (const std::int64_t batch : measurer.probed)  // memory of what is compiled alone
          CHECK(std::find(measurer.prepared.begin(), measurer.prepared.end(), batch) !=
                measurer.prepared.end());
      }
    }
  }
}

TEST_CASE("the next likely batches are compiled in the background, where that disturbs nothing",
          "[search][compiles]") {
  const TableGroup tables = compiled_table("resnet-50", 1);
  for (const char* strategy : {"doubling", "adaptive"}) {
    INFO(strategy);
    Watched apart(tables, {3, {}});
    const Search quick = search(strategy, tables, settings_for(6, true), apart);
    CHECK(apart.before_the_first.size() == 3);  // the first one, and two beside it
    CHECK(apart.before_the_first.front() == apart.prepared.front());
    for (const std::int64_t batch : apart.ahead)
      CHECK(std::count(apart.ahead.begin(), apart.ahead.end(), batch) == 1);

    Watched together(tables, {3, {}});
    const Search slow = search(strategy, tables, settings_for(6, false), together);
    CHECK(together.ahead.empty());
    const auto waited = [](const Search& search) {
      Seconds seconds = 0;
      for (const Observation& observation : search.record.observations)
        if (const auto* preparation = std::get_if<Preparation>(&observation.what))
          seconds += preparation->compile_seconds.value_or(0);
      return seconds;
    };
    CHECK(waited(quick) < 0.7 * waited(slow));
  }
}

TEST_CASE("what is compiled already comes first and costs no compilation", "[search][compiles]") {
  const TableGroup tables = compiled_table("bert-base", 2);
  Watched measurer(tables, {2, {1, 4, 8}});
  const Search found = search("doubling", tables, settings_for(2, false), measurer);
  CHECK(measurer.inner.compiled() <= 2);
  REQUIRE(measurer.prepared.size() >= 4);
  CHECK(std::set(measurer.prepared.begin(), measurer.prepared.begin() + 3) ==
        std::set<std::int64_t>{1, 4, 8});
}

TEST_CASE("a session that compiles ahead is resumed from every prefix", "[search][compiles]") {
  const TableGroup tables = compiled_table("vit-b-16", 1);
  const Problem settings = settings_for(6, true);
  Watched measurer(tables, {2, {}});
  const Search whole = search("doubling", tables, settings, measurer);
  const auto& all = whole.record.observations;
  for (std::size_t prefix = 1; prefix <= all.size(); prefix += 3) {
    INFO("prefix " << prefix);
    const std::vector<Observation> before(all.begin(),
                                          all.begin() + static_cast<std::ptrdiff_t>(prefix));
    // What was prepared is compiled; what was begun in the background is lost, and waited for.
    Batches compiled;
    for (const Observation& observation : before)
      if (const auto* preparation = std::get_if<Preparation>(&observation.what))
        compiled.push_back(preparation->candidate.batch);
    Watched resumed(tables, {2, compiled});
    const Search again = search("doubling", tables, settings, resumed, before);
    CHECK(again.end.reason == whole.end.reason);
    CHECK(again.record.observations.size() == all.size());
  }
}

TEST_CASE("six compilations find nearly what all powers of two do, in less than half of the time",
          "[search][compiles]") {
  std::vector<double> saved, regret, swept;
  for (const std::string_view model : compiled_models())
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const TableGroup tables = compiled_table(model, seed);
      Problem powers = settings_for(0, false), counted = settings_for(6, true);
      powers.wishes.objective = counted.wishes.objective = Objective::throughput;
      for (std::int64_t batch = 1; batch <= 1024; batch *= 2) powers.batches.push_back(batch);
      const auto sweep = replay(tables, powers, "exhaustive", 1, {1, {}});
      const auto few = replay(tables, counted, "doubling", 1, {2, {}});
      REQUIRE(sweep);
      REQUIRE(few);
      CHECK(few->compiled <= 6);
      saved.push_back(few->virtual_seconds / sweep->virtual_seconds);
      regret.push_back(few->regret);
      swept.push_back(sweep->regret);
    }
  CHECK(median(saved) < 0.5);
  CHECK(median(regret) <= median(swept) + 0.01);
  CHECK(median(regret) <= 0.02);
}
