#include "tests/backend/neuron/nrt_stand_in_core.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

namespace stand_in {
namespace {

constexpr int kF32 = 0xA, kBf16 = 0x6;

// A core of trn1 by AWS's figures (NKI guide), and a part of its peak that programs reach.
constexpr double kFlopsBf16 = 92e12, kFlopsF32 = 23e12, kBandwidth = 410e9, kReached = 0.5;
constexpr double kLaunch = 50e-6;

std::size_t width(int dtype) {
  return dtype == kBf16 ? 2 : 4;
}

float element(const std::vector<char>& bytes, std::size_t index, int dtype) {
  float value = 0;
  if (dtype == kF32) {
    std::memcpy(&value, bytes.data() + 4 * index, 4);
  } else if (dtype == kBf16) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes.data() + 2 * index, 2);
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    std::memcpy(&value, &bits, 4);
  } else {
    std::int32_t whole = 0;
    std::memcpy(&whole, bytes.data() + 4 * index, 4);
    value = static_cast<float>(whole);
  }
  return value;
}

float keep_bits(float value, std::uint32_t kept) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & kept);
}

void put(std::vector<char>& bytes, std::size_t index, int dtype, float value) {
  if (dtype == kF32) {
    std::memcpy(bytes.data() + 4 * index, &value, 4);
  } else {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, 4);
    const auto half = static_cast<std::uint16_t>(bits >> 16);
    std::memcpy(bytes.data() + 2 * index, &half, 2);
  }
}

// Of a sample: the sum of what it has in the inputs with its batch, and of all others a little.
float mark_of(const Model& model, const Set& inputs, std::size_t batch, std::size_t sample) {
  float mark = 0;
  for (const Described& one : model.tensors) {
    if (!one.is_input) continue;
    const std::vector<char>& bytes = inputs.at(one.name)->bytes;
    const std::size_t count = bytes.size() / width(one.dtype);
    const bool has_batch =
        !one.shape.empty() && one.shape[0] == batch && one.name.find("weight") == std::string::npos;
    const std::size_t part = has_batch ? count / batch : count;
    float sum = 0;
    for (std::size_t i = 0; i < part; ++i)
      sum += element(bytes, (has_batch ? sample * part : 0) + i, one.dtype);
    mark += has_batch ? sum : sum / 16;
  }
  return mark;
}

// "2", "0-3", "0-1,4": how many.
int cores_in(const std::string& text) {
  int count = 0;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::size_t dash = part.find('-');
    count += dash == std::string::npos
                 ? 1
                 : std::stoi(part.substr(dash + 1)) - std::stoi(part.substr(0, dash)) + 1;
  }
  return count;
}

void sleep_for(double seconds) {
  if (seconds > 0) std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

}  // namespace

void Device::read_options() {
  options_.clear();
  const char* text = std::getenv("BATCHTUNE_NRT_STAND_IN");
  std::istringstream stream(text == nullptr ? "" : text);
  for (std::string one; std::getline(stream, one, ';');)
    if (const std::size_t equals = one.find('='); equals != std::string::npos)
      options_[one.substr(0, equals)] = one.substr(equals + 1);
}

void Device::reset() {
  const char* visible = std::getenv("NEURON_RT_VISIBLE_CORES");
  const int count = visible == nullptr || *visible == '\0' ? static_cast<int>(number("cores", 1))
                                                           : cores_in(visible);
  cores_.clear();
  for (int core = 0; core < count; ++core) cores_.emplace_back();
}

std::string Device::text(const std::string& name, const std::string& otherwise) const {
  const auto found = options_.find(name);
  return found == options_.end() ? otherwise : found->second;
}

long Device::number(const std::string& name, long otherwise) const {
  const auto found = options_.find(name);
  return found == options_.end() ? otherwise : std::stol(found->second);
}

