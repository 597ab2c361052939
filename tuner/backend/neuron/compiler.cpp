#include "tuner/backend/neuron/compiler.h"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "tuner/backend/command/child.h"
#include "tuner/backend/command/endings.h"
#include "tuner/backend/command/substitution.h"
#include "tuner/backend/neuron/endings.h"

namespace batchtune::neuron {
namespace {

namespace fs = std::filesystem;
using command::Child;

constexpr char kLogFile[] = "log-neuron-cc.txt";
constexpr Seconds kVersionPatience = 120;  // Python imports the whole compiler for it
constexpr char kInstall[] =
    "pip install neuronx-cc --extra-index-url https://pip.repos.neuron.amazonaws.com, or give "
    "neff=model_b{batch}.neff";

Ending failed(std::string reason, std::string evidence) {
  return {TrialStatus::failed, std::move(reason), std::move(evidence), ""};
}

// "NeuronX Compiler version 2.26.1+abc" and the like: the first word that begins with a digit.
std::string version_in(const std::string& text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool begins = at == 0 || std::isspace(static_cast<unsigned char>(text[at - 1])) != 0;
    if (!begins || std::isdigit(static_cast<unsigned char>(text[at])) == 0) continue;
    std::size_t end = at;
    while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end])) == 0) ++end;
    return text.substr(at, end - at);
  }
  return "";
}

// Removed with all that is in it.
class WorkFolder {
 public:
  explicit WorkFolder(const fs::path& parent) {
    std::error_code ignored;
    fs::create_directories(parent, ignored);
    std::string pattern = (parent / "batchtune-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const std::string& path() const { return path_; }  // "" where it could not be made

 private:
  std::string path_;
};

// What the streams do not tell may be in the log that the compiler leaves beside the program.
Ending ending_of_compiler(const Child& child, const std::string& folder) {
  const auto& rules = compiler_rules();
  Ending ending = command::ending_of(child, rules, "neuronx-cc wrote no NEFF");
  const bool told = std::min(child.errors().rule(), child.printed().rule()) < rules.size();
  command::PrintedLines log(rules);
  if (const auto content = told ? std::nullopt : content_of(folder + "/" + kLogFile))
    log.add(*content);
  log.finish();
  if (log.rule() < rules.size())
    ending = {rules[log.rule()].status, "",
              std::string(kLogFile) + ": " + log.telling_line() + "; " + ending.evidence,
              rules[log.rule()].where};
  ending.reason = reason_of_compiler(ending);
  return ending;
}

// What the same compiler will say again of the same program.
bool is_final(const Ending& ending) {
  return ending.status == TrialStatus::unsupported ||
         (ending.status == TrialStatus::out_of_memory && ending.where == "compile");
}

}  // namespace

Result<Compiler> Compiler::find(const Settings& settings, const std::string& target) {
  const std::vector<command::Rule> no_rules;
  BT_TRY(child, Child::start("exec " + command::shell_quoted(settings.compiler) + " --version", {},
                             command::Input::none, no_rules, command::Family::own));
  const bool ended = child->wait_for(kVersionPatience);
  std::string version = version_in(child->output());
  if (version.empty() && !child->errors().last().empty())
    version = version_in(child->errors().last().back());
  if (ended && command::ended_well(*child) && !version.empty())
    return Compiler(settings, target, version);
  const std::string found =
      !ended ? "no version within two minutes"
             : command::ending_of(*child, no_rules, "no version in what it printed").reason;
  return environment_error("AWS Neuron's compiler, neuronx-cc", found, settings.compiler, kInstall);
}

std::string Compiler::arguments(const std::string& further) const {
  std::string arguments = "--framework XLA --target " + target_;
  if (!settings_.lnc.empty()) arguments += " --lnc " + settings_.lnc;
  for (const std::string* more : {&settings_.arguments, &further})
    if (!more->empty()) arguments += " " + *more;
  return arguments;
}

Outcome<Compiled> Compiler::compile(const Work& work, const std::stop_token& stop) const {
  if (auto found = cache_.find(work.program, work.entry.arguments)) {
    if (!*found) return tl::unexpected(found->error());
    return Compiled{std::move(**found), true};
  }
  const WorkFolder folder(cache_.parent());
  if (folder.path().empty())
    return tl::unexpected(
        failed("no folder to compile in", cache_.parent() + ": " + std::strerror(errno)));
  auto neff = compile_in(folder.path(), work, stop);
  const Ending* const failure = neff ? nullptr : &neff.error();
  if (failure == nullptr || is_final(*failure))
    cache_.keep(folder.path(), work.program, work.entry, failure);
  if (!neff) return tl::unexpected(std::move(neff.error()));
  return Compiled{std::move(*neff), false};
}

Outcome<std::string> Compiler::compile_in(const std::string& folder, const Work& work,
                                          const std::stop_token& stop) const {
  if (!write_content(folder + "/" + kProgramFile, work.program))
    return tl::unexpected(
        failed("the program could not be written", folder + ": " + std::strerror(errno)));
  const std::string line = "cd " + command::shell_quoted(folder) + " && exec " +
                           command::shell_quoted(settings_.compiler) + " compile " + kProgramFile +
                           " --output " + kNeffFile + " " + work.entry.arguments;
  auto child =
      Child::start(line, {}, command::Input::none, compiler_rules(), command::Family::own);
  if (!child) return tl::unexpected(failed("neuronx-cc did not start", to_string(child.error())));
  bool ended = false;
  {
    const std::stop_callback strike(stop, [&] { (*child)->strike(); });
    ended = (*child)->wait_for(settings_.compile_timeout);
  }
  if (!ended)
    return tl::unexpected(Ending{TrialStatus::timeout, "neuronx-cc did not end in time",
                                 "compile_timeout: " + format_seconds(settings_.compile_timeout),
                                 ""});
  if (stop.stop_requested()) return tl::unexpected(failed("compiling was stopped", ""));
  auto neff = content_of(folder + "/" + kNeffFile);
  if (!command::ended_well(**child) || !neff || neff->empty())
    return tl::unexpected(ending_of_compiler(**child, folder));
  return std::move(*neff);
}

}  // namespace batchtune::neuron
