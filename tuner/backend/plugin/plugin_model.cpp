#include "tuner/backend/plugin/plugin_model.h"

#include <algorithm>
#include <utility>

#include "tuner/backend/inputs.h"
#include "tuner/backend/plugin/model_source.h"
#include "tuner/backend/plugin/plugin_program.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/resident.h"
#include "tuner/backend/runtime/tolerance.h"

namespace batchtune::plugin {
namespace {

using runtime::unsupported;

Outcome<void> check_options(const PluginDevice& device, const LoadOptions& options) {
  const CandidateGroup& group = options.group;
  if (group.threads < 1 || group.instances < 1)
    return tl::unexpected(unsupported("threads and instances must be at least 1"));
  if (group.instances > 1 && (device.info().flags & BT_RUNS_SIDE_BY_SIDE) == 0)
    return tl::unexpected(unsupported("the plugin " + device.library().name() +
                                      " runs one program at a time: no instances side by side"));
  if (!options.isa.empty())
    return tl::unexpected(unsupported("a plugin has no instruction sets: --isa is not for it"));
  return {};
}

}  // namespace

PluginModel::PluginModel(const PluginDevice& device, const Model& model, const LoadOptions& options)
    : device_(device),
      model_(model),
      group_(options.group),
      handle_(nullptr, device.table().unload),
      instances_(options.group.instances) {}

Outcome<std::unique_ptr<PluginModel>> PluginModel::load(const PluginDevice& device,
                                                        const Model& model,
                                                        const LoadOptions& options,
                                                        const runtime::OnnxSource& onnx) {
  BT_TRY_VOID(check_options(device, options));
  std::unique_ptr<PluginModel> loaded(new PluginModel(device, model, options));
  BT_TRY(samples, inputs_of(loaded->model_, options));
  loaded->samples_ = std::move(samples);
  const ModelSource source(loaded->model_, options, onnx);
  const std::string what = "load " + model.name;
  const bool looks = device.memory_kind() == MemoryKind::rss;
  const Bytes before = looks ? runtime::settled_resident_bytes() : 0;
  const Seconds start = steady_seconds();
  bt_model* raw = nullptr;
  const bt_status status = device.table().load(device.handle(), &source.options(), &raw);
  loaded->load_seconds_ = steady_seconds() - start;
  BT_TRY_VOID(device.outcome(status, what));
  if (raw == nullptr) return made_nothing(what);
  loaded->handle_.reset(raw);
  if (looks)
    loaded->grown_by_loading_ = std::max<Bytes>(0, runtime::settled_resident_bytes() - before);
  return loaded;
}

Outcome<std::unique_ptr<Program>> PluginModel::prepare(const Candidate& candidate) {
  BT_TRY_VOID(runtime::check_candidate(candidate, group_));
  BT_TRY(program, PluginProgram::prepare(*this, candidate.batch));
  return std::unique_ptr<Program>(std::move(program));
}

// Of types that are coarser than bf16 a device makes the same of a sample at every batch, or not at
// all.
double PluginModel::output_tolerance() const {
  const bool full = group_.dtype == DType::f32;
  return runtime::output_tolerance(model_, full ? DType::f32 : DType::bf16);
}

}  // namespace batchtune::plugin
