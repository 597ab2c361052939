// What can be loaded, on which kernels, and how a refusal is said.
#include <algorithm>

#include "tests/backend/cpu_support.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Model small() {
  return build_zoo_model("mlp@width=64,depth=1").value();
}

Ending refusal(const LoadOptions& options) {
  cpu::CpuBackend backend;
  LoadReport report;
  const auto loaded = backend.load(small(), options, report);
  REQUIRE_FALSE(loaded);
  return loaded.error();
}

std::string setting(const LoadReport& report, std::string_view name) {
  for (const Setting& each : report.effective)
    if (each.name == name) return to_string(each.value);
  return "";
}

}  // namespace

TEST_CASE("a fast kernel is proven once per machine before it is used", "[cpu]") {
  if (!kernels::supported(kernels::Isa::avx2))
    BT_SKIP("this machine has the reference kernels alone");
  cpu::CpuBackend backend;
  LoadReport first, second, third;
  REQUIRE(backend.load(small(), options_of(DType::f32), first));
  CHECK_FALSE(first.newly_proven_kernels.empty());
  CHECK(first.refuted_kernels.empty());
  REQUIRE(backend.load(small(), options_of(DType::f32), second));
  CHECK(second.newly_proven_kernels.empty());

  LoadOptions known = options_of(DType::f32);
  known.proven_kernels = first.newly_proven_kernels;
  cpu::CpuBackend fresh;
  REQUIRE(fresh.load(small(), known, third));
  CHECK(third.newly_proven_kernels.empty());
}

TEST_CASE("a kernel that was refuted is left out and the next best is used", "[cpu]") {
  if (!kernels::supported(kernels::Isa::avx2))
    BT_SKIP("this machine has the reference kernels alone");
  cpu::Verdicts verdicts;
  LoadReport report;
  const auto best =
      cpu::choose_kernels(kernels::Dtype::f32, kernels::machine_isas(), verdicts, report);
  const std::string name(kernels::name_of(*best.gemm));
  verdicts.proven.erase(name);
  verdicts.refuted.insert(name);
  const auto next =
      cpu::choose_kernels(kernels::Dtype::f32, kernels::machine_isas(), verdicts, report);
  CHECK(kernels::name_of(*next.gemm) != name);
  CHECK(next.gemm == next.conv.gemm);
}

TEST_CASE("every instruction set of this machine can be chosen and takes effect", "[cpu]") {
  for (const kernels::Isa isa : kernels::kAllIsas) {
    LoadOptions options = options_of(DType::f32);
    options.isa = kernels::name_of(isa);
    INFO(options.isa);
    if (!kernels::supported(isa)) {
      CHECK(refusal(options).reason.find(options.isa) != std::string::npos);
      continue;
    }
    cpu::CpuBackend backend;
    LoadReport report;
    const auto loaded = backend.load(small(), options, report);
    REQUIRE(loaded);
    CHECK(kernels::parse_isa(setting(report, "isa")) <= isa);
    auto program = (*loaded)->prepare({options.group, 2});
    REQUIRE(program);
    (*program)->set_input(options.seed);
    REQUIRE((*program)->run(1));
    CHECK((*program)->read_output(2)->size() == 128);
  }
}

TEST_CASE("what the backend cannot do is unsupported, with the reason", "[cpu]") {
  for (const DType dtype : {DType::f16, DType::int8, DType::tf32, DType::fp8}) {
    const Ending ending = refusal(options_of(dtype));
    CHECK(ending.status == TrialStatus::unsupported);
    CHECK(ending.reason.find(name_of(dtype)) != std::string::npos);
  }
  LoadOptions options = options_of(DType::f32);
  for (const int instances : {0, -1, 1'000'000}) {
    options.group.instances = instances;
    CHECK(refusal(options).status == TrialStatus::unsupported);
  }
  CHECK(refusal(options_of(DType::f32, 0)).status == TrialStatus::unsupported);
  CHECK(refusal(options_of(DType::f32, 1'000'000)).status == TrialStatus::unsupported);
  options = options_of(DType::f32);
  options.isa = "sse9";
  CHECK(refusal(options).reason == "no kernels for instruction set \"sse9\"");
}

TEST_CASE("operations that are counted alone are unsupported, and what helps is named", "[cpu]") {
  Model model = small();
  Op op;
  op.name = "y";
  op.kind = OpKind::foreign;
  op.operation = "Erf";
  op.inputs = {model.output};
  op.output = model.ops.back().output;
  model.ops.push_back(op);
  REQUIRE(infer_shapes(model));
  cpu::CpuBackend backend;
  LoadReport report;
  const auto loaded = backend.load(model, options_of(DType::f32), report);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().status == TrialStatus::unsupported);
  CHECK(loaded.error().reason.find("1 (the first: Erf)") != std::string::npos);
  CHECK(loaded.error().reason.find("ONNX file") != std::string::npos);
}

TEST_CASE("a candidate of another group is refused", "[cpu]") {
  const auto model = load_ok(small(), options_of(DType::f32, 1));
  Candidate candidate{options_of(DType::f32, 2).group, 1};
  CHECK(model->prepare(candidate).error().reason.find("loaded for") != std::string::npos);
  candidate.group.threads = 1;
  CHECK(model->prepare(candidate));
  candidate.group.dims["seq"] = 4;
  CHECK(model->prepare(candidate).error().status == TrialStatus::unsupported);
}

TEST_CASE("the device names the processor and the instruction sets in use", "[cpu]") {
  const DeviceInfo info = cpu::CpuBackend().describe();
  CHECK(info.backend == "cpu");
  CHECK(info.name.find(" CPU") != std::string::npos);
  CHECK(info.cores >= 1);
  CHECK(info.memory_bytes.value() > 1e8);
  CHECK(info.peaks.empty());
  REQUIRE(info.isa_in_use.size() == 2);
  CHECK(kernels::parse_isa(info.isa_in_use[0].second));
}

TEST_CASE("the instruction sets that a device is described with are those that models run on",
          "[cpu]") {
  cpu::CpuBackend backend;
  for (const auto& [dtype, isa] : backend.describe().isa_in_use) {
    LoadReport report;
    REQUIRE(backend.load(small(), options_of(dtype), report));
    CHECK(setting(report, "isa") == isa);
  }
}

TEST_CASE("kernels are listed with the reason why one is not usable", "[cpu]") {
  const std::vector<KernelInfo> all = cpu::list_kernels();
  CHECK(std::any_of(all.begin(), all.end(), [](const KernelInfo& k) { return k.usable; }));
  for (const KernelInfo& kernel : all) {
    INFO(kernel.name);
    CHECK(kernel.usable == kernel.reason.empty());
    CHECK(kernel.name.find(kernel.isa) != std::string::npos);
  }
}
