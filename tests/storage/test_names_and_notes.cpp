// Finding sessions by what a user writes, listing them, and notes that outlive them.
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

struct Sessions {
  TempFolder folder;
  std::unique_ptr<Store> store = open_store(folder / "a.db");
  std::int64_t resnet = store->begin_session(example_header("aaaa1111-0", "resnet-50")).value();
  std::int64_t bert =
      store->begin_session(example_header("aaaa2222-0", "bert-large@seq=384")).value();
  std::int64_t vgg = store->begin_session(example_header("12345678-0", "vgg-16")).value();

  std::int64_t number(const std::string& text) {
    const auto result = store->resolve_session(text);
    INFO(text << ": " << (result ? "" : to_string(result.error())));
    REQUIRE(result);
    return *result;
  }
  std::string failure(const std::string& text) {
    const auto result = store->resolve_session(text);
    INFO(text);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::bad_input);
    return to_string(result.error());
  }
};

}  // namespace

TEST_CASE_METHOD(Sessions, "a session is found by number, UUID prefix, last and model",
                 "[storage]") {
  CHECK(number("1") == resnet);
  CHECK(number("aaaa1") == resnet);
  CHECK(number("AAAA2222") == bert);
  CHECK(number("12345678") == vgg);  // all digits, but no such number
  CHECK(number("last") == vgg);
  CHECK(number("last~0") == vgg);
  CHECK(number("last~2") == resnet);
  CHECK(number("last:resnet-50") == resnet);
  CHECK(number("last:bert-large@seq=384") == bert);
  CHECK(number("last:bert-large") == bert);
}

TEST_CASE_METHOD(Sessions, "a name that fits no session or several says so", "[storage]") {
  const std::string ambiguous = failure("aaaa");
  CHECK(ambiguous.find("1 (aaaa1111-0), 2 (aaaa2222-0)") != std::string::npos);
  CHECK(failure("last~3").find("holds 3") != std::string::npos);
  CHECK(failure("last:bert").find("'bert'") != std::string::npos);
  CHECK(failure("4").find("number 4") != std::string::npos);
  for (const char* text : {"", "aaa", "last~", "last~x", "last:", "-1", "bbbb", "zzzz",
                           "99999999999999999999", "' OR 1=1 --", "1 "})
    failure(text);
}

TEST_CASE_METHOD(Sessions, "the last unended session of a model is found until it has ended",
                 "[storage]") {
  const std::string hash = example_header("").model.hash;
  CHECK(store->last_unended(hash).value() == vgg);
  SessionHeader measured = example_header("measured");
  measured.command = "measure";
  REQUIRE(store->begin_session(measured));
  CHECK(store->last_unended(hash).value() == vgg);
  REQUIRE(store->finish_session(ended(vgg, 0, SessionEnd::converged), {}));
  REQUIRE(store->finish_session(ended(bert, 0, SessionEnd::interrupted), {}));
  CHECK(store->last_unended(hash).value() == bert);
  REQUIRE(store->finish_session(ended(bert, 0, SessionEnd::budget), {}));
  REQUIRE(store->finish_session(ended(resnet, 0, SessionEnd::budget), {}));
  CHECK(store->last_unended(hash).value() == std::nullopt);
  CHECK(store->last_unended("other").value() == std::nullopt);
}

TEST_CASE_METHOD(Sessions, "a listing tells what each session is and how it ended", "[storage]") {
  REQUIRE(store->append(bert, 1, example_probe()));
  REQUIRE(store->finish_session(ended(bert, 1, SessionEnd::converged), example_conclusion()));
  const auto listings = store->list_sessions().value();
  REQUIRE(listings.size() == 3);
  const SessionListing& listing = listings[1];
  CHECK(listing.number == bert);
  CHECK(listing.model == "bert-large@seq=384");
  CHECK(listing.backend == "cpu,onednn");
  CHECK(listing.started_at == "2026-01-02T03:04:05Z");
  CHECK(listing.end == SessionEnd::converged);
  CHECK(listing.observations == 1);
  CHECK(listing.best_batch == 8);
  CHECK(listing.simulated);
  CHECK(listings[0].end == SessionEnd::running);
  CHECK(listings[0].best_batch == std::nullopt);
}

