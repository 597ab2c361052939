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
//   memory = bytes of the core (1 GiB); what is above fails as libnrt does
//   stats = bytes_limit that it says
//   version = 2.34.10
//   family = of the instance (4: inf2)
//   latency = seconds of a run, and as much again for every 8 samples
//   host = seconds of each run before it has the core
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

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

constexpr int kOk = 0, kInvalid = 2, kInvalidHandle = 3, kResource = 4, kUninitialized = 13;
constexpr int kF32 = 0xA, kBf16 = 0x6;

struct Tensor {
  std::vector<char> bytes;
};
using Set = std::map<std::string, Tensor*>;
struct Described {
  std::string name;
  bool is_input;
  int dtype;
  size_t size;
  std::vector<uint32_t> shape;
};
struct Model {
  std::vector<Described> tensors;
  size_t own_bytes = 0;  // code and scratch memory
};

struct Runtime {
  bool is_open = false;
  std::map<std::string, std::string> options;
  std::set<Tensor*> tensors;
  std::set<Set*> sets;
  std::set<Model*> models;
  std::set<void*> infos;
  size_t used = 0;
  long executions = 0;
} runtime;

std::mutex the_core;  // executes one program at a time

[[noreturn]] void misuse(const char* what) {
  std::fprintf(stderr, "nrt stand-in: %s\n", what);
  std::abort();
}

long number(const char* name, long otherwise) {
  const auto found = runtime.options.find(name);
  return found == runtime.options.end() ? otherwise : std::stol(found->second);
}

// The status that a call is told to give; it says why before.
int told(const char* call) {
  const int status = static_cast<int>(number(call, kOk));
  if (status != kOk && runtime.options.count("log") != 0)
    std::fprintf(stderr, "%s\n", runtime.options["log"].c_str());
  return status;
}

void read_options() {
  runtime.options.clear();
  const char* text = std::getenv("BATCHTUNE_NRT_STAND_IN");
  std::istringstream stream(text == nullptr ? "" : text);
  for (std::string one; std::getline(stream, one, ';');)
    if (const size_t equals = one.find('='); equals != std::string::npos)
      runtime.options[one.substr(0, equals)] = one.substr(equals + 1);
}

bool take(size_t bytes, const char* usage) {
  if (runtime.used + bytes <= static_cast<size_t>(number("memory", 1L << 30))) {
    runtime.used += bytes;
    return true;
  }
  std::fprintf(stderr,
               "2026-Nov-30 20:00:00.0 1:1 ERROR TDRV:dmem_alloc_internal Failed to alloc DEVICE "
               "memory: %zu\n"
               "2026-Nov-30 20:00:00.0 1:1 ERROR TDRV:log_dev_mem Failed to allocate %.3fMB "
               "(usage: %s) on ND 0:NC 0\n",
               bytes, static_cast<double>(bytes) / 1e6, usage);
  return false;
}

bool parse_neff(const std::string& text, Model& model) {
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != "NEFF STAND-IN, which no device runs") return false;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string usage;
    Described one;
    words >> usage >> one.name >> one.dtype >> one.size;
    one.is_input = usage == "input";
    for (uint32_t size; words >> size;) one.shape.push_back(size);
    if (!one.is_input) model.own_bytes += one.size;  // scratch
    model.tensors.push_back(one);
  }
  model.own_bytes += 1 << 20;  // code
  return true;
}

float element(const std::vector<char>& bytes, size_t index, int dtype) {
  float value = 0;
  if (dtype == kF32) {
    std::memcpy(&value, bytes.data() + 4 * index, 4);
  } else if (dtype == kBf16) {
    uint16_t half = 0;
    std::memcpy(&half, bytes.data() + 2 * index, 2);
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    std::memcpy(&value, &bits, 4);
  } else {
    int32_t whole = 0;
    std::memcpy(&whole, bytes.data() + 4 * index, 4);
    value = static_cast<float>(whole);
  }
  return value;
}

void put(std::vector<char>& bytes, size_t index, int dtype, float value) {
  if (dtype == kF32) {
    std::memcpy(bytes.data() + 4 * index, &value, 4);
  } else {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, 4);
    const auto half = static_cast<uint16_t>(bits >> 16);
    std::memcpy(bytes.data() + 2 * index, &half, 2);
  }
}

size_t width(int dtype) {
  return dtype == kBf16 ? 2 : 4;
}

// Every tensor of the usage is in the set, with the size that the NEFF says.
bool complete(const Model& model, const Set& set, bool inputs) {
  for (const Described& one : model.tensors) {
    if (one.is_input != inputs) continue;
    const auto found = set.find(one.name);
    if (found == set.end() || runtime.tensors.count(found->second) == 0 ||
        found->second->bytes.size() != one.size) {
      std::fprintf(stderr, "nrt stand-in: tensor %s is missing or of another size\n",
                   one.name.c_str());
      return false;
    }
  }
  return true;
}

// Of a sample: the sum of what it has in the inputs with its batch, and of all others a little.
float mark_of(const Model& model, const Set& inputs, size_t batch, size_t sample) {
  float mark = 0;
  for (const Described& one : model.tensors) {
    if (!one.is_input) continue;
    const std::vector<char>& bytes = inputs.at(one.name)->bytes;
    const size_t count = bytes.size() / width(one.dtype);
    const bool has_batch =
        !one.shape.empty() && one.shape[0] == batch && one.name.find("weight") == std::string::npos;
    const size_t part = has_batch ? count / batch : count;
    float sum = 0;
    for (size_t i = 0; i < part; ++i)
      sum += element(bytes, (has_batch ? sample * part : 0) + i, one.dtype);
    mark += has_batch ? sum : sum / 16;
  }
  return mark;
}

