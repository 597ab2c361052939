// Recorded tables: what is written is read back, every broken promise is named with its place, and
// writing loses nothing.
#include "storage/exchange/table_json.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>

#include "storage/exchange/table_file.h"
#include "tests/support/catch.h"
#include "tests/support/mutate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

using namespace batchtune;
namespace fs = std::filesystem;

namespace {

// As DESIGN's example: nothing but what must be there, and some nulls.
const char kPlain[] =
    R"({"schema_version":1, "kind":"table", "model":"m", "device":"d", "dtype":"f32",
 "source":"hand", "settings":{"threads":2,"instances":1,"memory_limit":null}, "anchor":1,
 "problem":{"flops":2e9,"activation_bytes":1000000,"weight_bytes":4e6,"peak":1e11,"bandwidth":null},
 "rows":[{"batch":1,"status":"ok","prepare":0.5,"memory":123456,"latency":[0.25,0.125,0.5],"round":[0,0,3]},
         {"batch":8,"status":"unstable","prepare":null,"latency":[1],"round":[3],"start":[9.5]},
         {"batch":64,"status":"out_of_memory","prepare":0.5,"memory":null,"latency":[],"round":[]}]})";

std::string with(std::string text, const std::string& what, const std::string& instead) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), instead);
}

RecordedTable full_table() {
  RecordedTable table;
  table.model = "resnet \"50\"\n";
  table.device = "AMD EPYC, 2 CPUs";
  table.source = "batchtune tune, session x";
  table.group = {"cpu", DType::bf16, 2, 3, {{"seq", 128}}};
  table.memory_limit = Bytes{1} << 40;
  table.anchor = 2;
  table.problem = {7.7e9, 0.0, 1e8, 1.3e11, 5.5e10};
  table.rows = {{2,
                 TrialStatus::ok,
                 0.1,
                 1e16,
                 {0.1, 1e-9, 0.30000000000000004},
                 {0, 7, 7},
                 {0.5, 1, 2.25},
                 0.09},
                {3, TrialStatus::timeout, std::nullopt, std::nullopt, {}, {}, {}, std::nullopt},
                {4, TrialStatus::out_of_memory, 242.5, std::nullopt, {}, {}, {}, std::nullopt, 240}};
  return table;
}

bool same(const RecordedTable& a, const RecordedTable& b) {
  const auto rows = [](const TableRow& x, const TableRow& y) {
    return x.batch == y.batch && x.status == y.status && x.prepare == y.prepare &&
           x.memory == y.memory && x.latency == y.latency && x.round == y.round &&
           x.start == y.start && x.truth == y.truth && x.compile == y.compile;
  };
  return a.model == b.model && a.device == b.device && a.source == b.source && a.group == b.group &&
         a.memory_limit == b.memory_limit && a.anchor == b.anchor && a.problem == b.problem &&
         std::equal(a.rows.begin(), a.rows.end(), b.rows.begin(), b.rows.end(), rows);
}

std::string refusal(const std::string& text) {
  const auto read = parse_tables(text, "dir/t.json");
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().kind == ErrorKind::bad_input);
  return to_string(read.error());
}

void expect_refusal(const std::string& text, const std::string& part) {
  const std::string said = refusal(text);
  INFO(said);
  CHECK(said.find(part) != std::string::npos);
}

// A folder of this process, gone with the test case.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("bt-tables-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string at(const std::string& name) const { return (path_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a table in the documented form is read", "[storage][tables]") {
  const auto tables = parse_tables(kPlain, "dir/t.json");
  REQUIRE(tables.has_value());
  REQUIRE(tables->size() == 1);
  const RecordedTable& table = tables->front();
  CHECK(table.name == "t");
  CHECK(table.model == "m");
  CHECK(table.group == CandidateGroup{"", DType::f32, 2, 1, {}});
  CHECK_FALSE(table.memory_limit.has_value());
  CHECK(table.anchor == 1);
  CHECK(table.problem == TableProblem{2e9, 1e6, 4e6, 1e11, std::nullopt});
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0].latency == std::vector<Seconds>{0.25, 0.125, 0.5});
  CHECK(table.rows[0].round == std::vector<int>{0, 0, 3});
  CHECK(table.rows[0].memory == 123456);
  CHECK(table.rows[1].status == TrialStatus::unstable);
  CHECK(table.rows[1].start == std::vector<Seconds>{9.5});
  CHECK_FALSE(table.rows[1].prepare.has_value());
  CHECK(table.rows[2].status == TrialStatus::out_of_memory);
  CHECK_FALSE(table.rows[2].truth.has_value());
}

TEST_CASE("what may be absent may be absent, and what later versions add is left alone",
          "[storage][tables]") {
  const auto tables = parse_tables(
      R"({"schema_version":1,"kind":"table","model":"m","dtype":"bf16","new":{"a":[1]},
          "rows":[{"batch":3,"status":"ok","latency":[1],"round":[0],"colour":"red"}]})",
      "t.json");
  REQUIRE(tables.has_value());
  CHECK(tables->front().group == CandidateGroup{"", DType::bf16, 1, 1, {}});
  CHECK_FALSE(tables->front().anchor.has_value());
  CHECK(tables->front().problem == TableProblem{});
}