TEST_CASE_METHOD(Sessions, "finished sessions tell what they were asked, the newest first",
                 "[storage]") {
  CHECK(store->finished_tunes().value().empty());
  SessionHeader measured = example_header("measured");
  measured.command = "measure";
  const std::int64_t list = store->begin_session(measured).value();
  REQUIRE(store->finish_session(ended(list, 0, SessionEnd::converged), {}));
  REQUIRE(store->finish_session(ended(resnet, 0, SessionEnd::budget), {}));
  REQUIRE(store->finish_session(ended(bert, 0, SessionEnd::interrupted), {}));
  REQUIRE(store->finish_session(ended(vgg, 0, SessionEnd::converged), {}));
  const auto finished = store->finished_tunes().value();
  REQUIRE(finished.size() == 2);
  CHECK(finished[0].number == vgg);
  CHECK(finished[1].number == resnet);
  const SessionHeader whole = store->load_session(resnet).value().header;
  const SessionHeader& told = finished[1];
  CHECK(told.uuid == whole.uuid);
  CHECK(told.command == "tune");
  CHECK(told.started_at == whole.started_at);
  CHECK(told.model.name == "resnet-50");
  CHECK(told.model.hash == whole.model.hash);
  CHECK(told.wishes == whole.wishes);
  CHECK(told.settings == whole.settings);
  CHECK(told.simulated == whole.simulated);
  CHECK(told.database == whole.database);
  REQUIRE(told.devices.size() == whole.devices.size());
  CHECK(told.devices[1].backend == whole.devices[1].backend);
  CHECK(told.devices[1].name == whole.devices[1].name);
  CHECK(told.devices[1].version == whole.devices[1].version);
  REQUIRE(told.estimates.size() == whole.estimates.size());
  CHECK(told.estimates[0].group == whole.estimates[0].group);
}

TEST_CASE("a session number is never used twice", "[storage]") {
  TempFolder folder;
  auto store = open_store(folder / "a.db");
  REQUIRE(store->begin_session(example_header("a")).value() == 1);
  query(folder / "a.db", "DELETE FROM session");
  CHECK(store->begin_session(example_header("b")).value() == 2);
  CHECK_FALSE(store->begin_session(example_header("b")));  // a UUID is unique
}

TEST_CASE("a note replaces the one with the same key and no other", "[storage]") {
  TempFolder folder;
  auto store = open_store(folder / "a.db");
  REQUIRE(store->put_note({"kernel", "cpu A", "", "1.0", "gemm", R"({"right":true})", ""}));
  REQUIRE(store->put_note({"kernel", "cpu A", "", "1.0", "gemm", R"({"right":false})", ""}));
  REQUIRE(store->put_note({"kernel", "cpu A", "", "1.1", "gemm", "1", ""}));
  REQUIRE(store->put_note({"kernel", "cpu B", "", "1.0", "gemm", "2", ""}));
  REQUIRE(store->put_note({"kernel", "", "", "1.0", "any", "3", ""}));
  REQUIRE(store->put_note({"calibration", "cpu A", "", "1.0", "gemm", "4", ""}));
  const auto notes = store->notes("kernel", "cpu A").value();
  REQUIRE(notes.size() == 3);
  CHECK(notes[0].name == "any");
  CHECK(notes[1].content == R"({"right":false})");
  CHECK(notes[1].software_hash == "1.0");
  CHECK(notes[1].written_at.size() == std::string("2026-01-02T03:04:05Z").size());
  CHECK(notes[2].software_hash == "1.1");
  CHECK_FALSE(store->put_note({"kernel", "cpu A", "", "", "x", "not json", ""}));
}
