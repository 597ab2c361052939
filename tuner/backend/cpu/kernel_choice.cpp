#include "tuner/backend/cpu/kernel_choice.h"

#include "kernels/probe/product_isas.h"
#include "kernels/tensor/vector_table.h"

namespace batchtune::cpu {
namespace {

// The tables of products hide their rows, the others do not.
template <typename Kernel>
std::string_view name_of(const Kernel& kernel) {
  return kernel.name;
}
template <typename Kernel>
kernels::Isa isa_of(const Kernel& kernel) {
  return kernel.isa;
}
template <typename Kernel>
kernels::Dtype dtype_of(const Kernel& kernel) {
  return kernel.dtype;
}
using kernels::dtype_of;
using kernels::isa_of;
using kernels::name_of;
using kernels::prove;

// Proves kernels of one operation, best first, until one holds.
class Chooser {
 public:
  Chooser(kernels::Dtype dtype, Verdicts& verdicts, LoadReport& report)
      : dtype_(dtype), verdicts_(verdicts), report_(report) {}

  // The reference needs no proof: it is the twin.
  template <typename Kernel>
  const Kernel* best(const Kernel& (*select)(kernels::Dtype, kernels::IsaMask,
                                             std::span<const std::string_view>),
                     kernels::IsaMask allowed) {
    while (true) {
      const std::vector<std::string_view> left_out(verdicts_.refuted.begin(),
                                                   verdicts_.refuted.end());
      const Kernel& kernel = select(dtype_, allowed, left_out);
      const std::string name(name_of(kernel));
      if (isa_of(kernel) == kernels::Isa::reference || verdicts_.proven.count(name) != 0)
        return &kernel;
      const bool right = prove(kernel).passed;
      (right ? verdicts_.proven : verdicts_.refuted).insert(name);
      (right ? report_.newly_proven_kernels : report_.refuted_kernels).push_back(name);
    }
  }

 private:
  kernels::Dtype dtype_;
  Verdicts& verdicts_;
  LoadReport& report_;
};

// There are loops of f32 alone.
const kernels::tensor::VectorKernel& select_tensor(kernels::Dtype, kernels::IsaMask allowed,
                                                   std::span<const std::string_view> left_out) {
  return kernels::tensor::select_vector(allowed, left_out);
}

// Tables hold rows or pointers to them.
template <typename Kernel>
const Kernel& row_of(const Kernel& row) {
  return row;
}
template <typename Kernel>
const Kernel& row_of(const Kernel* row) {
  return *row;
}

template <typename Kernels>
void list(const Kernels& table, const char* operation, std::vector<KernelInfo>& out) {
  for (const auto& row : table) {
    const auto& kernel = row_of(row);
    const kernels::Isa isa = isa_of(kernel);
    out.push_back({std::string(name_of(kernel)), operation, kernels::name_of(dtype_of(kernel)),
                   std::string(kernels::name_of(isa)), kernels::supported(isa),
                   kernels::why_not(isa)});
  }
}

}  // namespace

Outcome<kernels::IsaMask> allowed_isas(const std::string& widest) {
  if (widest.empty()) return kernels::machine_isas();
  const std::optional<kernels::Isa> isa = kernels::parse_isa(widest);
  std::string reason;
  if (!isa)
    reason = "no kernels for instruction set \"" + widest + "\"";
  else if (!kernels::supported(*isa))
    reason = "instruction set " + widest + ": " + kernels::why_not(*isa);
  if (!reason.empty()) return tl::make_unexpected(Ending{TrialStatus::unsupported, reason, "", ""});
  return kernels::machine_isas() & kernels::up_to(*isa);
}

KernelChoice choose_kernels(kernels::Dtype dtype, kernels::IsaMask allowed, Verdicts& verdicts,
                            LoadReport& report) {
  Chooser chooser(dtype, verdicts, report);
  KernelChoice choice;
  choice.gemm = chooser.best(&kernels::select_gemm, probe::product_isas(dtype, allowed));
  choice.conv = {.gemm = choice.gemm,
                 .depthwise = chooser.best(&kernels::select_depthwise, allowed)};
  choice.pool = chooser.best(&kernels::select_pool, allowed);
  choice.norm = chooser.best(&kernels::select_norm, allowed);
  choice.elementwise = chooser.best(&kernels::select_elementwise, allowed);
  choice.tensor = choose_tensor_kernels(allowed, verdicts, report);
  return choice;
}

kernels::tensor::Kernels choose_tensor_kernels(kernels::IsaMask allowed, Verdicts& verdicts,
                                               LoadReport& report) {
  Chooser of_f32(kernels::Dtype::f32, verdicts, report);
  return {of_f32.best(&select_tensor, allowed),
          of_f32.best(&kernels::select_gemm, probe::product_isas(kernels::Dtype::f32, allowed))};
}

kernels::Isa product_isa(kernels::Dtype dtype) {
  return kernels::isa_of(
      kernels::select_gemm(dtype, probe::product_isas(dtype, kernels::machine_isas())));
}

std::vector<KernelInfo> list_kernels() {
  std::vector<KernelInfo> out;
  list(kernels::gemm_kernels(), "matmul, conv2d", out);
  list(kernels::depthwise_kernels(), "depthwise conv2d", out);
  list(kernels::pool_kernels(), "pooling", out);
  list(kernels::norm_kernels(), "softmax, layer_norm, rms_norm", out);
  list(kernels::elementwise_kernels(), "add, multiply, activation, embedding", out);
  list(kernels::tensor::vector_kernels(), "operations of imported models", out);
  return out;
}

}  // namespace batchtune::cpu
