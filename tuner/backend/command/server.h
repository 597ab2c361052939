// A program that stays and answers: JSON objects, one a line, on its stdin and stdout. It begins
// with its hello; then each request has one answer:
//   (hello)                                          {"batchtune": 1, "many": false}
//   {"prepare": {"program": 1, "batch": 8, ...}}     {"ready": true}
//   {"run": 3, "program": 1}                         {"latencies": [0.012, 0.011, 0.011]}
//   {"memory": true, "program": 1}                   {"memory": 123456}, in bytes, or null
//   {"release": true, "program": 1}                  {"released": true}; only where many
//   {"quit": true}                                   none: it ends
// Where something fails: {"error": "text"}, with "status" and "where" where it knows them; else the
// rules are asked about the text. Lines that do not begin with "{" are logs.
#pragma once

#include <memory>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "tuner/backend/command/child.h"
#include "tuner/backend/command/program.h"

namespace batchtune::command {

inline constexpr int kServerProtocol = 1;

class Server {
 public:
  // Started and greeted. `context` must outlive it.
  static Outcome<std::shared_ptr<Server>> start(const CommandContext& context,
                                                const Values& values);
  ~Server();  // asks it to quit, and kills it where it does not
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  bool many() const { return many_; }  // holds several programs
  bool runs() const { return !child_->wait_status(); }
  Bytes peak_resident() const { return child_->peak_resident(); }

  // The answer to a request, which has `key`; else an Ending: an error that it told, an answer that
  // is none, its death.
  Outcome<nlohmann::json> ask(const nlohmann::json& request, const char* key);

 private:
  Server(const CommandContext& context, std::unique_ptr<Child> child)
      : context_(context), child_(std::move(child)) {}
  Outcome<nlohmann::json> receive(const char* key);
  Outcome<void> greet();
  Ending told_error(const nlohmann::json& answer) const;

  const CommandContext& context_;
  std::unique_ptr<Child> child_;
  bool many_ = false;
};

// Programs of servers: one server for each, or one for all where it says so. Owned by the loaded
// model; programs hold their server, which therefore ends with the last of them.
class Servers {
 public:
  explicit Servers(const CommandContext& context) : context_(context) {}
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate);

 private:
  Outcome<std::shared_ptr<Server>> server_for(const Candidate& candidate);

  const CommandContext& context_;
  std::shared_ptr<Server> for_all_;  // shared with its programs, which may be released later
  int next_program_ = 1;
};

}  // namespace batchtune::command
