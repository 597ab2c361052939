// What the cpu backend's tests share: loading and preparing without ceremony.
#pragma once

#include "tests/support/catch.h"
#include "tuner/backend/cpu/cpu_backend.h"
#include "tuner/backend/cpu/program.h"

namespace batchtune::test {

inline LoadOptions options_of(DType dtype, int threads = 2) {
  LoadOptions options;
  options.group = {.backend = "cpu", .dtype = dtype, .threads = threads, .dims = {}};
  return options;
}

inline std::unique_ptr<cpu::CpuModel> load_ok(const Model& model, const LoadOptions& options) {
  cpu::CpuBackend backend;
  LoadReport report;
  auto loaded = backend.load(model, options, report);
  INFO((loaded ? "" : loaded.error().reason + " " + loaded.error().evidence));
  REQUIRE(loaded);
  CHECK(report.refuted_kernels.empty());
  return std::unique_ptr<cpu::CpuModel>(static_cast<cpu::CpuModel*>(loaded->release()));
}

inline std::unique_ptr<cpu::CpuProgram> prepare_ok(cpu::CpuModel& model, std::int64_t batch) {
  auto program = cpu::CpuProgram::prepare(model, batch);
  INFO((program ? "" : program.error().reason + " " + program.error().evidence));
  REQUIRE(program);
  (*program)->set_input(model.seed());
  return std::move(*program);
}

// Runs once and hands every operation's tensor over, [samples, shape] as f32.
template <typename Look>
void look_at_every_tensor(cpu::CpuModel& model, cpu::CpuProgram& program, std::int64_t samples,
                          Look look) {
  program.run_stepwise([&](OpIndex op, Seconds) {
    look(model.model().ops[static_cast<std::size_t>(op)], op, program.read_tensor(op, samples));
  });
}

}  // namespace batchtune::test
