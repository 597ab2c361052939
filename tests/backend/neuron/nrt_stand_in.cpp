// A STAND-IN for AWS's libnrt.so.1, for tests alone: the synchronous C interface by declarations of
// its own (from the public headers, not from tuner/backend/neuron/abi.h, so that one holds the
// other), on memory of the host. It executes no NEFF: a result is a made-up function of the inputs
// and the weights of its sample. It checks every argument and the life of every handle, and ends
// the process where a caller breaks them.
//
// BATCHTUNE_NRT_STAND_IN, NAME=VALUE;... read by nrt_init:
//   init, load, allocate, execute, write, read = status that the call gives
//   log = what it writes to stderr before it fails
//   execute_from = number of the first execution that fails (1)
//   memory = bytes of each core (1 GiB); what is above fails as libnrt does
//   stats = bytes_limit that it says
//   version = 2.34.10
//   family = of the instance (4: inf2)
//   latency = seconds of a run, and as much again for every 8 samples
//   host = seconds of each run before it has the core
//   cores = that the process has, where NEURON_RT_VISIBLE_CORES does not say it (1)
//   info = status of nrt_get_model_tensor_info
//   segv = 1: nrt_execute ends the process, as it has been seen to
//   hang = 1: nrt_execute never returns
//   device = trn1: time and family of a core of that (slower = so many times, to be seen at all)
#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "tests/backend/neuron/nrt_stand_in_core.h"

namespace {

using stand_in::Described;
using stand_in::Model;
using stand_in::Set;
using stand_in::Tensor;

struct nrt_tensor_info_t {
  char name[256];
  int usage;
  size_t size;
  int dtype;
  uint32_t* shape;
  uint32_t ndim;
};
struct nrt_version_t {
  uint64_t rt_major, rt_minor, rt_patch, rt_maintenance;
  char rt_detail[128];
  char git_hash[64];
};
struct nrt_vnc_memory_stats_t {
  size_t bytes_used, bytes_limit;
};
struct nrt_instance_info_t {
  uint32_t family, size;
  char arch_name[16];
  char device_revision[8];
};
static_assert(sizeof(nrt_tensor_info_t) == 296 && sizeof(nrt_version_t) == 224 &&
              sizeof(nrt_vnc_memory_stats_t) == 16 && sizeof(nrt_instance_info_t) == 32);

constexpr int kOk = 0, kFailure = 1, kInvalid = 2, kInvalidHandle = 3, kResource = 4,
              kUninitialized = 13;

struct Runtime {
  bool is_open = false;
  bool is_child = false;  // forked off after it was opened: of no use
  stand_in::Device device;
  std::set<Tensor*> tensors;
  std::set<Set*> sets;
  std::set<Model*> models;
  std::set<void*> infos;
  long executions = 0;
} runtime;

std::mutex counter;  // of executions

[[noreturn]] void misuse(const char* what) {
  std::fprintf(stderr, "nrt stand-in: %s\n", what);
  std::abort();
}

// The status that a call is told to give; it says why before.
int told(const char* call) {
  const int status = static_cast<int>(runtime.device.number(call, kOk));
  if (status != kOk && runtime.device.has("log"))
    std::fprintf(stderr, "%s\n", runtime.device.text("log", "").c_str());
  return status;
}

// Of every call but the first ones.
int state() {
  if (!runtime.is_open) return kUninitialized;
  if (!runtime.is_child) return kOk;
  std::fprintf(stderr, "Incompatible runtime state: NRT_STATE_CHILD\n");
  return kFailure;
}

bool has_core(int core) {
  return core >= 0 && core < runtime.device.cores();
}

}  // namespace