TEST_CASE("a written table is read back as it was, with numbers in their shortest form",
          "[storage][tables]") {
  const RecordedTable table = full_table();
  const auto text = write_tables({&table, 1});
  REQUIRE(text.has_value());
  CHECK(text->find("[0.1,1e-09,0.30000000000000004]") != std::string::npos);
  const auto read = parse_tables(*text, "t.json");
  REQUIRE(read.has_value());
  CHECK(same(read->front(), table));
}

TEST_CASE("groups of one problem are one text", "[storage][tables]") {
  std::vector<RecordedTable> tables{full_table(), full_table()};
  tables[1].group.instances = 1;
  tables[1].anchor = std::nullopt;
  const auto text = write_tables(tables);
  REQUIRE(text.has_value());
  const auto read = parse_tables(*text, "t.json");
  REQUIRE(read.has_value());
  REQUIRE(read->size() == 2);
  CHECK(same(read->at(0), tables[0]));
  CHECK(same(read->at(1), tables[1]));

  tables[1].group = tables[0].group;
  expect_refusal(*write_tables(tables), "each group once, found cpu bf16");
  tables[1].group.instances = 1;
  tables[1].model = "other";
  expect_refusal(*write_tables(tables), "t.json, $.tables[1].model");
  tables[1].model = tables[0].model;
  tables[1].device = "other";
  expect_refusal(*write_tables(tables), "tables of one device for each backend");
  expect_refusal(R"({"schema_version":1,"kind":"tables","tables":[]})", "at least one table");
}

TEST_CASE("figures that are not finite are not written", "[storage][tables]") {
  RecordedTable table = full_table();
  table.rows[0].latency[1] = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(write_tables({&table, 1}).has_value());
  table = full_table();
  table.problem.peak = std::numeric_limits<double>::infinity();
  CHECK_FALSE(write_tables({&table, 1}).has_value());
}

TEST_CASE("text that is no JSON is refused with line and column", "[storage][tables]") {
  expect_refusal("", "dir/t.json:1:1");
  expect_refusal("{\"schema_version\":1,\n \"kind\":}", "dir/t.json:2:9");
  expect_refusal(
      "\x7f"
      "ELF\x02\x01\x01",
      "wanted JSON");
  expect_refusal(with(kPlain, "0.25", "NaN"), "dir/t.json:4:");
  expect_refusal(with(kPlain, "0.25", "1e999"), "wanted JSON");
  expect_refusal(std::string(kPlain).substr(0, 300), "dir/t.json:");
  expect_refusal(std::string(40, '['), "nesting deeper than 16");
  expect_refusal(with(kPlain, "\"kind\"", "\"model\":\"x\", \"kind\""), "twice in one object");
  for (const char letter : refusal("\x01\xff\xfe{")) CHECK((letter >= ' ' && letter <= '~'));
}

TEST_CASE("a broken promise of a table is refused with its place", "[storage][tables]") {
  struct Damage {
    const char* what;
    const char* instead;
    const char* said;
  };
  const Damage damages[] = {
      {"\"schema_version\":1", "\"schema_version\":2", "which a later batchtune wrote"},
      {"\"schema_version\":1", "\"schema_version\":\"1\"", "$.schema_version"},
      {"\"schema_version\":1, ", "", "$.schema_version"},
      {"\"kind\":\"table\"", "\"kind\":\"session\"", "table or tables, found \"session\""},
      {"\"model\":\"m\"", "\"model\":7", "a string, found 7 (dir/t.json, $.model)"},
      {"\"model\":\"m\", ", "", "this member, found nothing (dir/t.json, $.model)"},
      {"\"f32\"", "\"float\"", "$.dtype"},
      {"\"threads\":2", "\"threads\":0", "$.settings.threads"},
      {"\"threads\":2", "\"threads\":2.5", "$.settings.threads"},
      {"\"memory_limit\":null", "\"memory_limit\":-1", "$.settings.memory_limit"},
      {"\"anchor\":1", "\"anchor\":2", "a batch that has a row, found 2"},
      {"\"anchor\":1", "\"anchor\":8",
       "the anchor (batch 8) has a sample, found 0 (dir/t.json, "
       "$.rows[0].round[0])"},
      {"2e9", "-2e9", "$.problem.flops"},
      {"\"batch\":8", "\"batch\":1",
       "ascending batches, each once, found 1 after 1 (dir/t.json, "
       "$.rows[1].batch)"},
      {"\"batch\":8", "\"batch\":0", "$.rows[1].batch"},
      {"\"batch\":8", "\"batch\":18446744073709551615", "$.rows[1].batch"},
      {"\"batch\":8,", "", "$.rows[1].batch"},
      {"\"unstable\"", "\"fine\"", "$.rows[1].status"},
      {"\"prepare\":0.5", "\"prepare\":-0.5", "$.rows[0].prepare"},
      {"\"prepare\":0.5", "\"prepare\":0.5,\"compile\":0.6", "$.rows[0].compile"},
      {"123456", "\"123456\"", "$.rows[0].memory"},
      {"[0.25,0.125,0.5]", "[0.25,-0.125,0.5]",
       "a positive number, found -0.125 (dir/t.json, "
       "$.rows[0].latency[1])"},
      {"[0.25,0.125,0.5]", "[0.25,0,0.5]", "$.rows[0].latency[1]"},
      {"[0.25,0.125,0.5]", "[0.25,null,0.5]", "$.rows[0].latency[1]"},
      {"[0.25,0.125,0.5]", "0.25", "an array, found 0.25 (dir/t.json, $.rows[0].latency)"},
      {"[0,0,3]", "[0,3]", "one entry for each of the 3 latencies, found 2"},
      {"[0,0,3]", "[0,0.5,3]", "$.rows[0].round[1]"},
      {"[0,0,3]", "[0,-1,3]", "$.rows[0].round[1]"},
      {"[9.5]", "[9.5,1]", "$.rows[1].start"},
      {"\"latency\":[1],\"round\":[3],\"start\":[9.5]", "\"latency\":[],\"round\":[]",
       "at least one sample of a row that ran"},
      {"\"start\":[9.5]", "\"truth\":0", "$.rows[1].truth"},
      {"\"rows\":[", "\"rows\":[],\"more\":[", "at least one row"},
      {"\"rows\":[", "\"rows\":{},\"more\":[", "$.rows"},
  };
  for (const Damage& damage : damages) {
    INFO(damage.what << " -> " << damage.instead);
    expect_refusal(with(kPlain, damage.what, damage.instead), damage.said);
  }
  for (const char* text : {"1", "null", "[]", "\"table\"", "{}"}) refusal(text);
}

