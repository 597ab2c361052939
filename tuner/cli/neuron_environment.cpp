#include "tuner/cli/neuron_environment.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "tuner/backend/backend_list.h"
#include "tuner/backend/neuron/options.h"
#include "tuner/cli/host.h"

namespace batchtune {
namespace {

namespace fs = std::filesystem;

constexpr char kVisibleCores[] = "NEURON_RT_VISIBLE_CORES";
constexpr char kExecutionTimeout[] = "NEURON_RT_EXEC_TIMEOUT";
constexpr char kExecutionSeconds[] = "600";  // AWS's pages disagree on the default: 2, 30 or 600
// An old runtime returned from nrt_execute before the end of the execution where this was set.
constexpr char kAsynchronous[] = "NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS";
constexpr char kLogicalCores[] = "NEURON_LOGICAL_NC_CONFIG";
constexpr char kCoresParameter[] = "cores", kTakeParameter[] = "take", kLogicalParameter[] = "lnc";
constexpr char kEveryInstance[] = "0-1";  // none has fewer
constexpr int kMostCores = 1024;

std::optional<std::string> parameter_in(const std::string& spec, std::string_view name) {
  std::string parameters = "," + split_backend_spec(spec).parameters;
  const std::size_t at = parameters.find("," + std::string(name) + "=");
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = at + name.size() + 2;
  return parameters.substr(begin, parameters.find(',', begin) - begin);
}

// As many as the driver has put into its folders; 0: it is not there.
int listed_cores(const std::string& root) {
  int count = 0;
  std::error_code failed;
  const fs::path devices = root + "/sys/devices/virtual/neuron_device";
  for (fs::directory_iterator device(devices, failed), end; !failed && device != end;
       device.increment(failed)) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(device->path(), ignored))
      count += entry.path().filename().string().starts_with("neuron_core") ? 1 : 0;
  }
  return count;
}

Result<std::vector<int>> allowed_cores(const std::string& spec, const std::string& root) {
  if (const auto given = parameter_in(spec, kCoresParameter))
    return parse_cores(*given, "neuron:cores");
  if (const auto visible = environment_variable(kVisibleCores))
    return parse_cores(*visible, kVisibleCores);
  const int listed = listed_cores(root);
  return parse_cores(listed > 0 ? "0-" + std::to_string(listed - 1) : kEveryInstance,
                     "the driver's list");
}

std::string cache_folder() {
  if (const auto folder = environment_variable("XDG_CACHE_HOME"))
    return *folder + "/batchtune/neuron";
  if (const auto home = environment_variable("HOME")) return *home + "/.cache/batchtune/neuron";
  return "";
}

bool take_number(std::string_view& text, int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0 || number >= kMostCores) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// Made by whoever comes first, for everybody.
int open_lock(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd >= 0) return fd;
  const int made = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (made >= 0) (void)fchmod(made, 0666);  // whatever the umask
  return made;
}

// The descriptor that holds it; -1: somebody else has it.
int lock_core(int core, const std::string& folder) {
  const int fd = open_lock(folder + "/batchtune-neuron-core-" + std::to_string(core));
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

Result<int> cores_to_take(const std::string& spec) {
  const std::string text = parameter_in(spec, kTakeParameter).value_or("1");
  std::string_view rest = text;
  int count = 0;
  if (!take_number(rest, count) || !rest.empty() || count < 1)
    return bad_input("a number of NeuronCores", "\"" + text + "\"", "neuron:take");
  return count;
}

tl::unexpected<Error> no_cores(int allowed, int wanted, const std::string& locks) {
  if (allowed < wanted)
    return environment_error(std::to_string(wanted) + " NeuronCores in a row",
                             std::to_string(allowed) + " that may be used", "neuron:cores",
                             "Take fewer (--cores), or allow more of them (neuron:cores=0-3)");
  const std::string what = wanted == 1 ? "a NeuronCore that no other worker has"
                                       : std::to_string(wanted) +
                                             " NeuronCores in a row that no other worker has";
  return environment_error(
      what, wanted == 1 ? "all " + std::to_string(allowed) + " are taken" : "others have them",
      locks, "Wait for the other session, or allow more of them (neuron:cores=0-3)");
}

}  // namespace

Result<std::vector<int>> parse_cores(const std::string& text, const std::string& where) {
  std::vector<int> cores;
  std::string_view rest = text;
  while (true) {
    int first = 0, last = 0;
    if (!take_number(rest, first)) break;
    last = first;
    if (rest.starts_with('-')) {
      rest.remove_prefix(1);
      if (!take_number(rest, last) || last < first) break;
    }
    for (int core = first; core <= last; ++core) cores.push_back(core);
    if (rest.empty()) return cores;
    if (!rest.starts_with(',')) break;
    rest.remove_prefix(1);
  }
  return bad_input("NeuronCores, as in 0-3", "\"" + text + "\"", where);
}

std::optional<int> claim_cores(const std::vector<int>& cores, int count,
                               const std::string& folder) {
  const auto wanted = static_cast<std::size_t>(count);
  for (std::size_t first = 0; first + wanted <= cores.size(); ++first) {
    std::vector<int> held;  // open, and so held, as long as the process
    for (std::size_t i = first; i < first + wanted; ++i) {
      const bool in_a_row = cores[i] == cores[first] + static_cast<int>(i - first);
      const int fd = in_a_row ? lock_core(cores[i], folder) : -1;
      if (fd < 0) break;
      held.push_back(fd);
    }
    if (held.size() == wanted) return cores[first];
    for (const int fd : held) close(fd);
  }
  return std::nullopt;
}

Result<std::string> with_neuron_environment(const std::string& spec, const std::string& root,
                                            const std::string& locks) {
  if (split_backend_spec(spec).name != neuron::kName) return spec;
  BT_TRY(cores, allowed_cores(spec, root));
  BT_TRY(count, cores_to_take(spec));
  const std::optional<int> first = claim_cores(cores, count, locks);
  if (!first) return no_cores(static_cast<int>(cores.size()), count, locks);
  const std::string taken =
      std::to_string(*first) + (count > 1 ? "-" + std::to_string(*first + count - 1) : "");
  setenv(kVisibleCores, taken.c_str(), 1);
  setenv(kExecutionTimeout, kExecutionSeconds, 0);  // the user's stays
  unsetenv(kAsynchronous);
  std::string complete = with_parameter(spec, "core", taken);
  if (const auto given = parameter_in(spec, kLogicalParameter))
    setenv(kLogicalCores, given->c_str(), 1);  // program and runtime must agree
  else if (const auto logical = environment_variable(kLogicalCores))
    complete = with_parameter(complete, kLogicalParameter, *logical);
  const std::string cache = cache_folder();
  if (!parameter_in(spec, "cache") && !cache.empty())
    complete = with_parameter(complete, "cache", cache);
  return complete;
}

}  // namespace batchtune
