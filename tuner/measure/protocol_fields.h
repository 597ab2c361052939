// The members of every type that crosses the pipe, each listed once for writing and for reading.
// Private to protocol.cpp.
#pragma once

#include "tuner/measure/protocol.h"

namespace batchtune::protocol {

// Fields<T>::visit(object, f) calls f(name, member) for each member; object may be const.
template <typename T>
struct Fields;

// Last<E>: the largest enumerator, to check what is read.
template <typename E>
inline constexpr E kLast{};
template <>
inline constexpr DType kLast<DType> = DType::int8;
template <>
inline constexpr TrialStatus kLast<TrialStatus> = TrialStatus::failed;
template <>
inline constexpr MemoryKind kLast<MemoryKind> = MemoryKind::device;
template <>
inline constexpr FigureOrigin kLast<FigureOrigin> = FigureOrigin::user;
template <>
inline constexpr ErrorKind kLast<ErrorKind> = ErrorKind::environment;

template <>
struct Fields<CandidateGroup> {
  static void visit(auto& x, auto&& f) {
    f("backend", x.backend), f("dtype", x.dtype), f("threads", x.threads);
    f("instances", x.instances), f("dims", x.dims), f("cores", x.cores), f("variant", x.variant);
    f("compiled_batch", x.compiled_batch);
  }
};
template <>
struct Fields<Candidate> {
  static void visit(auto& x, auto&& f) { f("group", x.group), f("batch", x.batch); }
};
template <>
struct Fields<Ending> {
  static void visit(auto& x, auto&& f) {
    f("status", x.status), f("reason", x.reason), f("evidence", x.evidence), f("where", x.where);
  }
};
template <>
struct Fields<MemoryUse> {
  static void visit(auto& x, auto&& f) {
    f("weights", x.weights), f("activations", x.activations), f("workspace", x.workspace);
    f("kind", x.kind);
  }
};
template <>
struct Fields<Error> {
  static void visit(auto& x, auto&& f) {
    f("kind", x.kind), f("wanted", x.wanted), f("found", x.found), f("where", x.where);
    f("todo", x.todo);
  }
};
template <>
struct Fields<Setting> {
  static void visit(auto& x, auto&& f) {
    f("name", x.name), f("value", x.value), f("origin", x.origin);
  }
};
template <>
struct Fields<LoadOptions> {
  static void visit(auto& x, auto&& f) {
    f("group", x.group), f("seed", x.seed), f("account_limit", x.account_limit), f("isa", x.isa);
    f("proven_kernels", x.proven_kernels), f("parameters", x.parameters);
    f("variant_arguments", x.variant_arguments), f("input_file", x.input_file);
  }
};
template <>
struct Fields<LoadReport> {
  static void visit(auto& x, auto&& f) {
    f("newly_proven_kernels", x.newly_proven_kernels), f("refuted_kernels", x.refuted_kernels);
    f("effective", x.effective), f("compiled", x.compiled);
  }
};
template <>
struct Fields<LayerTime> {
  static void visit(auto& x, auto&& f) {
    f("name", x.name), f("kind", x.kind), f("seconds", x.seconds);
  }
};
template <>
struct Fields<Peak> {
  static void visit(auto& x, auto&& f) {
    f("dtype", x.dtype), f("isa", x.isa), f("flops_per_second", x.flops_per_second);
    f("origin", x.origin), f("source", x.source);
  }
};
template <>
struct Fields<MemoryLevel> {
  static void visit(auto& x, auto&& f) {
    f("name", x.name), f("capacity_bytes", x.capacity_bytes);
    f("bytes_per_second", x.bytes_per_second), f("origin", x.origin), f("source", x.source);
  }
};
template <>
struct Fields<DeviceInfo> {
  static void visit(auto& x, auto&& f) {
    f("name", x.name), f("backend", x.backend), f("version", x.version), f("peaks", x.peaks);
    f("memory_levels", x.memory_levels), f("memory_bytes", x.memory_bytes);
    f("run_overhead", x.run_overhead), f("layer_overhead", x.layer_overhead), f("cores", x.cores);
    f("load_seconds", x.load_seconds), f("simulated", x.simulated), f("isa_in_use", x.isa_in_use);
    f("default_dtype", x.default_dtype), f("compiles_elsewhere", x.compiles_elsewhere);
  }
};
template <>
struct Fields<KernelInfo> {
  static void visit(auto& x, auto&& f) {
    f("name", x.name), f("operation", x.operation), f("dtype", x.dtype), f("isa", x.isa);
    f("usable", x.usable), f("reason", x.reason);
  }
};

template <>
struct Fields<Hello> {
  static constexpr char kName[] = "hello";
  static void visit(auto& x, auto&& f) {
    f("backend_spec", x.backend_spec), f("parent_pid", x.parent_pid);
    f("canary_cpus", x.canary_cpus);
  }
};
template <>
struct Fields<Load> {
  static constexpr char kName[] = "load";
  static void visit(auto& x, auto&& f) {
    f("load", x.load), f("model_json", x.model_json), f("options", x.options);
    f("address_space", x.address_space), f("limit_after_loading", x.limit_after_loading);
  }
};
template <>
struct Fields<Unload> {
  static constexpr char kName[] = "unload";
  static void visit(auto& x, auto&& f) { f("load", x.load); }
};
template <>
struct Fields<Prepare> {
  static constexpr char kName[] = "prepare";
  static void visit(auto& x, auto&& f) {
    f("load", x.load), f("program", x.program), f("candidate", x.candidate);
    f("check", x.check), f("verify", x.verify);
  }
};
template <>
struct Fields<CompileAhead> {
  static constexpr char kName[] = "compile_ahead";
  static void visit(auto& x, auto&& f) { f("load", x.load), f("candidate", x.candidate); }
};
template <>
struct Fields<PlannedVisit> {
  static void visit(auto& x, auto&& f) {
    f("program", x.program), f("warm", x.warm), f("timed", x.timed);
  }
};
template <>
struct Fields<Share> {
  static constexpr char kName[] = "share";
  static void visit(auto& x, auto&& f) { f("visits", x.visits), f("watch", x.watch); }
};
template <>
struct Fields<Release> {
  static constexpr char kName[] = "release";
  static void visit(auto& x, auto&& f) { f("program", x.program); }
};
template <>
struct Fields<Soak> {
  static constexpr char kName[] = "soak";
  static void visit(auto& x, auto&& f) { f("program", x.program), f("seconds", x.seconds); }
};
template <>
struct Fields<Profile> {
  static constexpr char kName[] = "profile";
  static void visit(auto& x, auto&& f) { f("program", x.program), f("runs", x.runs); }
};
template <>
struct Fields<Describe> {
  static constexpr char kName[] = "describe";
  static void visit(auto&, auto&&) {}
};
template <>
struct Fields<ListKernels> {
  static constexpr char kName[] = "list_kernels";
  static void visit(auto&, auto&&) {}
};
template <>
struct Fields<Quit> {
  static constexpr char kName[] = "quit";
  static void visit(auto&, auto&&) {}
};

template <>
struct Fields<Usage> {
  static void visit(auto& x, auto&& f) {
    f("involuntary_switches", x.involuntary_switches), f("minor_faults", x.minor_faults);
    f("major_faults", x.major_faults);
  }
};
template <>
struct Fields<CanaryReading> {
  static void visit(auto& x, auto&& f) {
    f("compute", x.compute), f("cache", x.cache), f("clock_hz", x.clock_hz);
    f("exchange", x.exchange), f("compute_cycles", x.compute_cycles);
  }
};
template <>
struct Fields<Loaded> {
  static constexpr char kName[] = "loaded";
  static void visit(auto& x, auto&& f) {
    f("ending", x.ending), f("load_seconds", x.load_seconds);
    f("shares_weights", x.shares_weights), f("report", x.report);
  }
};
template <>
struct Fields<Prepared> {
  static constexpr char kName[] = "prepared";
  static void visit(auto& x, auto&& f) {
    f("ending", x.ending), f("prepare_seconds", x.prepare_seconds), f("first_run", x.first_run);
    f("memory", x.memory), f("compile_seconds", x.compile_seconds), f("spent", x.spent), f("output", x.output);
  }
};
template <>
struct Fields<Visited> {
  static void visit(auto& x, auto&& f) {
    f("program", x.program), f("ending", x.ending), f("warm", x.warm), f("instances", x.instances);
    f("usage", x.usage), f("gap", x.gap), f("extra", x.extra);
  }
};
template <>
struct Fields<ShareDone> {
  static constexpr char kName[] = "share_done";
  static void visit(auto& x, auto&& f) {
    f("visits", x.visits), f("bursts", x.bursts), f("canaries", x.canaries);
  }
};
template <>
struct Fields<Soaked> {
  static constexpr char kName[] = "soaked";
  static void visit(auto& x, auto&& f) {
    f("ending", x.ending), f("runs", x.runs), f("spent", x.spent);
  }
};
template <>
struct Fields<Profiled> {
  static constexpr char kName[] = "profiled";
  static void visit(auto& x, auto&& f) {
    f("ending", x.ending), f("run", x.run), f("layers", x.layers);
  }
};
template <>
struct Fields<Described> {
  static constexpr char kName[] = "described";
  static void visit(auto& x, auto&& f) { f("device", x.device); }
};
template <>
struct Fields<KernelsListed> {
  static constexpr char kName[] = "kernels_listed";
  static void visit(auto& x, auto&& f) { f("kernels", x.kernels); }
};
template <>
struct Fields<Refused> {
  static constexpr char kName[] = "refused";
  static void visit(auto& x, auto&& f) { f("error", x.error); }
};

}  // namespace batchtune::protocol
