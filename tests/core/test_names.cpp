// Names are stored and read back: every enumerator must have its own.
#include <set>
#include <string>

#include "tests/support/catch.h"
#include "tuner/core/candidate.h"
#include "tuner/core/hash.h"
#include "tuner/core/session.h"

using namespace batchtune;

TEST_CASE("every trial status and session end reads back from its name", "[names]") {
  std::set<std::string_view> seen;
  for (TrialStatus status : kTrialStatuses) {
    CHECK(parse_trial_status(name_of(status)) == status);
    CHECK(seen.insert(name_of(status)).second);
  }
  for (SessionEnd end : {SessionEnd::running, SessionEnd::converged, SessionEnd::budget,
                         SessionEnd::interrupted, SessionEnd::failed})
    CHECK(parse_session_end(name_of(end)) == end);
  CHECK_FALSE(parse_trial_status("fine"));
}

TEST_CASE("every data type reads back from its name", "[names]") {
  for (DType dtype : kDTypes) CHECK(parse_dtype(name_of(dtype)) == dtype);
  CHECK_FALSE(parse_dtype("F32"));
}

TEST_CASE("a candidate reads as a short phrase", "[names]") {
  const Candidate candidate{{"cpu", DType::bf16, 2, 1, {{"seq", 128}}}, 8};
  CHECK(to_string(candidate) == "cpu bf16, 2 threads, seq=128, batch 8");
}

TEST_CASE("FNV-1a agrees with its published vectors", "[hash]") {
  CHECK(hex64(fnv1a("")) == "cbf29ce484222325");
  CHECK(hex64(fnv1a("a")) == "af63dc4c8601ec8c");
  CHECK(hex64(fnv1a("foobar")) == "85944171f73967e8");
}
