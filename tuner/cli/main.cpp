// The program: a worker when it is called as one, else one of the commands below.
// It sees every module; nothing includes it. Exceptions (bad_alloc) end here.
#include <csignal>
#include <exception>
#include <string_view>

#include "reports/report.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/command.h"
#include "tuner/cli/reference_backend.h"
#include "tuner/measure/worker.h"

namespace batchtune {
namespace {

constexpr Command kCommands[] = {
    {"tune", "search, measure and recommend a batch size", add_tune_command},
    {"estimate", "predict before measuring; needs no device", add_estimate_command},
    {"measure", "measure given batches, without a search", add_measure_command},
    {"calibrate", "measure this machine's peaks and bandwidths", add_calibrate_command},
    {"report", "show a stored session, also with other limits", add_report_command},
    {"compare", "hold two sessions against each other", add_compare_command},
    {"points", "the current deployment point of every model", add_points_command},
    {"plan", "batch sizes of a training job: global, replica, micro, accumulation", add_plan_command},
    {"describe", "operations, shapes and work of a model", add_describe_command},
    {"replay", "search strategies on recorded tables, without a device", add_replay_command},
    {"doctor", "what disturbs measuring on this machine", add_doctor_command},
    {"backend-check", "whether a backend or plugin keeps the contract", add_backend_check_command},
    {"list", "models, devices, backends, kernels, ops, sessions, formats, strategies, rules",
     add_list_command},
    {"export", "write a model as JSON", add_export_command},
};

// Known before the options are parsed, since their errors must come in the right form too.
bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--format=json") return true;
    if (word == "--format" && i + 1 < argc && argv[i + 1] == std::string_view("json")) return true;
  }
  return false;
}

int report_error(const Error& error, bool as_json) {
  say(to_string(error));
  if (as_json) (void)print_result(json_error(error));
  return exit_code(error);
}

int run(int argc, char** argv) {
  const bool as_json = wants_json(argc, argv);
  const Result<int> code = parse_and_run(argc, argv, kCommands);
  return code ? *code : report_error(code.error(), as_json);
}

}  // namespace
}  // namespace batchtune

int main(int argc, char** argv) try {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write()
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow (RLIMIT_FSIZE)
  std::signal(SIGCHLD, SIG_DFL);  // an ignored one is inherited and hides how workers end
  if (argc > 1 && argv[1] == std::string_view(batchtune::kWorkerCommand))
    return batchtune::run_worker(
        {batchtune::open_worker_backend, batchtune::kernels_of_backend, batchtune::make_canaries});
  return batchtune::run(argc, argv);
} catch (const std::exception& error) {
  batchtune::say(std::string("a fault of batchtune itself: ") + error.what());
  return batchtune::kEnvironment;
}
