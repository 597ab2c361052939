#include "tuner/measure/memory_readings.h"

#include <fstream>
#include <sstream>

namespace batchtune {
namespace {

constexpr Bytes kBytesOfKibibyte = 1024;
constexpr double kMicrosecond = 1e-6;
constexpr int kMajorFaultsField = 12;  // of /proc/PID/stat, from 1, as proc(5) counts

std::optional<Bytes> read_kibibytes(const std::string& file, const std::string& key) {
  const std::optional<std::int64_t> value = read_keyed(file, key);
  return value ? std::optional<Bytes>(*value * kBytesOfKibibyte) : std::nullopt;
}

// The name in parentheses may hold spaces, so fields are counted after the last ')'.
std::optional<std::int64_t> read_major_faults(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < kMajorFaultsField; ++field) fields >> skipped;
  std::int64_t faults = 0;
  return fields >> faults ? std::optional<std::int64_t>(faults) : std::nullopt;
}

}  // namespace

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234", in microseconds.
std::optional<Seconds> read_some_stall(const std::string& file) {
  std::ifstream in(file);
  std::string word;
  if (!(in >> word) || word != "some") return std::nullopt;
  constexpr char kTotal[] = "total=";
  while (in >> word && word != "full") {
    if (word.rfind(kTotal, 0) != 0) continue;
    std::istringstream number(word.substr(sizeof(kTotal) - 1));
    double microseconds = 0;
    if (number >> microseconds) return microseconds * kMicrosecond;
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_keyed(const std::string& file, const std::string& key) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind(key, 0) != 0) continue;
    std::istringstream words(line);
    std::string word;
    std::int64_t value = 0;
    if (words >> word && word == key && words >> value) return value;
  }
  return std::nullopt;
}

MachineMemory read_machine_memory(const std::string& root) {
  return {read_keyed(root + "/vmstat", "oom_kill"), read_some_stall(root + "/pressure/memory"),
          read_kibibytes(root + "/meminfo", "MemAvailable:")};
}

ProcessMemory read_process_memory(pid_t pid, const std::string& root) {
  const std::string folder = root + "/" + std::to_string(pid);
  const std::string status = folder + "/status";
  ProcessMemory memory;
  memory.peak_resident = read_kibibytes(status, "VmHWM:");
  memory.resident = read_kibibytes(status, "VmRSS:");
  const auto swapped = read_kibibytes(status, "VmSwap:");
  const auto faults = read_major_faults(folder + "/stat");
  if (swapped || faults) memory.spill = Spill{swapped.value_or(0), faults.value_or(0)};
  return memory;
}

}  // namespace batchtune
