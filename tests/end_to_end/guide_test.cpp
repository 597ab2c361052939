// GUIDE.md: every command on the page runs and gives what the page shows of it.
//
// A command is an indented line "$ batchtune ..."; "# exit code 1" behind it says how it ends, if not with 0. The
// indented lines below are its output (what it says on stderr where that is all), whole, save that a line "..." stands
// for any number of lines. Commands share one database and run in order.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;

namespace {

constexpr char kIndent[] = "    ";
constexpr char kPrompt[] = "    $ batchtune ";
constexpr char kExitCode[] = "  # exit code ";
constexpr char kSkipped[] = "...";

struct Shown {
  int line = 0;  // of the page
  std::string command;
  int code = 0;
  std::vector<std::string> output;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    while (!line.empty() && line.back() == ' ') line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::vector<Shown> commands_of(const std::string& page) {
  std::vector<Shown> commands;
  bool in_output = false;
  int number = 0;
  for (const std::string& line : lines_of(page)) {
    ++number;
    if (line.rfind(kPrompt, 0) == 0) {
      Shown shown;
      shown.line = number;
      shown.command = line.substr(std::string(kPrompt).size());
      if (const auto at = shown.command.find(kExitCode); at != std::string::npos) {
        shown.code = std::stoi(shown.command.substr(at + std::string(kExitCode).size()));
        shown.command.resize(at);
      }
      commands.push_back(shown);
      in_output = true;
    } else if (in_output && line.rfind(kIndent, 0) == 0) {
      commands.back().output.push_back(line.substr(std::string(kIndent).size()));
    } else if (in_output && line.empty()) {
      commands.back().output.emplace_back();
    } else {
      in_output = false;
    }
  }
  for (Shown& shown : commands)
    while (!shown.output.empty() && shown.output.back().empty()) shown.output.pop_back();
  return commands;
}

// At spaces; what is in single quotes is one.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : command + " ") {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      if (!word.empty()) words.push_back(word);
      word.clear();
    } else {
      word += c;
    }
  }
  return words;
}

// The first line of the page that is not where it should be; "" if all are.
std::string missing_in(const std::vector<std::string>& output, const std::vector<std::string>& shown) {
  std::size_t at = 0;
  bool anywhere = false;
  for (const std::string& line : shown) {
    if (line == kSkipped) {
      anywhere = true;
      continue;
    }
    if (anywhere) {
      while (at < output.size() && output[at] != line) ++at;
      anywhere = false;
    }
    if (at == output.size() || output[at] != line) return line.empty() ? "an empty line" : line;
    ++at;
  }
  return anywhere || at == output.size() ? "" : "the end, before: " + output[at];
}

std::string page() {
  std::ifstream file(BT_GUIDE_PAGE);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the page that answers the batching guide shows what its commands give", "[end_to_end][guide]") {
  fresh_database();
  const std::vector<Shown> commands = commands_of(page());
  CHECK(commands.size() >= 10);
  for (const Shown& shown : commands) {
    const Finished finished = run(words_of(shown.command));
    INFO("GUIDE.md:" << shown.line << ": batchtune " << shown.command << "\n" << finished.out << finished.err);
    CHECK(finished.code == shown.code);
    CHECK(missing_in(lines_of(finished.out.empty() ? finished.err : finished.out), shown.output) == "");
  }
}

TEST_CASE("the check of the page can fail", "[end_to_end][guide]") {
  const std::vector<std::string> output{"a", "b", "", "c"};
  CHECK(missing_in(output, {"a", "b", "", "c"}) == "");
  CHECK(missing_in(output, {"a", "...", "c"}) == "");
  CHECK(missing_in(output, {"a", "..."}) == "");
  CHECK(missing_in(output, {"b", "..."}) == "b");
  CHECK(missing_in(output, {"a", "...", "d"}) == "d");
  CHECK(missing_in(output, {"a", "b"}) == "the end, before: ");
  CHECK(missing_in(output, {"...", "c", "b"}) == "b");
  const std::vector<Shown> commands =
      commands_of("text\n\n    $ batchtune plan 'a b' c  # exit code 1\n    one\n\n      two\n\nmore\n    no output\n");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].code == 1);
  CHECK(commands[0].output == std::vector<std::string>{"one", "", "  two"});
  CHECK(words_of(commands[0].command) == std::vector<std::string>{"plan", "a b", "c"});
}
