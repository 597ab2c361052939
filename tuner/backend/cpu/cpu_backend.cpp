#include "tuner/backend/cpu/cpu_backend.h"

#include <algorithm>
#include <new>
#include <system_error>

#include "kernels/arena.h"
#include "tuner/backend/cpu/cpu_model.h"

namespace batchtune::cpu {
namespace {

void report_settings(const LoadOptions& options, const KernelChoice& kernels, bool pinned,
                     LoadReport& report) {
  const auto add = [&](std::string name, Value value) {
    report.effective.push_back({std::move(name), std::move(value), "cpu backend"});
  };
  add("isa", std::string(kernels::name_of(kernels::isa_of(*kernels.gemm))));
  add("gemm_kernel", std::string(kernels::name_of(*kernels.gemm)));
  add("threads", std::int64_t{options.group.threads});
  add("instances", std::int64_t{options.group.instances});
  add("pinned", pinned);
}

}  // namespace

// Peaks and bandwidth are for calibration to say.
DeviceInfo CpuBackend::describe() {
  DeviceInfo info;
  info.name =
      host_.processor + ", " + std::to_string(host_.cpus) + (host_.cpus == 1 ? " CPU" : " CPUs");
  info.backend = "cpu";
  info.version = kernels::arena_library();
  info.memory_bytes = static_cast<double>(host_.memory);
  info.cores = host_.cpus;
  for (const auto& [dtype, kernel_dtype] :
       {std::pair{DType::f32, kernels::Dtype::f32}, {DType::bf16, kernels::Dtype::bf16}})
    info.isa_in_use.emplace_back(dtype, kernels::name_of(product_isa(kernel_dtype)));
  return info;
}

Outcome<std::unique_ptr<LoadedModel>> CpuBackend::load(const Model& model,
                                                       const LoadOptions& options,
                                                       LoadReport& report) {
  try {
    BT_TRY(dtype, supported_dtype(options.group));
    BT_TRY(allowed, allowed_isas(options.isa));
    verdicts_.proven.insert(options.proven_kernels.begin(), options.proven_kernels.end());
    const KernelChoice kernels = choose_kernels(dtype, allowed, verdicts_, report);
    const Bytes most = std::min(host_.memory, read_host().available);
    BT_TRY(loaded, CpuModel::load(model, options, kernels, most, read_));
    report_settings(options, kernels, loaded->instances().arena(0).pinned(), report);
    return std::unique_ptr<LoadedModel>(std::move(loaded));
  } catch (const std::bad_alloc&) {
    return tl::make_unexpected(out_of_host_memory(0, "loading " + model.name));
  } catch (const std::system_error& error) {
    return tl::make_unexpected(no_thread(error));
  }
}

}  // namespace batchtune::cpu
