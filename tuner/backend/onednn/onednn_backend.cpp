#include "tuner/backend/onednn/onednn_backend.h"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include "kernels/tensor/vector.h"
#include "tuner/backend/onednn/instruction_sets.h"
#include "tuner/backend/onednn/onednn_model.h"
#include "tuner/backend/onednn/program.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/parameters.h"

namespace batchtune::onednn {
namespace {

constexpr int kMostThreads = 1024;  // beyond it something is wrong
// Primitives of all programs of a session, so that preparing one does not throw out another's
// code. The library's own limit (1024) is some ten programs of ResNet-50.
constexpr int kPrimitiveCache = 1 << 16;

tl::unexpected<Ending> unsupported(std::string reason) {
  return tl::unexpected(runtime::unsupported(std::move(reason)));
}

Outcome<void> check_group(const CandidateGroup& group) {
  if (group.dtype != DType::f32 && group.dtype != DType::bf16)
    return unsupported("the onednn backend runs f32 and bf16, not " +
                       std::string(name_of(group.dtype)));
  if (group.threads < 1 || group.threads > kMostThreads)
    return unsupported("threads must be from 1 to " + std::to_string(kMostThreads));
  if (group.instances < 1 || group.instances > kMostThreads / group.threads)
    return unsupported("instances must be from 1 to " +
                       std::to_string(kMostThreads / group.threads) + ", with " +
                       std::to_string(group.threads) + " threads each");
  return {};
}

void report_settings(const LoadOptions& options, const std::string& spinning, bool pinned,
                     LoadReport& report) {
  const auto add = [&](std::string name, Value value) {
    report.effective.push_back({std::move(name), std::move(value), "onednn backend"});
  };
  add("version", library_version());
  add("isa", instruction_set_in_force());
  add("threads", std::int64_t{options.group.threads});
  add("instances", std::int64_t{options.group.instances});
  add("pinned", pinned);
  add("spinning", spinning.empty() ? "not told" : spinning);
  add("primitive_cache", std::int64_t{dnnl::get_primitive_cache_capacity()});
}

// Of the calls of an ONNX file, where it has some.
void report_kernels(const kernels::tensor::Kernels& kernels, LoadReport& report) {
  if (kernels.vector == nullptr) return;
  const std::string names =
      std::string(kernels.vector->name) + ", " + std::string(kernels::name_of(*kernels.gemm));
  report.effective.push_back({"call_kernels", names, "onednn backend"});
}

}  // namespace

Result<Settings> parse_settings(const std::string& parameters) {
  constexpr std::array<std::string_view, 1> kKnown{"spinning"};
  if (parameters.empty()) return Settings{};
  BT_TRY(given, runtime::parse_parameters(parameters, kKnown, "onednn"));
  const std::string& spinning = given.at("spinning");
  const bool is_number = spinning.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number && spinning != "active" && spinning != "passive" && spinning != "infinity")
    return bad_input("a number of pauses, active, passive or infinity", "\"" + spinning + "\"",
                     "onednn, spinning");
  return Settings{spinning};
}

// Peaks and bandwidth are for calibration to say.
DeviceInfo OneDnnBackend::describe() {
  DeviceInfo info;
  info.name =
      host_.processor + ", " + std::to_string(host_.cpus) + (host_.cpus == 1 ? " CPU" : " CPUs");
  info.backend = "onednn";
  info.version = library_version();
  info.memory_bytes = static_cast<double>(host_.memory);
  info.cores = host_.cpus;
  for (const DType dtype : {DType::f32, DType::bf16})
    info.isa_in_use.emplace_back(dtype, expected_instruction_set(dtype));
  return info;
}

Outcome<std::unique_ptr<LoadedModel>> OneDnnBackend::load(const Model& model,
                                                          const LoadOptions& options,
                                                          LoadReport& report) {
  const std::string what = "oneDNN could not load " + model.name;
  try {
    BT_TRY_VOID(check_group(options.group));
    BT_TRY_VOID(limit_instruction_sets(options.isa));
    dnnl::set_primitive_cache_capacity(kPrimitiveCache);
    const Bytes most = std::min(host_.memory, cpu::read_host().available);
    BT_TRY(source, source_of(model, options.seed, options.group.dtype, read_));
    kernels::tensor::Kernels call_kernels;
    if (source.has_calls()) {
      BT_TRY(allowed, cpu::allowed_isas(options.isa));
      verdicts_.proven.insert(options.proven_kernels.begin(), options.proven_kernels.end());
      call_kernels = cpu::choose_tensor_kernels(allowed, verdicts_, report);
    }
    BT_TRY(loaded, OneDnnModel::load(std::move(source), options, call_kernels, most));
    report_settings(options, settings_.spinning, loaded->lanes(0).pinned(), report);
    report_kernels(call_kernels, report);
    return std::unique_ptr<LoadedModel>(std::move(loaded));
  } catch (const std::bad_alloc&) {
    return tl::unexpected(runtime::no_memory(what));
  } catch (const std::system_error& error) {
    return tl::unexpected(no_thread(error));
  } catch (const dnnl::error& error) {
    return tl::unexpected(ending_of(error, what));
  }
}

}  // namespace batchtune::onednn
