// What is asked of a worker that has one program.
#pragma once

#include <utility>
#include <variant>

#include "tuner/core/error.h"
#include "tuner/measure/protocol.h"
#include "tuner/measure/worker_process.h"

namespace batchtune {

inline constexpr TrialId kOnlyProgram = 1;
inline constexpr int kOnlyLoad = 1;

// The answer of the expected type, whatever its own ending is; how the worker ended where there is none. Errors: the
// backend cannot be had.
template <typename Answer>
Result<Outcome<Answer>> ask(WorkerProcess& worker, const protocol::Request& request, Seconds timeout) {
  worker.send(request);
  auto reply = worker.receive(timeout);
  if (!reply) return Outcome<Answer>(tl::unexpected(reply.error()));
  if (const auto* refused = std::get_if<protocol::Refused>(&*reply)) return tl::unexpected(refused->error);
  auto* answer = std::get_if<Answer>(&*reply);
  if (answer == nullptr) return Outcome<Answer>(tl::unexpected(worker.out_of_step()));
  return Outcome<Answer>(std::move(*answer));
}

}  // namespace batchtune
