// --max-compiles, and what devices that compile elsewhere mean for a search.
#include "tuner/cli/compile_limits.h"

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

SessionHeader header_of(std::vector<bool> elsewhere) {
  SessionHeader header;
  header.command = "tune";
  header.strategy = "doubling";
  for (const bool each : elsewhere) {
    header.devices.emplace_back();
    header.devices.back().compiles_elsewhere = each;
  }
  return header;
}

Problem problem_for(const TuningRequest& request, const SessionHeader& header) {
  Problem problem;
  apply_compile_settings(compile_settings(request, header), problem);
  return problem;
}

}  // namespace

TEST_CASE("compilations are limited by default where a compiler works elsewhere", "[cli]") {
  const Problem apart = problem_for({}, header_of({true}));
  CHECK(apart.most_compiles == kDefaultCompiles);
  CHECK(apart.compiles_elsewhere);
  const Problem mixed = problem_for({}, header_of({true, false}));
  CHECK(mixed.most_compiles == kDefaultCompiles);
  CHECK_FALSE(mixed.compiles_elsewhere);  // of all, or measuring the other is disturbed
  const Problem plain = problem_for({}, header_of({false}));
  CHECK(plain.most_compiles == 0);
  CHECK_FALSE(plain.compiles_elsewhere);
}

TEST_CASE("a typed limit of compilations holds, and none lifts it", "[cli]") {
  TuningRequest request;
  request.max_compiles = 3;
  CHECK(problem_for(request, header_of({true})).most_compiles == 3);
  CHECK(problem_for(request, header_of({false})).most_compiles == 3);
  request.max_compiles = 0;
  const Problem free = problem_for(request, header_of({true}));
  CHECK(free.most_compiles == 0);
  CHECK(free.compiles_elsewhere);
}

TEST_CASE("batches that are given are not limited by compilations", "[cli]") {
  SessionHeader header = header_of({true});
  header.strategy = "exhaustive";
  CHECK(compile_settings({}, header).empty());
}

TEST_CASE("the limit of compilations is checked and kept for --resume", "[cli]") {
  TuningOptions options;
  options.max_compiles = "4";
  const auto request = parse_tuning(options_from(given_settings(options)));
  REQUIRE(request);
  CHECK(request->max_compiles == 4);
  options.max_compiles = "none";
  CHECK(parse_tuning(options)->max_compiles == 0);
  for (const char* text : {"0", "-1", "4097", "few"}) {
    options.max_compiles = text;
    const auto refused = parse_tuning(options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().where == "--max-compiles");
  }
  options.max_compiles = "4";
  options.strategy = "exhaustive";
  CHECK_FALSE(parse_tuning(options));
}
