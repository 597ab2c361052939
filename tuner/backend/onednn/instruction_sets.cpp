#include "tuner/backend/onednn/instruction_sets.h"

#include <array>
#include <optional>

#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/isa.h"
#include "tuner/backend/runtime/endings.h"

namespace batchtune::onednn {
namespace {

using kernels::Isa;

struct Limit {
  Isa isa;
  dnnl_cpu_isa_t limit;
};
constexpr std::array<Limit, 4> kLimits{{{Isa::avx2, dnnl_cpu_isa_avx2},
                                        {Isa::avx512, dnnl_cpu_isa_avx512_core},
                                        {Isa::avx512bf16, dnnl_cpu_isa_avx512_core_bf16},
                                        {Isa::amx, dnnl_cpu_isa_avx512_core_amx}}};

std::optional<std::string> settled;  // of this process

tl::unexpected<Ending> unsupported(const std::string& reason) {
  return tl::unexpected(runtime::unsupported(reason));
}

Outcome<void> set_limit(const std::string& widest) {
  const std::optional<Isa> isa = kernels::parse_isa(widest);
  if (!isa) return unsupported("no instruction set is called \"" + widest + "\"");
  if (const std::string why = kernels::why_not(*isa); !why.empty())
    return unsupported(widest + " cannot run here: " + why);
  for (const Limit& each : kLimits)
    if (each.isa == *isa) {
      const dnnl_status_t status = dnnl_set_max_cpu_isa(each.limit);
      if (status == dnnl_success) return {};
      return unsupported("oneDNN refused the limit to " + widest + " (status " +
                         std::to_string(status) + ")");
    }
  return unsupported("oneDNN cannot be limited to " + widest);
}

}  // namespace

Outcome<void> limit_instruction_sets(const std::string& widest) {
  if (settled == widest) return {};
  if (settled)
    return unsupported("oneDNN's instruction sets are settled once per process: " +
                       (settled->empty() ? "all" : "up to " + *settled) + ", not " +
                       (widest.empty() ? "all" : widest));
  if (!widest.empty()) BT_TRY_VOID(set_limit(widest));
  settled = widest;
  return {};
}

std::string instruction_set_in_force() {
  switch (static_cast<int>(dnnl_get_effective_cpu_isa())) {
    case dnnl_cpu_isa_sse41:
      return "sse41";
    case dnnl_cpu_isa_avx:
      return "avx";
    case dnnl_cpu_isa_avx2:
      return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
      return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core:
      return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
      return "avx512_core_amx";
#if DNNL_VERSION_MAJOR >= 3
    case dnnl_cpu_isa_avx2_vnni_2:
      return "avx2_vnni_2";
    case dnnl_cpu_isa_avx512_core_fp16:
      return "avx512_core_fp16";
    case dnnl_cpu_isa_avx512_core_amx_fp16:
      return "avx512_core_amx_fp16";
#endif
    default:
      return "oneDNN's number " + std::to_string(static_cast<int>(dnnl_get_effective_cpu_isa()));
  }
}

std::string expected_instruction_set(DType dtype) {
  const auto name_if = [](Isa isa) {
    return kernels::supported(isa) ? std::string(kernels::name_of(isa)) : "";
  };
  if (dtype == DType::bf16)
    for (const Isa isa : {Isa::amx, Isa::avx512bf16, Isa::avx512})
      if (kernels::supported(isa)) return name_if(isa);
  if (dtype == DType::bf16) return "";
  return kernels::supported(Isa::avx512) ? name_if(Isa::avx512) : name_if(Isa::avx2);
}

}  // namespace batchtune::onednn
