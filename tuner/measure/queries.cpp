#include "tuner/measure/queries.h"

#include <utility>

#include "tuner/measure/worker_process.h"

namespace batchtune {
namespace {

template <typename Answer>
Result<Answer> ask(const std::string& spec, const protocol::Request& question, Seconds timeout) {
  BT_TRY(worker, WorkerProcess::start(spec));
  worker->send(question);
  auto reply = worker->receive(timeout);
  const std::string wanted = "an answer of a worker process with the backend " + spec;
  if (!reply) return environment_error(wanted, reply.error().reason, reply.error().evidence);
  if (const auto* refused = std::get_if<protocol::Refused>(&*reply))
    return tl::unexpected(refused->error);
  if (auto* answer = std::get_if<Answer>(&*reply)) return std::move(*answer);
  return environment_error(wanted, "an answer to another question");
}

}  // namespace

Result<DeviceInfo> describe_backend(const std::string& spec, Seconds timeout) {
  BT_TRY(answer, ask<protocol::Described>(spec, protocol::Describe{}, timeout));
  return std::move(answer.device);
}

Result<std::vector<KernelInfo>> list_kernels(const std::string& spec, Seconds timeout) {
  BT_TRY(answer, ask<protocol::KernelsListed>(spec, protocol::ListKernels{}, timeout));
  return std::move(answer.kernels);
}

}  // namespace batchtune
