// Whatever shows a figure of a simulated device says that it is one: every command, every format.
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Json = nlohmann::json;
using Arguments = std::vector<std::string>;

namespace {

std::string lower(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

// Anywhere in the document.
bool says_true(const Json& json) {
  if (json.is_object() && json.contains("simulated") && json.at("simulated") == true) return true;
  if (!json.is_structured()) return false;
  for (const Json& part : json)
    if (says_true(part)) return true;
  return false;
}

// Each row of a table has the column, and it says so. The column is found by its heading.
bool every_row_says_true(const std::string& csv) {
  const auto cells = [](const std::string& line) {
    Arguments found{""};
    bool quoted = false;
    for (const char letter : line) {
      if (letter == '"') quoted = !quoted;
      if (letter == ',' && !quoted)
        found.emplace_back();
      else
        found.back() += letter;
    }
    return found;
  };
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  const Arguments heading = cells(line);
  const auto column = std::find(heading.begin(), heading.end(), "simulated") - heading.begin();
  if (column == static_cast<std::ptrdiff_t>(heading.size())) return false;
  int rows = 0;
  while (std::getline(lines, line)) {
    const Arguments row = cells(line);
    if (row.size() != heading.size()) continue;  // a line break in a quoted cell
    if (row[static_cast<std::size_t>(column)] != "true") return false;
    ++rows;
  }
  return rows > 0;
}

void check_marked(const Arguments& command, const Arguments& formats = {"text", "json", "csv"}) {
  for (const std::string& format : formats) {
    Arguments arguments = command;
    arguments.insert(arguments.end(), {"--format", format});
    const Finished finished = run(arguments);
    std::string typed;
    for (const std::string& word : arguments) typed += word + " ";
    INFO(typed << "\n" << finished.out << finished.err);
    CHECK((finished.code == 0 || finished.code == 3));  // 3: no pair could be judged
    if (format == "json") CHECK(says_true(Json::parse(finished.out)));
    if (format == "csv") CHECK(every_row_says_true(finished.out));
    if (format == "text") CHECK(lower(finished.out).find("simulated") != std::string::npos);
  }
}

}  // namespace

TEST_CASE("every command marks what is simulated, in every format", "[end_to_end][simulated]") {
  fresh_database();
  const Arguments device{"--backend", "simulated:trn1", "--instances", "1"};
  const auto with = [&](Arguments command, const Arguments& more = {}) {
    command.insert(command.end(), device.begin(), device.end());
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  const std::string table = scratch("simulated.json");
  check_marked(with({"tune", "mlp"}, {"--batches", "1,2,4,8", "--budget", "120m"}));
  check_marked(with({"measure", "mlp"}, {"--batches", "1,2", "--budget", "120m"}));
  check_marked({"report", "last~3"});
  check_marked({"report", "last~3", "--why"}, {"text", "json"});
  check_marked({"compare", "last~4", "last~3"});
  check_marked({"points"});
  check_marked({"list", "sessions"});
  check_marked({"estimate", "mlp", "--device", "simulated:trn1"});
  check_marked({"list", "devices", "--backend", "simulated:trn1"}, {"text", "json", "csv"});
  check_marked({"backend-check", "simulated:trn1", "--rule", "run"}, {"text", "json"});
  REQUIRE(run(with({"tune", "mlp"}, {"--batches", "1:4", "--budget", "120m", "--strategy", "exhaustive",
                                     "--record", table}))
              .code == 0);
  check_marked({"replay", table, "--seeds", "2"});
}

TEST_CASE("the simulated accelerators are listed, and marked", "[end_to_end][simulated]") {
  const Finished devices = run({"list", "devices"});
  CHECK(devices.out.find("simulated:trn1") != std::string::npos);
  CHECK(devices.out.find("SIMULATED") != std::string::npos);
  CHECK(run({"list", "backends"}).out.find("simulated:trn1") != std::string::npos);
  const Finished options = run({"list", "options", "--format", "json"});
  CHECK(options.out.find("\"compilers\"") != std::string::npos);
  CHECK(options.out.find("\"wander_seconds\"") != std::string::npos);
}