TEST_CASE("whatever the bytes, there is a table or an error", "[storage][tables]") {
  std::mt19937 random(5);
  const RecordedTable table = full_table();
  for (const std::string& whole : {std::string(kPlain), *write_tables({&table, 1})})
    for (int i = 0; i < 3000; ++i) {
      std::string text = test::mutate(whole, random);
      if (i % 3 == 0 && !text.empty()) text = test::mutate(text, random);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    }
}

TEST_CASE("a table file is written whole or not at all", "[storage][tables]") {
  const Folder folder;
  const std::string path = folder.at("t.json");
  const RecordedTable table = full_table();
  REQUIRE(check_writable(path).has_value());
  CHECK(folder.files() == 0);
  REQUIRE(save_tables(path, {&table, 1}).has_value());
  CHECK(folder.files() == 1);
  const auto read = read_tables(path);
  REQUIRE(read.has_value());
  CHECK(same(read->front(), table));
  CHECK(read->front().name == "t");

  const std::string before = content(path);
  RecordedTable broken = table;
  broken.rows[0].latency[0] = std::numeric_limits<double>::infinity();
  CHECK_FALSE(save_tables(path, {&broken, 1}).has_value());
  rlimit unlimited{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{64, unlimited.rlim_max};  // as a full disk: the 65th byte fails
  REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
  const Status status = save_tables(path, {&table, 1});
  setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().kind == ErrorKind::environment);
  CHECK(status.error().where == path);
  CHECK(content(path) == before);
  CHECK(folder.files() == 1);
}

TEST_CASE("a table goes through a link, and replaces nothing but regular files",
          "[storage][tables]") {
  const Folder folder;
  const RecordedTable table = full_table();
  REQUIRE(save_tables(folder.at("real.json"), {&table, 1}).has_value());
  fs::create_symlink("real.json", folder.at("link.json"));
  REQUIRE(save_tables(folder.at("link.json"), {&table, 1}).has_value());
  CHECK(fs::is_symlink(folder.at("link.json")));
  REQUIRE(mkfifo(folder.at("pipe").c_str(), 0600) == 0);
  for (const std::string& path :
       {folder.at(""), folder.at("pipe"), std::string("/dev/null"), folder.at("none/t.json")}) {
    INFO(path);
    const Status status = check_writable(path);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().kind == ErrorKind::environment);
    CHECK_FALSE(save_tables(path, {&table, 1}).has_value());
  }
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a file that is no table is named", "[storage][tables]") {
  const Folder folder;
  for (const std::string& path : {folder.at("none.json"), folder.at("")}) {
    const auto read = read_tables(path);
    REQUIRE_FALSE(read.has_value());
    CHECK(to_string(read.error()).find(path) != std::string::npos);
  }
  std::ofstream(folder.at("empty.json"));
  CHECK(to_string(read_tables(folder.at("empty.json")).error()).find("empty.json:1:1") !=
        std::string::npos);
  std::ofstream(folder.at("huge.json")) << "{";
  fs::resize_file(folder.at("huge.json"), (std::uintmax_t{256} << 20) + 1);
  CHECK(read_tables(folder.at("huge.json")).error().wanted == "a table of at most 256 MiB");
}
