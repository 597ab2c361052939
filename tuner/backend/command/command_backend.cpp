#include "tuner/backend/command/command_backend.h"

#include <algorithm>
#include <cctype>
#include <thread>
#include <utility>

#include "tuner/backend/command/child.h"
#include "tuner/backend/command/endings.h"
#include "tuner/backend/command/options.h"
#include "tuner/backend/command/program.h"
#include "tuner/backend/command/rules.h"
#include "tuner/backend/command/server.h"
#include "tuner/backend/command/substitution.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/core/stopwatch.h"
#include "tuner/workload/model.h"

namespace batchtune::command {
namespace {

// A worker that is to quit has two seconds for it (tuner/measure).
constexpr Seconds kCleanupPatience = 1.5;
constexpr Seconds kCleanupPatienceOfParent = 10;

class CommandModel final : public LoadedModel {
 public:
  static Outcome<std::unique_ptr<LoadedModel>> load(const CommandSettings& settings,
                                                    const std::vector<Rule>& rules,
                                                    const Model& model, const LoadOptions& options);
  ~CommandModel() override;

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  double output_tolerance() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;

 private:
  explicit CommandModel(CommandContext context, Values values)
      : context_(std::move(context)), values_(std::move(values)) {}
  Outcome<void> set_up();

  CommandContext context_;
  Servers servers_{context_};  // Timing::server
  Values values_;              // of setup and cleanup: without batch and n
  Seconds load_seconds_ = 0;
};

// A program that is not told of the samples would compute on others.
Outcome<void> check_input(const CommandContext& context) {
  const bool told = context.settings.timing == Timing::server ||
                    context.settings.command.find("{input}") != std::string::npos ||
                    context.settings.command.find("BATCHTUNE_INPUT") != std::string::npos;
  if (context.input.empty() || told) return {};
  return tl::unexpected(Ending{TrialStatus::unsupported,
                               "the command does not take the samples of --input: {input} or "
                               "BATCHTUNE_INPUT is not in it",
                               context.settings.command, ""});
}

Values values_of_group(const CommandContext& context, const CandidateGroup& group) {
  Values values = context.values({group, 1}, 0);
  std::erase_if(values, [](const auto& entry) { return entry.first == "batch"; });
  return values;
}

CommandContext context_of(const CommandSettings& settings, const std::vector<Rule>& rules,
                          const Model& model, const LoadOptions& options) {
  return {settings, rules, options.seed, model.name, model.file ? model.file->path : "",
          options.input_file};
}

void run_cleanup(const CommandContext& context, const Values& values, Seconds patience) {
  if (context.settings.cleanup.empty()) return;
  auto child = Child::start(substitute(context.settings.cleanup, values),
                            context.environment(values), Input::none, context.rules);
  if (child) (void)(*child)->wait_for(patience);
}

Outcome<std::unique_ptr<LoadedModel>> CommandModel::load(const CommandSettings& settings,
                                                         const std::vector<Rule>& rules,
                                                         const Model& model,
                                                         const LoadOptions& options) {
  CommandContext context = context_of(settings, rules, model, options);
  BT_TRY_VOID(check_input(context));
  Values values = values_of_group(context, options.group);
  std::unique_ptr<CommandModel> loaded(new CommandModel(std::move(context), std::move(values)));
  if (!settings.setup.empty()) BT_TRY_VOID(loaded->set_up());
  return std::unique_ptr<LoadedModel>(std::move(loaded));
}

Outcome<void> CommandModel::set_up() {
  const Stopwatch stopwatch;
  auto child = Child::start(substitute(context_.settings.setup, values_),
                            context_.environment(values_), Input::none, context_.rules);
  if (!child)
    return tl::unexpected(
        Ending{TrialStatus::failed, "--setup did not start", to_string(child.error()), ""});
  (*child)->wait();
  load_seconds_ = stopwatch.seconds();
  if (ended_well(**child)) return {};
  Ending ending = ending_of(**child, context_.rules, "");
  ending.reason = "--setup: " + ending.reason;
  return tl::unexpected(std::move(ending));
}

CommandModel::~CommandModel() {
  run_cleanup(context_, values_, kCleanupPatience);
}

Outcome<std::unique_ptr<Program>> CommandModel::prepare(const Candidate& candidate) {
  if (candidate.batch < 1) return tl::unexpected(runtime::unsupported("a batch is at least 1"));
  if (candidate.group.instances != 1)
    return tl::unexpected(Ending{TrialStatus::unsupported,
                                 "a command runs as one instance; use --instances 1", "", ""});
  return context_.settings.timing == Timing::server ? servers_.prepare(candidate)
                                                    : start_each_time(context_, candidate);
}

class CommandBackend final : public Backend {
 public:
  CommandBackend(CommandSettings settings, std::vector<Rule> rules)
      : settings_(std::move(settings)), rules_(std::move(rules)) {}

  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  CommandSettings settings_;
  std::vector<Rule> rules_;
};

// Which device the program uses is its own affair.
DeviceInfo CommandBackend::describe() {
  DeviceInfo info;
  info.name = "command";
  info.backend = "command";
  info.version =
      settings_.command.empty() ? "any program, by --command" : made_printable(settings_.command);
  info.cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return info;
}

Outcome<std::unique_ptr<LoadedModel>> CommandBackend::load(const Model& model,
                                                           const LoadOptions& options,
                                                           LoadReport& report) {
  if (settings_.command.empty())
    return tl::unexpected(Ending{TrialStatus::unsupported, "there is no --command", "", ""});
  report.effective.push_back({"command", settings_.command, "--command"});
  report.effective.push_back({"time", std::string(name_of(settings_.timing)), "--time"});
  report.effective.push_back({"outputs", std::string("not checked"), "a command's cannot be read"});
  return CommandModel::load(settings_, rules_, model, options);
}

// The program that a command begins with, where that is plain to see; else "".
std::string first_word(const std::string& command) {
  const std::string word = command.substr(0, command.find(' '));
  const bool plain = std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '/' || c == '.' || c == '_' || c == '-' || c == '+';
  });
  return plain ? word : "";
}

// So that a slip of the pen ends before anything is measured.
Status check_program(const CommandSettings& settings) {
  const std::string word = first_word(settings.command);
  if (word.empty()) return {};
  const std::vector<Rule> none;
  BT_TRY(child, Child::start("command -v '" + word + "'", settings.environment, Input::none, none));
  child->wait();
  if (ended_well(*child)) return {};
  return environment_error("a command whose program is there and may be executed",
                           "no such program: " + word, "--command",
                           "Give its path, or a shell command that begins with a program of $PATH");
}

}  // namespace

void clean_up(const Model& model, const LoadOptions& options) {
  const auto settings = parse_settings(options.parameters);
  if (!settings) return;  // nothing was loaded with these
  const CommandContext context = context_of(*settings, {}, model, options);
  run_cleanup(context, values_of_group(context, options.group), kCleanupPatienceOfParent);
}

Result<std::unique_ptr<Backend>> create_backend(const std::string& parameters) {
  if (parameters.empty())
    return std::make_unique<CommandBackend>(CommandSettings{}, built_in_rules());
  BT_TRY(settings, parse_settings(parameters));
  BT_TRY(rules, rules_with(settings.rules));
  BT_TRY_VOID(check_program(settings));
  return std::make_unique<CommandBackend>(std::move(settings), std::move(rules));
}

}  // namespace batchtune::command