void compute(const Model& model, const Set& inputs, Set& outputs) {
  for (const Described& one : model.tensors) {
    if (one.is_input) continue;
    const size_t batch = one.shape.empty() ? 1 : one.shape[0];
    const size_t part = one.size / width(one.dtype) / batch;
    for (size_t sample = 0; sample < batch; ++sample) {
      const float mark = mark_of(model, inputs, batch, sample);
      for (size_t i = 0; i < part; ++i)
        put(outputs.at(one.name)->bytes, sample * part + i, one.dtype,
            std::sin(mark * static_cast<float>(i % 31 + 1) / 8));
    }
  }
}

void pass_time(const Model& model) {
  const auto found = runtime.options.find("latency");
  if (found == runtime.options.end()) return;
  size_t batch = 1;
  for (const Described& one : model.tensors)
    if (!one.is_input && !one.shape.empty()) batch = one.shape[0];
  const double seconds = std::stod(found->second) * (1 + static_cast<double>(batch) / 8);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

}  // namespace

extern "C" {

int nrt_init(int framework, const char* version, const char* other) {
  if (framework != 1 || version == nullptr || other == nullptr)
    misuse("nrt_init: not NO_FW, \"\", \"\"");
  read_options();
  if (const int status = told("init"); status != kOk) return status;
  runtime.is_open = true;
  runtime.used = 0;
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
  read_options();
  if (size != sizeof(*version)) return kInvalid;
  *version = {};
  std::snprintf(version->rt_detail, sizeof(version->rt_detail), "a stand-in of batchtune's tests");
  const auto found = runtime.options.find("version");
  std::istringstream text(found == runtime.options.end() ? "2.34.10" : found->second);
  char dot = 0;
  text >> version->rt_major >> dot >> version->rt_minor >> dot >> version->rt_patch;
  return kOk;
}

int nrt_get_instance_info(nrt_instance_info_t* info, size_t size) {
  if (!runtime.is_open) return kUninitialized;
  if (size != sizeof(*info)) return kInvalid;
  *info = {static_cast<uint32_t>(number("family", 4)), 0, "stand-in", ""};
  return kOk;
}

int nrt_get_vnc_memory_stats(uint32_t core, nrt_vnc_memory_stats_t* stats, size_t size,
                             size_t* size_out) {
  if (!runtime.is_open) return kUninitialized;
  if (core != 0 || size != sizeof(*stats)) return kInvalid;
  *stats = {runtime.used, static_cast<size_t>(number("stats", number("memory", 1L << 30)))};
  *size_out = sizeof(*stats);
  return kOk;
}

int nrt_load(const void* neff, size_t size, int32_t core, int32_t count, Model** model) {
  if (!runtime.is_open) return kUninitialized;
  if (core != -1 || count != -1) misuse("nrt_load: neither the first free core nor the count -1");
  if (const int status = told("load"); status != kOk) return status;
  Model parsed;
  if (!parse_neff({static_cast<const char*>(neff), size}, parsed)) return 10;
  if (!take(parsed.own_bytes, "shared scratchpad")) return kResource;
  *model = *runtime.models.insert(new Model(parsed)).first;
  return kOk;
}

int nrt_unload(Model* model) {
  if (runtime.models.erase(model) == 0) misuse("nrt_unload of what is no model");
  runtime.used -= model->own_bytes;
  delete model;
  return kOk;
}

int nrt_get_model_tensor_info(Model* model, void** infos) {
  if (runtime.models.count(model) == 0) return kInvalidHandle;
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
  if (!runtime.is_open) return kUninitialized;
  if (placement != 0 || core != 0 || size == 0 || name == nullptr || std::strlen(name) >= 256)
    misuse("nrt_tensor_allocate: placement, core, size or name");
  if (const int status = told("allocate"); status != kOk) return status;
  if (!take(size, "tensors")) return kResource;
  *tensor = *runtime.tensors.insert(new Tensor{std::vector<char>(size)}).first;
  return kOk;
}

void nrt_tensor_free(Tensor** tensor) {
  if (runtime.tensors.erase(*tensor) == 0) misuse("nrt_tensor_free of what is no tensor");
  for (const Set* set : runtime.sets)
    for (const auto& [name, member] : *set)
      if (member == *tensor) misuse("nrt_tensor_free of a tensor that is in a set");
  runtime.used -= (*tensor)->bytes.size();
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
  if (const auto host = runtime.options.find("host"); host != runtime.options.end())
    std::this_thread::sleep_for(std::chrono::duration<double>(std::stod(host->second)));
  const std::lock_guard<std::mutex> core(the_core);
  if (runtime.models.count(model) == 0 || runtime.sets.count(const_cast<Set*>(in)) == 0 ||
      runtime.sets.count(out) == 0)
    return kInvalidHandle;
  if (!complete(*model, *in, true) || !complete(*model, *out, false)) return 1002;
  if (++runtime.executions >= number("execute_from", 1))
    if (const int status = told("execute"); status != kOk) return status;
  pass_time(*model);
  if (runtime.executions <= number("computed", 1L << 30)) compute(*model, *in, *out);
  return kOk;
}

}  // extern "C"
