// How a model runs on a device. Three small abstract classes: a Backend loads a model once, the
// LoadedModel prepares candidates, a Program runs batches. All calls on objects of one backend come
// from one thread. Expected failures are Endings (out_of_memory is an answer, not a fault); nothing
// throws across this seam.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "tuner/core/candidate.h"
#include "tuner/core/device.h"
#include "tuner/core/error.h"
#include "tuner/core/observation.h"
#include "tuner/core/value.h"
#include "tuner/workload/model.h"

namespace batchtune {

template <typename T>
using Outcome = tl::expected<T, Ending>;

enum class ClockKind { host, device, virtual_clock };

// Durations of n consecutive runs. With k instances all k run side by side, one batch after the
// other without waiting for each other: `seconds[i]` is tagged `instance[i]`, n entries for each in
// their order. Each duration is one under the load of all: they start together, and one that is
// done goes on with runs that do not count until all are.
struct RunTimes {
  std::vector<Seconds> seconds;
  std::vector<int> instance;
  ClockKind clock = ClockKind::host;
};

// What one operation took of a run.
struct LayerTime {
  std::string name;  // as the runtime calls it; of the Model's operation where that is known
  std::string kind;  // "Conv", "FusedConv+Relu"; "" where it is not known
  Seconds seconds = 0;

  bool operator==(const LayerTime&) const = default;
};

class Program {
 public:
  virtual ~Program() = default;

  // n >= 1 runs of one batch, of each instance. The time is of the runs alone.
  virtual Outcome<RunTimes> run(int n) = 0;

  // Sample i of the input becomes workload's seeded sample i (weights.h), in every instance. Called
  // before the first run.
  virtual void set_input(std::uint64_t seed) = 0;

  // The result tensor of the last run as f32, [instances, batch, output shape]; of each instance at
  // most `samples` first samples.
  virtual Outcome<std::vector<float>> read_output(std::int64_t samples) = 0;

  // Of all instances; exact where kind is account. Weights that are shared are counted once, and
  // in full.
  virtual MemoryUse memory() const = 0;

  // Seconds that preparing took on a clock other than the host's; nullopt: whoever called prepare()
  // times it.
  virtual std::optional<Seconds> prepare_seconds() const { return std::nullopt; }

  // Of preparing, seconds waited for a compiler on other hardware than the device's; 0: it was compiled before.
  // nullopt: nothing is compiled.
  virtual std::optional<Seconds> compile_seconds() const { return std::nullopt; }

  // Time of each operation in order, the median of `runs` >= 1 profiled runs: profiling slows runs, so they are
  // never those that are measured. Empty where the backend cannot tell.
  virtual Outcome<std::vector<LayerTime>> profile(int runs) {
    static_cast<void>(runs);
    return std::vector<LayerTime>{};
  }

  // run(1) is going to follow so many times in a row. For those that make several runs in one go (a
  // process that is started for them); nobody else need care.
  virtual void announce(int runs) { static_cast<void>(runs); }

  // Seconds since the last call that passed for runs and are in no duration: starting a process.
  // Budgets pay them.
  virtual Seconds take_extra() { return 0; }
};

class LoadedModel {
 public:
  virtual ~LoadedModel() = default;
  // Whether its programs use one copy (of exact accounts: their instances too): memory().weights is
  // then counted once for all of them.
  virtual bool shares_weights() const = 0;
  virtual Seconds load_seconds() const = 0;

  // The program must not outlive this object. Status out_of_memory when the account limit is
  // passed.
  virtual Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) = 0;

  // Starts compiling it in the background, where DeviceInfo::compiles_elsewhere; prepare() waits for the rest. A
  // hint: what fails is told by prepare().
  virtual void compile_ahead(const Candidate& candidate) { static_cast<void>(candidate); }

  // Largest absolute difference that outputs of the same sample may have between batch sizes,
  // relative to the output's largest magnitude (stated from dtype and the largest K).
  virtual double output_tolerance() const = 0;
};

struct LoadOptions {
  CandidateGroup group;    // that all its programs are of
  std::uint64_t seed = 1;  // of weights
  std::optional<Bytes>
      account_limit;  // on everything the backend accounts (weights, activations, workspace)
  std::string isa;    // widest instruction set allowed; "" for the best there is
  std::vector<std::string>
      proven_kernels;      // notes: kernels that proved right on this machine before
  std::string parameters;  // of the backend's own ("wall=2GiB,hang=16" for simulated)
  std::string variant_arguments;  // what group.variant stands for: added to the compiler's arguments
  std::string input_file;  // .npz with samples that set_input() takes instead of seeded ones; "" for none

  bool operator==(const LoadOptions&) const = default;
};

struct LoadReport {
  std::vector<std::string> newly_proven_kernels;  // to be kept as notes
  std::vector<std::string> refuted_kernels;  // gave wrong results against their twin: never used
  std::vector<Setting> effective;            // settings in force ("isa", "pinned", ...)
  std::vector<std::int64_t> compiled;        // batches of the group that are compiled already

  bool operator==(const LoadReport&) const = default;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual DeviceInfo describe() = 0;
  virtual Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                                     LoadReport& report) = 0;
};

// Kernels that a backend has, for `list kernels`: usable here or the reason why not.
struct KernelInfo {
  std::string name, operation, dtype, isa;
  bool usable = false;
  std::string reason;  // why not; empty when usable

  bool operator==(const KernelInfo&) const = default;
};

struct RuntimeLibrary;  // runtime/finder.h

// One row of the constant table of backends.
struct BackendEntry {
  const char* name;
  const char* description;
  const char* module;  // "cpu": lib/batchtune/cpu.so; nullptr when it is part of the executable
  bool simulated;
  MemoryKind memory_kind;  // account: the boundary is exact under its limit
  Result<std::unique_ptr<Backend>> (*create)(const std::string& parameters);  // nullptr for modules
  bool on_host_cpu = false;  // computes on this machine's processor: calibrated figures are its own
  const RuntimeLibrary* runtime = nullptr;  // that users install, and it loads; nullptr: none
  bool one_instance = false;  // has no instances side by side: none are tried unless asked for
};

// What a module exports (extern "C", C++ types: refused unless kBuildId is equal).
struct BackendModule {
  const char* build_id;
  Backend* (*create)(
      const char* parameters);  // the caller owns it; nullptr: parameters not understood
  std::vector<KernelInfo> (*kernels)();
};
inline constexpr char kModuleEntryPoint[] = "batchtune_backend_module";  // const BackendModule* ()

}  // namespace batchtune
