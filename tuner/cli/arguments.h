// The options of a command, and parsing the command line with them. CLI11 is behind this, in
// arguments.cpp alone: its header costs each file that includes it four seconds of compiling.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tuner/core/error.h"

namespace CLI {
class App;
}

namespace batchtune {

// What a command registers. The targets must outlive the parsing; an option that is not given
// leaves its target as it is. "--name" is an option, "NAME" a positional argument.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}

  void value(const char* name, std::string& target, const char* help);
  void required(const char* name, std::string& target, const char* help);
  void repeated(const char* name, std::vector<std::string>& target,
                const char* help);  // one value each time
  void several(const char* name, std::vector<std::string>& target,
               const char* help);  // positional, any number
  void flag(const char* name, bool& target, const char* help);
  // "--name" or "--name VALUE"
  void optional_value(const char* name, bool& given, std::string& target, const char* help);

  // What the command does; its result is the exit code.
  void run(std::function<Result<int>()> command) { command_ = std::move(command); }
  const std::function<Result<int>()>& command() const { return command_; }

 private:
  CLI::App& app_;
  std::function<Result<int>()> command_;
  std::vector<std::function<void()>> when_parsed_;
};

struct Command {
  const char* name;
  const char* summary;
  void (*add)(Arguments& arguments);
};

// Parses and runs the command that was named; prints help and version by itself. An error for
// usage.
Result<int> parse_and_run(int argc, char** argv, std::span<const Command> commands);

}  // namespace batchtune