extern "C" {

int nrt_init(int framework, const char* version, const char* other) {
  if (framework != 1 || version == nullptr || other == nullptr)
    misuse("nrt_init: not NO_FW, \"\", \"\"");
  if (std::getenv("NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS") != nullptr)
    misuse("nrt_init with asynchronous executions");
  runtime.device.read_options();
  if (const int status = told("init"); status != kOk) return status;
  static const int watched = pthread_atfork(nullptr, nullptr, [] { runtime.is_child = true; });
  if (watched != 0) return kFailure;
  runtime.device.reset();
  runtime.is_open = true;
  runtime.executions = 0;
  return kOk;
}

void nrt_close() {
  if (!runtime.models.empty() || !runtime.tensors.empty() || !runtime.sets.empty() ||
      !runtime.infos.empty())
    misuse("nrt_close while there are models, tensors, sets or tensor infos");
  runtime.is_open = false;
}

int nrt_get_version(nrt_version_t* version, size_t size) {
  runtime.device.read_options();
  if (size != sizeof(*version)) return kInvalid;
  *version = {};
  std::snprintf(version->rt_detail, sizeof(version->rt_detail), "a stand-in of batchtune's tests");
  std::istringstream text(runtime.device.text("version", "2.34.10"));
  char dot = 0;
  text >> version->rt_major >> dot >> version->rt_minor >> dot >> version->rt_patch;
  return kOk;
}

int nrt_get_instance_info(nrt_instance_info_t* info, size_t size) {
  if (!runtime.is_open) return kUninitialized;
  if (size != sizeof(*info)) return kInvalid;
  const bool trn1 = runtime.device.text("device", "") == "trn1";
  *info = {static_cast<uint32_t>(runtime.device.number("family", trn1 ? 2 : 4)), 0, "stand-in", ""};
  return kOk;
}

int nrt_get_visible_vnc_count(uint32_t* count) {
  *count = static_cast<uint32_t>(runtime.device.cores());
  return kOk;
}

int nrt_get_vnc_memory_stats(uint32_t core, nrt_vnc_memory_stats_t* stats, size_t size,
                             size_t* size_out) {
  if (!runtime.is_open) return kUninitialized;
  if (!has_core(static_cast<int>(core)) || size != sizeof(*stats)) return kInvalid;
  const long memory = runtime.device.number("memory", 1L << 30);
  *stats = {runtime.device.core(static_cast<int>(core)).used,
            static_cast<size_t>(runtime.device.number("stats", memory))};
  *size_out = sizeof(*stats);
  return kOk;
}

int nrt_load(const void* neff, size_t size, int32_t core, int32_t count, Model** model) {
  if (const int status = state(); status != kOk) return status;
  if (!has_core(core) || count != -1) misuse("nrt_load: no core of this process, or the count is not -1");
  if (const int status = told("load"); status != kOk) return status;
  Model parsed;
  parsed.core = core;
  if (!parse_neff({static_cast<const char*>(neff), size}, parsed)) return 10;
  if (!runtime.device.take(core, parsed.own_bytes, "shared scratchpad")) return kResource;
  *model = *runtime.models.insert(new Model(parsed)).first;
  return kOk;
}

int nrt_unload(Model* model) {
  if (runtime.models.erase(model) == 0) misuse("nrt_unload of what is no model");
  runtime.device.core(model->core).used -= model->own_bytes;
  delete model;
  return kOk;
}

int nrt_get_model_tensor_info(Model* model, void** infos) {
  if (runtime.models.count(model) == 0) return kInvalidHandle;
  if (const int status = told("info"); status != kOk) return status;
  const size_t count = model->tensors.size();
  char* block = static_cast<char*>(std::calloc(1, 8 + count * sizeof(nrt_tensor_info_t)));
  const uint64_t count64 = count;
  std::memcpy(block, &count64, 8);
  for (size_t i = 0; i < count; ++i) {
    Described& one = model->tensors[i];
    nrt_tensor_info_t info{};
    std::snprintf(info.name, sizeof(info.name), "%s", one.name.c_str());
    info.usage = one.is_input ? 0 : 1;
    info.size = one.size;
    info.dtype = one.dtype;
    info.shape = one.shape.data();
    info.ndim = static_cast<uint32_t>(one.shape.size());
    std::memcpy(block + 8 + i * sizeof(info), &info, sizeof(info));
  }
  runtime.infos.insert(block);
  *infos = block;
  return kOk;
}

int nrt_free_model_tensor_info(void* infos) {
  if (runtime.infos.erase(infos) == 0) misuse("nrt_free_model_tensor_info of what is none");
  std::free(infos);
  return kOk;
}

int nrt_tensor_allocate(int placement, int core, size_t size, const char* name, Tensor** tensor) {
  if (const int status = state(); status != kOk) return status;
  if (placement != 0 || !has_core(core) || size == 0 || name == nullptr || std::strlen(name) >= 256)
    misuse("nrt_tensor_allocate: placement, core, size or name");
  if (const int status = told("allocate"); status != kOk) return status;
  if (!runtime.device.take(core, size, "tensors")) return kResource;
  *tensor = *runtime.tensors.insert(new Tensor{core, std::vector<char>(size)}).first;
  return kOk;
}

void nrt_tensor_free(Tensor** tensor) {
  if (runtime.tensors.erase(*tensor) == 0) misuse("nrt_tensor_free of what is no tensor");
  for (const Set* set : runtime.sets)
    for (const auto& [name, member] : *set)
      if (member == *tensor) misuse("nrt_tensor_free of a tensor that is in a set");
  runtime.device.core((*tensor)->core).used -= (*tensor)->bytes.size();
  delete *tensor;
  *tensor = nullptr;
}

int nrt_tensor_write(Tensor* tensor, const void* from, size_t offset, size_t size) {
  if (runtime.tensors.count(tensor) == 0) return kInvalidHandle;
  if (const int status = told("write"); status != kOk) return status;
  if (offset + size > tensor->bytes.size()) return kInvalid;
  std::memcpy(tensor->bytes.data() + offset, from, size);
  return kOk;
}

int nrt_tensor_read(const Tensor* tensor, void* to, size_t offset, size_t size) {
  if (runtime.tensors.count(const_cast<Tensor*>(tensor)) == 0) return kInvalidHandle;
  if (const int status = told("read"); status != kOk) return status;
  if (offset + size > tensor->bytes.size()) return kInvalid;
  std::memcpy(to, tensor->bytes.data() + offset, size);
  return kOk;
}

int nrt_allocate_tensor_set(void** set) {
  if (!runtime.is_open) return kUninitialized;
  *set = *runtime.sets.insert(new Set).first;
  return kOk;
}

void nrt_destroy_tensor_set(void** set) {
  if (runtime.sets.erase(static_cast<Set*>(*set)) == 0)
    misuse("nrt_destroy_tensor_set of what is no set");
  delete static_cast<Set*>(*set);
  *set = nullptr;
}

int nrt_add_tensor_to_tensor_set(void* set, const char* name, Tensor* tensor) {
  if (runtime.sets.count(static_cast<Set*>(set)) == 0 || runtime.tensors.count(tensor) == 0)
    return kInvalidHandle;
  (*static_cast<Set*>(set))[name] = tensor;
  return kOk;
}

int nrt_execute(Model* model, const void* inputs, void* outputs) {
  const auto* in = static_cast<const Set*>(inputs);
  auto* out = static_cast<Set*>(outputs);
  if (const int status = state(); status != kOk) return status;
  if (runtime.device.has("segv")) std::raise(SIGSEGV);
  while (runtime.device.has("hang")) std::this_thread::sleep_for(std::chrono::seconds(1));
  runtime.device.pass_host_time();
  if (runtime.models.count(model) == 0 || runtime.sets.count(const_cast<Set*>(in)) == 0 ||
      runtime.sets.count(out) == 0)
    return kInvalidHandle;
  const std::lock_guard<std::mutex> core(runtime.device.core(model->core).busy);
  if (!complete(*model, *in, true) || !complete(*model, *out, false)) return 1002;
  long number = 0;
  {
    const std::lock_guard<std::mutex> lock(counter);
    number = ++runtime.executions;
  }
  if (number >= runtime.device.number("execute_from", 1))
    if (const int status = told("execute"); status != kOk) return status;
  runtime.device.pass_time(*model);
  if (number <= runtime.device.number("computed", 1L << 30)) compute(*model, *in, *out);
  return kOk;
}

}  // extern "C"
