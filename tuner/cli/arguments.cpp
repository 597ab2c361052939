#include "tuner/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string_view>

#include "build_id.h"

namespace batchtune {
namespace {

// CLI11 would only say that a subcommand is missing.
Status check_command(int argc, char** argv, std::span<const Command> commands) {
  std::string names;
  for (const Command& command : commands) {
    if (argc > 1 && argv[1] == std::string_view(command.name)) return {};
    names += (names.empty() ? "" : ", ") + std::string(command.name);
  }
  if (argc > 1 && argv[1][0] == '-') return {};
  return bad_input("a command: " + names, argc > 1 ? "'" + std::string(argv[1]) + "'" : "none", "",
                   "batchtune --help tells more");
}

}  // namespace

void Arguments::value(const char* name, std::string& target, const char* help) {
  app_.add_option(name, target, help);
}

void Arguments::required(const char* name, std::string& target, const char* help) {
  app_.add_option(name, target, help)->required();
}

void Arguments::repeated(const char* name, std::vector<std::string>& target, const char* help) {
  app_.add_option(name, target, help)->allow_extra_args(false);
}

void Arguments::several(const char* name, std::vector<std::string>& target, const char* help) {
  app_.add_option(name, target, help);
}

void Arguments::flag(const char* name, bool& target, const char* help) {
  app_.add_flag(name, target, help);
}

void Arguments::optional_value(const char* name, bool& given, std::string& target,
                               const char* help) {
  CLI::Option* option = app_.add_option(name, target, help)->expected(0, 1);
  when_parsed_.push_back([option, &given] { given = option->count() > 0; });
  app_.parse_complete_callback([this] {  // an app has one
    for (const auto& look : when_parsed_) look();
  });
}

Result<int> parse_and_run(int argc, char** argv, std::span<const Command> commands) {
  BT_TRY_VOID(check_command(argc, argv, commands));
  CLI::App app("Finds the batch size to deploy: estimates, measures, recommends.", "batchtune");
  app.set_version_flag("--version", std::string("batchtune ") + kVersion + " (" + kBuildId + ")");
  app.require_subcommand(1);
  app.footer("batchtune COMMAND --help tells more. Latency is the service time of one batch.");
  std::vector<std::pair<CLI::App*, std::unique_ptr<Arguments>>> added;
  for (const Command& command : commands) {
    CLI::App* subcommand = app.add_subcommand(command.name, command.summary);
    added.emplace_back(subcommand, std::make_unique<Arguments>(*subcommand));
    command.add(*added.back().second);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return bad_input("options that batchtune knows", error.what(), "",
                     "batchtune --help lists them");
  }
  for (const auto& [subcommand, arguments] : added)
    if (subcommand->parsed()) return arguments->command()();
  return bad_input("a command", "none");
}

}  // namespace batchtune