double Device::real(const std::string& name, double otherwise) const {
  const auto found = options_.find(name);
  return found == options_.end() ? otherwise : std::stod(found->second);
}

bool Device::take(int number_of_core, std::size_t bytes, const char* usage) {
  Core& taken = core(number_of_core);
  if (taken.used + bytes <= static_cast<std::size_t>(number("memory", 1L << 30))) {
    taken.used += bytes;
    return true;
  }
  std::fprintf(stderr,
               "2026-Nov-30 20:00:00.0 1:1 ERROR TDRV:dmem_alloc_internal Failed to alloc DEVICE "
               "memory: %zu\n"
               "2026-Nov-30 20:00:00.0 1:1 ERROR TDRV:log_dev_mem Failed to allocate %.3fMB "
               "(usage: %s) on ND 0:NC %d\n",
               bytes, static_cast<double>(bytes) / 1e6, usage, number_of_core);
  return false;
}

void Device::pass_host_time() const {
  sleep_for(real("host", 0));
}

// trn1: the longer of computing and moving, `slower` times, and a launch. Else by `latency`.
void Device::pass_time(const Model& model) const {
  const double speed = model.cast ? 2 : 1;
  if (text("device", "") == "trn1") {
    double bytes = 0;
    bool narrow = true;
    for (const Described& one : model.tensors) {
      bytes += static_cast<double>(one.size);
      narrow &= one.dtype != kF32;
    }
    const double peak = kReached * (narrow || model.cast ? kFlopsBf16 : kFlopsF32);
    return sleep_for(kLaunch + real("slower", 1) * std::max(model.flops / peak, bytes / kBandwidth));
  }
  if (has("latency"))
    sleep_for(real("latency", 0) * (1 + static_cast<double>(batch_of(model)) / 8) / speed);
}

bool parse_neff(const std::string& text, Model& model) {
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != "NEFF STAND-IN, which no device runs") return false;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "flops") words >> model.flops;
    if (kind == "cast") model.cast = true;
    if (kind != "input" && kind != "output") continue;
    Described one;
    words >> one.name >> one.dtype >> one.size;
    one.is_input = kind == "input";
    for (std::uint32_t size; words >> size;) one.shape.push_back(size);
    if (!one.is_input) model.own_bytes += one.size;  // scratch
    model.tensors.push_back(one);
  }
  model.own_bytes += 1 << 20;  // code
  return true;
}

std::size_t batch_of(const Model& model) {
  std::size_t batch = 1;
  for (const Described& one : model.tensors)
    if (!one.is_input && !one.shape.empty()) batch = one.shape[0];
  return batch;
}

bool complete(const Model& model, const Set& set, bool inputs) {
  for (const Described& one : model.tensors) {
    if (one.is_input != inputs) continue;
    const auto found = set.find(one.name);
    if (found != set.end() && found->second->core == model.core &&
        found->second->bytes.size() == one.size)
      continue;
    std::fprintf(stderr, "nrt stand-in: tensor %s is missing, of another size or core\n",
                 one.name.c_str());
    return false;
  }
  return true;
}

void compute(const Model& model, const Set& inputs, Set& outputs) {
  const std::uint32_t kept = model.cast ? 0xFFFF0000U : 0xFFFFFFFFU;  // bf16 has the upper half
  for (const Described& one : model.tensors) {
    if (one.is_input) continue;
    const std::size_t batch = one.shape.empty() ? 1 : one.shape[0];
    const std::size_t part = one.size / width(one.dtype) / batch;
    for (std::size_t sample = 0; sample < batch; ++sample) {
      const float mark = mark_of(model, inputs, batch, sample);
      for (std::size_t i = 0; i < part; ++i) {
        const float value = std::sin(mark * static_cast<float>(i % 31 + 1) / 8);
        put(outputs.at(one.name)->bytes, sample * part + i, one.dtype, keep_bits(value, kept));
      }
    }
  }
}

}  // namespace stand_in
