#include "tuner/cli/declared_model.h"

#include <string>
#include <utility>

#include "tuner/backend/backend_list.h"
#include "tuner/backend/runtime/declared.h"
#include "tuner/backend/runtime/finder.h"
#include "tuner/cli/command.h"
#include "tuner/cli/runtimes.h"
#include "tuner/measure/queries.h"
#include "tuner/measure/solo_questions.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/opaque.h"

namespace batchtune {
namespace {

Result<Outcome<protocol::Loaded>> load_in_worker(const std::string& backend, const Model& model) {
  LoadOptions options;
  options.group = {backend, DType::f32, 1, 1, model.dims};
  BT_TRY(worker, WorkerProcess::start(backend));
  return ask<protocol::Loaded>(
      *worker, protocol::Load{kOnlyLoad, write_model(model), std::move(options), std::nullopt, false},
      kQueryTimeout);
}

}  // namespace

RuntimeDeclaration ask_runtime(const Model& model) {
  const std::string backend(format_of(model)->backend);
  hand_down_library(backend);
  RuntimeDeclaration declaration;
  declaration.runtime = find_backend(backend)->runtime->title;
  const auto answer = load_in_worker(backend, model);
  if (!answer) {
    declaration.trouble = to_string(answer.error());
    return declaration;
  }
  if (!*answer) {
    declaration.trouble = words_of(answer->error());
    return declaration;
  }
  const protocol::Loaded& loaded = **answer;
  if (loaded.ending.status != TrialStatus::ok) declaration.trouble = words_of(loaded.ending);
  for (const Setting& setting : loaded.report.effective) {
    if (setting.name == "version") declaration.runtime += " " + to_string(setting.value);
    if (setting.name == runtime::kInputsSetting) declaration.inputs = to_string(setting.value);
    if (setting.name == runtime::kOutputsSetting) declaration.outputs = to_string(setting.value);
    if (setting.name == runtime::kIdsSetting) declaration.ids = to_string(setting.value);
  }
  return declaration;
}

}  // namespace batchtune
