#include "tuner/cli/devices.h"

#include <utility>

#include "kernels/isa.h"
#include "kernels/probe/product_isas.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/calibration.h"
#include "tuner/cli/runtimes.h"
#include "tuner/measure/queries.h"

namespace batchtune {
namespace {

Result<kernels::Isa> allowed_isa(const std::string& text) {
  std::string known;
  for (const kernels::Isa isa : kernels::kAllIsas)
    known += (known.empty() ? "" : ", ") + std::string(kernels::name_of(isa));
  const auto isa = kernels::parse_isa(text);
  if (!isa) return bad_input("an instruction set: " + known, "'" + text + "'", "--isa");
  if (!kernels::supported(*isa))
    return environment_error("a CPU with " + text, kernels::why_not(*isa), "--isa");
  return *isa;
}

// The measured figures under the backend's own name, version and choice of kernels.
Calibration merge(const DeviceInfo& described, Calibration measured) {
  DeviceInfo& device = measured.device;
  device.backend = described.backend;
  device.version = described.version;
  device.default_dtype = described.default_dtype;
  device.compiles_elsewhere = described.compiles_elsewhere;
  device.isa_in_use = described.isa_in_use;
  device.run_overhead = described.run_overhead;
  device.layer_overhead = described.layer_overhead;
  return measured;
}

// The widest that is allowed and worth its while, if the backend would use a wider one.
void limit_isa(DeviceInfo& device, kernels::Isa widest) {
  const kernels::IsaMask allowed = kernels::machine_isas() & kernels::up_to(widest);
  for (auto& [dtype, isa] : device.isa_in_use) {
    const auto in_use = kernels::parse_isa(isa);
    if (!in_use || *in_use <= widest) continue;
    const auto kernel_dtype = dtype == DType::f32 ? kernels::Dtype::f32 : kernels::Dtype::bf16;
    for (const kernels::Isa candidate : kernels::kAllIsas)
      if (contains(probe::product_isas(kernel_dtype, allowed), candidate))
        isa = kernels::name_of(candidate);
  }
}

}  // namespace

DeviceInfo named_here(DeviceInfo described, const std::string& spec) {
  const BackendEntry* const entry = find_backend(split_backend_spec(spec).name);
  if (entry != nullptr && entry->on_host_cpu && !is_plugin(*entry)) described.name = this_machine();
  return described;
}

Result<OpenDevice> open_device(const std::string& spec, const std::string& isa, Store& store,
                               bool quiet) {
  OpenDevice open{
      .spec = spec, .entry = find_backend(split_backend_spec(spec).name), .figures = {}};
  std::optional<kernels::Isa> widest;
  if (!isa.empty()) {
    BT_TRY(allowed, allowed_isa(isa));
    widest = allowed;
  }
  hand_down_library(spec);
  BT_TRY(described, describe_backend(spec));
  if (open.entry->on_host_cpu) {
    BT_TRY(measured, obtain_calibration(store, quiet));
    open.figures = merge(described, std::move(measured));
    if (is_plugin(*open.entry)) open.figures.device.name = described.name;
  } else {
    open.figures.device = std::move(described);
  }
  if (widest) limit_isa(open.figures.device, *widest);
  return open;
}

}  // namespace batchtune
