// The queries that storage/README.md shows work on a real session: its ```sql blocks are run as
// they stand.
#include "storage/detail/database.h"
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

std::vector<std::string> statements_of(const std::string& readme) {
  std::vector<std::string> statements;
  std::size_t at = 0;
  while ((at = readme.find("```sql\n", at)) != std::string::npos) {
    at += 7;
    const std::string block = readme.substr(at, readme.find("```", at) - at);
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = block.find(';', begin)) != std::string::npos; begin = end + 1)
      statements.push_back(block.substr(begin, end - begin));
  }
  return statements;
}

}  // namespace

TEST_CASE("the queries of the README find the rows of a session", "[storage][readme]") {
  TempFolder folder;
  {
    auto store = open_store(folder / "a.db");
    const auto session = store->begin_session(example_header("u")).value();
    REQUIRE(store->append(session, 1, example_preparation()));
    REQUIRE(store->append(session, 2, example_round()));
    REQUIRE(store->append(session, 3, example_probe()));
    REQUIRE(store->finish_session(ended(session, 3, SessionEnd::converged), example_conclusion()));
    REQUIRE(store->put_note({"calibration", "cpu", "", "", "peaks", "{}", ""}));
  }
  const auto statements = statements_of(read_file(BT_STORAGE_README));
  REQUIRE(statements.size() >= 6);
  for (const std::string& sql : statements) CHECK_FALSE(query(folder / "a.db", sql).empty());
}
