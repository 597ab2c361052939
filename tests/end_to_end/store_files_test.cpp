// Databases that are none, or were damaged: the program says what is wrong and what to do, and
// leaves them as they were.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

Arguments tune(const std::string& path) {
  return simulated_tune("1,2", {"--budget", "0.01s", "--db", path});
}

void check_refused(const std::string& path) {
  for (const Arguments& arguments : {tune(path), Arguments{"list", "sessions", "--db", path},
                                     Arguments{"report", "last", "--db", path},
                                     Arguments{"tune", "mlp", "--resume", "--db", path}}) {
    const Finished finished = run(arguments);
    INFO(arguments[0] << ": " << finished.err);
    CHECK(finished.code == 4);
    CHECK(finished.err.find(path) != std::string::npos);
    CHECK(finished.err.find("--db") != std::string::npos);  // what to do
    CHECK(finished.out.empty());
  }
}

// The bytes of a database with one session.
std::string example_database() {
  const std::string path = scratch("example.db");
  std::filesystem::remove(path);
  const Finished finished = run(tune(path));
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  return read_file(path);
}

}  // namespace

TEST_CASE("files that are no database of ours are refused and left as they were", "[end_to_end]") {
  const std::string path = scratch("wrong.db");
  const std::string whole = example_database();
  std::string newer = whole;
  newer[63] = 99;  // the last byte of PRAGMA user_version
  std::string foreign = whole;
  foreign[71] = 0;  // the last byte of PRAGMA application_id
  for (const std::string& content :
       {std::string("x"), std::string("a text, and no database\n"), newer, foreign,
        whole.substr(0, 100), whole.substr(0, whole.size() / 2),
        whole.substr(0, whole.size() - 1)}) {
    INFO(content.size() << " bytes");
    write_file(path, content);
    check_refused(path);
    CHECK(read_file(path) == content);
  }
}

TEST_CASE("a folder and a device are refused as a database", "[end_to_end]") {
  const std::string folder = scratch("a_folder");
  std::filesystem::create_directories(folder);
  check_refused(folder);
  CHECK(std::filesystem::is_empty(folder));
  check_refused("/dev/full");
}

TEST_CASE("a database with a bit flipped never ends the program by a signal", "[end_to_end]") {
  constexpr int kFlips = 25;
  const std::string path = scratch("flipped.db");
  const std::string whole = example_database();
  std::vector<std::size_t> used;  // bytes; empty ones say nothing
  for (std::size_t at = 0; at < whole.size(); ++at)
    if (whole[at] != 0) used.push_back(at);
  std::mt19937 random(20260101);
  for (int flip = 0; flip < kFlips; ++flip) {
    const std::size_t at =
        used[std::uniform_int_distribution<std::size_t>(0, used.size() - 1)(random)];
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (flip % 8)));
    write_file(path, damaged);
    for (const Arguments& arguments :
         {Arguments{"list", "sessions", "--db", path}, Arguments{"report", "1", "--db", path}}) {
      const Finished finished = run(arguments);
      INFO(arguments[0] << " with byte " << at << ": " << finished.code << " " << finished.err);
      CHECK(finished.code <= 4);
    }
    CHECK(read_file(path) == damaged);
  }
}
