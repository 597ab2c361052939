// What is told of the sessions of an earlier run: there, missing, or not to be read.
#include "tuner/cli/model_run.h"

#include <string>

#include "tests/cli/silent_store.h"
#include "tests/support/catch.h"

using namespace batchtune;

namespace {

// Keeps notes; what becomes of a look for a session is the test's to say.
class LookedAtStore final : public SilentStore {
 public:
  std::optional<Error> failure;

  Result<std::int64_t> resolve_session(std::string_view) const override {
    if (failure) return tl::make_unexpected(*failure);
    return 1;
  }
  Status put_note(const Note& note) override {
    notes_.push_back(note);
    return {};
  }
  Result<std::vector<Note>> notes(std::string_view, std::string_view) const override {
    return notes_;
  }

 private:
  std::vector<Note> notes_;
};

const RunEntry kEntry{"mlp", "hash", {{"seed", std::string("3"), "seed of the file"}}, "uuid"};

}  // namespace

TEST_CASE("a run is kept with where its settings and its budget are from", "[cli]") {
  LookedAtStore store;
  REQUIRE(keep_run(store, {"id", 20, true, {kEntry}}));
  const auto run = last_run(store, {kEntry});
  REQUIRE((run && *run));
  CHECK((*run)->budget == 20);
  CHECK((*run)->budget_of_file);
  REQUIRE((*run)->entries[0].asked.size() == 1);
  CHECK((*run)->entries[0].asked[0].origin == "seed of the file");
}

TEST_CASE("a session that was never begun is missing, one that cannot be read is an error",
          "[cli]") {
  LookedAtStore store;
  REQUIRE(keep_run(store, {"id", 20, false, {kEntry}}));
  store.failure = bad_input("a session", "none").value();
  auto session = session_of(store, kEntry);
  REQUIRE(session);
  CHECK_FALSE(session->has_value());
  CHECK(last_run(store, {kEntry}));
  store.failure = environment_error("a database", "a damaged one", "nowhere").value();
  session = session_of(store, kEntry);
  REQUIRE_FALSE(session);
  CHECK(session.error().found == "a damaged one");
  CHECK_FALSE(last_run(store, {kEntry}));
}
