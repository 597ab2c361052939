#include "tuner/backend/command/server.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "tuner/backend/command/endings.h"
#include "tuner/backend/command/latencies.h"
#include "tuner/core/stopwatch.h"

namespace batchtune::command {
namespace {

using Json = nlohmann::json;

constexpr Seconds kQuitPatience = 1;  // a worker that is to quit has two seconds (tuner/measure)

Ending broken(const std::string& wanted, const std::string& line) {
  return {TrialStatus::failed, "the server's answer is wrong: wanted " + wanted,
          "stdout: " + made_printable(line), ""};
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Json preparation(const CommandContext& context, const Candidate& candidate, int program) {
  const CandidateGroup& group = candidate.group;
  Json about{{"program", program},
             {"batch", candidate.batch},
             {"threads", group.threads},
             {"instances", group.instances},
             {"dtype", std::string(name_of(group.dtype))},
             {"seed", context.seed},
             {"dims", group.dims},
             {"model", context.model}};
  if (!context.model_path.empty()) about["model_file"] = context.model_path;
  if (!context.input.empty()) about["input"] = context.input;
  return {{"prepare", std::move(about)}};
}

class ServedProgram final : public CommandProgram {
 public:
  ServedProgram(std::shared_ptr<Server> server, int number)
      : server_(std::move(server)), number_(number) {}
  ~ServedProgram() override;

  Outcome<void> prepare(const Json& request, Seconds before);
  // Of a server for all it is the same for each, and counted once.
  MemoryUse memory() const override {
    return server_->many() ? MemoryUse{memory_, 0, 0, MemoryKind::rss}
                           : MemoryUse{0, 0, memory_, MemoryKind::rss};
  }

 private:
  Outcome<MadeRuns> make_runs(int runs) override;
  Outcome<void> ask_memory();

  std::shared_ptr<Server> server_;
  int number_;
  bool ready_ = false;
  Bytes memory_ = 0;
};

ServedProgram::~ServedProgram() {
  if (server_->many() && ready_ && server_->runs())
    (void)server_->ask({{"release", true}, {"program", number_}}, "released");
}

Outcome<void> ServedProgram::prepare(const Json& request, Seconds before) {
  const Stopwatch stopwatch;
  BT_TRY(answer, server_->ask(request, "ready"));
  if (answer["ready"] != true) return tl::unexpected(broken("\"ready\": true", text_of(answer)));
  ready_ = true;
  BT_TRY_VOID(make_first_run(before + stopwatch.seconds()));
  return ask_memory();
}

// What it holds once it has run.
Outcome<void> ServedProgram::ask_memory() {
  BT_TRY(answer, server_->ask({{"memory", true}, {"program", number_}}, "memory"));
  const Json& bytes = answer["memory"];
  if (bytes.is_null()) {
    memory_ = server_->peak_resident();
    return {};
  }
  if (!bytes.is_number_integer() || bytes.get<Bytes>() < 0)
    return tl::unexpected(broken("\"memory\" in bytes, or null", text_of(answer)));
  memory_ = bytes.get<Bytes>();
  return {};
}

Outcome<MadeRuns> ServedProgram::make_runs(int runs) {
  const Stopwatch stopwatch;
  BT_TRY(answer, server_->ask({{"run", runs}, {"program", number_}}, "latencies"));
  MadeRuns made;
  made.passed = stopwatch.seconds();
  auto latencies = latencies_in(answer);
  if (!latencies || latencies->size() != static_cast<std::size_t>(runs))
    return tl::unexpected(broken(std::to_string(runs) + " latencies in seconds",
                                 latencies ? text_of(answer) : latencies.error()));
  made.latencies = std::move(*latencies);
  return made;
}

}  // namespace

Outcome<std::shared_ptr<Server>> Server::start(const CommandContext& context,
                                               const Values& values) {
  auto child = Child::start(substitute(context.settings.command, values),
                            context.environment(values), Input::pipe, context.rules);
  if (!child)
    return tl::unexpected(
        Ending{TrialStatus::failed, "the server did not start", to_string(child.error()), ""});
  std::shared_ptr<Server> server(new Server(context, std::move(*child)));
  BT_TRY_VOID(server->greet());
  return server;
}

Server::~Server() {
  (void)child_->send_line(text_of({{"quit", true}}));
  child_->close_input();
  (void)child_->wait_for(kQuitPatience);
}

Outcome<void> Server::greet() {
  BT_TRY(hello, receive("batchtune"));
  if (hello["batchtune"] != kServerProtocol)
    return tl::unexpected(
        broken("\"batchtune\": " + std::to_string(kServerProtocol) + ", the protocol's version",
               text_of(hello)));
  many_ = hello.value("many", Json(false)) == true;
  return {};
}

Outcome<Json> Server::ask(const Json& request, const char* key) {
  if (child_->send_line(text_of(request))) return receive(key);
  child_->kill();  // it does not listen any more
  return tl::unexpected(ending_of(*child_, context_.rules, "the server reads nothing any more"));
}

Outcome<Json> Server::receive(const char* key) {
  while (const auto line = child_->receive_line()) {
    if (!line->starts_with('{')) continue;
    Json answer = Json::parse(*line, nullptr, false);
    if (answer.is_object() && answer.contains("error")) return tl::unexpected(told_error(answer));
    if (!answer.is_object() || !answer.contains(key))
      return tl::unexpected(broken("\"" + std::string(key) + "\"", *line));
    return answer;
  }
  if (child_->output_cut())
    return tl::unexpected(broken("a line of at most " + format_bytes(kMostOutput), "a longer one"));
  child_->wait();
  return tl::unexpected(
      ending_of(*child_, context_.rules,
                "the server ended instead of answering with \"" + std::string(key) + "\""));
}

Ending Server::told_error(const Json& answer) const {
  const auto member = [&](const char* name) {
    const auto found = answer.find(name);
    return found != answer.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string error = member("error");
  const std::string evidence = "server: " + made_printable(error);
  const auto status = parse_trial_status(member("status"));
  const std::size_t rule = find_rule(context_.rules, error);
  if (status && *status != TrialStatus::ok)
    return {*status, "the server says so", evidence,
            *status != TrialStatus::out_of_memory ? ""
            : member("where") == "host"           ? "host"
                                                  : "device"};
  if (rule < context_.rules.size())
    return {context_.rules[rule].status, "the server says so", evidence,
            context_.rules[rule].where};
  return {TrialStatus::failed, "the server says so", evidence, ""};
}

Outcome<std::shared_ptr<Server>> Servers::server_for(const Candidate& candidate) {
  if (for_all_ != nullptr && for_all_->runs()) return for_all_;
  BT_TRY(server, Server::start(context_, context_.values(candidate, 0)));
  for_all_ = server->many() ? server : nullptr;
  return server;
}

Outcome<std::unique_ptr<Program>> Servers::prepare(const Candidate& candidate) {
  const Stopwatch stopwatch;
  BT_TRY(server, server_for(candidate));
  const int number = next_program_++;
  auto program = std::make_unique<ServedProgram>(std::move(server), number);
  BT_TRY_VOID(program->prepare(preparation(context_, candidate, number), stopwatch.seconds()));
  return std::unique_ptr<Program>(std::move(program));
}

}  // namespace batchtune::command
