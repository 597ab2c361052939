#include "tuner/measure/layer_profile.h"

#include <algorithm>
#include <utility>

#include "tuner/measure/racing_worker.h"
#include "tuner/measure/solo_questions.h"
#include "tuner/measure/visit.h"
#include "tuner/measure/worker_process.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

using namespace protocol;

constexpr int kWarmRuns = 2;

// As ask(); an answer that did not go well is its ending.
template <typename Answer>
Result<Outcome<Answer>> ask_whole(WorkerProcess& worker, const Request& request, Seconds timeout) {
  BT_TRY(answer, ask<Answer>(worker, request, timeout));
  if (answer && answer->ending.status != TrialStatus::ok)
    return Outcome<Answer>(tl::unexpected(answer->ending));
  return answer;
}

Profiled ended(Ending ending) {
  Profiled profiled;
  profiled.ending = std::move(ending);
  return profiled;
}

Outcome<Seconds> median_run(Program& program, int runs, const std::function<void()>& beat) {
  std::vector<Seconds> seconds;
  for (int i = 0; i < kWarmRuns + runs; ++i) {
    BT_TRY(times, program.run(1));
    if (Ending ending = check_durations(times); ending.status != TrialStatus::ok)
      return tl::unexpected(std::move(ending));
    if (i >= kWarmRuns)
      seconds.push_back(*std::max_element(times.seconds.begin(), times.seconds.end()));
    beat();
  }
  return median(seconds);
}

}  // namespace

Result<Profiled> profile_alone(const MeasuredBackend& backend, const std::string& model_json,
                               const Candidate& candidate, const ProfileOptions& options) {
  WorkerStart start{backend_spec(backend)};
  start.clean_up = backend.clean_up;
  BT_TRY(worker, WorkerProcess::start(std::move(start)));
  const Load load{kOnlyLoad, model_json,
                  load_options(backend, candidate.group, backend.parameters, options.seed),
                  std::nullopt, false};
  BT_TRY(loaded, ask_whole<Loaded>(*worker, load, options.timeout));
  if (!loaded) return ended(loaded.error());
  Prepare prepare{kOnlyLoad, kOnlyProgram, candidate};
  prepare.check = false;
  BT_TRY(prepared, ask_whole<Prepared>(*worker, prepare, options.timeout));
  if (!prepared) return ended(prepared.error());
  BT_TRY(profiled, ask_whole<Profiled>(*worker, Profile{kOnlyProgram, options.runs}, options.timeout));
  if (!profiled) return ended(profiled.error());
  return std::move(*profiled);
}

Profiled profile_program(Program& program, int runs, const std::function<void()>& beat) {
  Profiled profiled;
  const Ending thrown = ending_of_exceptions([&] {
    const auto run = median_run(program, std::max(1, runs), beat);
    if (!run) {
      profiled.ending = run.error();
      return;
    }
    profiled.run = *run;
    auto layers = program.profile(std::max(1, runs));
    if (layers)
      profiled.layers = std::move(*layers);
    else
      profiled.ending = layers.error();
  });
  if (thrown.status != TrialStatus::ok) profiled.ending = thrown;
  return profiled;
}

}  // namespace batchtune
