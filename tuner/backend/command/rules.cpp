#include "tuner/backend/command/rules.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

namespace batchtune::command {
namespace {

constexpr char kWanted[] =
    "STATUS WHERE TEXT, such as \"out_of_memory device NRT_RESOURCE\" (STATUS: out_of_memory, "
    "unsupported, failed or crashed; WHERE: device, host, or - for other statuses)";

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// The text up to the next blank, taken from `line` with the blanks after it.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
  return word;
}

bool may_be_said(TrialStatus status) {
  return status == TrialStatus::out_of_memory || status == TrialStatus::unsupported ||
         status == TrialStatus::failed || status == TrialStatus::crashed;
}

bool fits(TrialStatus status, std::string_view where) {
  return status == TrialStatus::out_of_memory ? where == "device" || where == "host" : where == "-";
}

}  // namespace

// The device's before the host's: a message of CUDA may also say what the host says.
const std::vector<Rule>& built_in_rules() {
  constexpr TrialStatus kNoMemory = TrialStatus::out_of_memory;
  static const std::vector<Rule> rules{
      {"torch.outofmemoryerror", kNoMemory, "device"},  // PyTorch 2.5 and newer
      {"torch.cuda.outofmemoryerror", kNoMemory, "device"},
      {"cuda out of memory", kNoMemory, "device"},
      {"hip out of memory", kNoMemory, "device"},
      {"mps backend out of memory", kNoMemory, "device"},
      {"xpu out of memory", kNoMemory, "device"},
      {"cudaerrormemoryallocation", kNoMemory, "device"},
      {"cuda_error_out_of_memory", kNoMemory, "device"},
      {"cuda error 2:", kNoMemory, "device"},
      {"cuda error 2 ", kNoMemory, "device"},
      {"cudamalloc failed", kNoMemory, "device"},  // ggml
      {"cuda error: out of memory", kNoMemory, "device"},
      {"cuda failure 2:", kNoMemory, "device"},  // ONNX Runtime's CUDA provider
      {"cublas_status_alloc_failed", kNoMemory, "device"},
      {"cudnn_status_alloc_failed", kNoMemory, "device"},
      {"nrt_resource", kNoMemory, "device"},        // AWS Neuron
      {"resource_exhausted", kNoMemory, "device"},  // XLA: JAX, TensorFlow
      {"resourceexhaustederror", kNoMemory, "device"},
      {"nrt_fail_host_mem_alloc", kNoMemory, "host"},
      {"defaultcpuallocator: can't allocate memory", kNoMemory, "host"},  // PyTorch
      {"defaultcpuallocator: not enough memory", kNoMemory, "host"},
      {"failed to allocate memory", kNoMemory, "host"},  // ONNX Runtime's arena
      {"std::bad_alloc", kNoMemory, "host"},
      {"memoryerror", kNoMemory, "host"},  // Python, numpy's _ArrayMemoryError
      {"unable to allocate", kNoMemory, "host"},
      {"cannot allocate memory", kNoMemory, "host"},
      {"could not allocate memory", kNoMemory, "host"},
      {"outofmemoryerror", kNoMemory, "host"},      // Java
      {"memory allocation of", kNoMemory, "host"},  // Rust
      {"out of memory", kNoMemory, "host"},
  };
  return rules;
}

Result<std::vector<Rule>> parse_rules(std::string_view content, const std::string& path) {
  std::vector<Rule> rules;
  for (int number = 1; !content.empty(); ++number) {
    const std::string_view whole = content.substr(0, content.find('\n'));
    content.remove_prefix(std::min(content.size(), whole.size() + 1));
    std::string_view line = whole.substr(0, whole.find_last_not_of(" \t\r") + 1);
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
    if (line.empty() || line.starts_with('#')) continue;
    const auto status = parse_trial_status(take_word(line));
    const std::string_view where = take_word(line);
    if (!status || !may_be_said(*status) || !fits(*status, where) || line.empty())
      return bad_input(kWanted, "\"" + std::string(whole) + "\"",
                       path + ":" + std::to_string(number));
    rules.push_back({lower(line), *status, where == "-" ? "" : std::string(where)});
  }
  return rules;
}

Result<std::vector<Rule>> rules_with(const std::string& path) {
  std::vector<Rule> rules;
  if (!path.empty()) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return bad_input("a file of rules", "none that can be read", path);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    BT_TRY(own, parse_rules(content, path));
    rules = std::move(own);
  }
  rules.insert(rules.end(), built_in_rules().begin(), built_in_rules().end());
  return rules;
}

std::size_t find_rule(const std::vector<Rule>& rules, std::string_view line) {
  const std::string lowered = lower(line);
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) {
    return lowered.find(rule.text) != std::string::npos;
  });
  return static_cast<std::size_t>(found - rules.begin());
}

}  // namespace batchtune::command
