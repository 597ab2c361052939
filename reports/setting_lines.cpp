// Which blocks of lines a deployment gets. The blocks are in set/.
#include <fmt/format.h>

#include <utility>

#include "reports/set/parts.h"

namespace batchtune {
namespace {

std::string filled(std::string text, const std::string& name, const std::string& value) {
  const std::string placeholder = "{" + name + "}";
  for (std::size_t at = 0; (at = text.find(placeholder, at)) != std::string::npos; at += value.size())
    text.replace(at, placeholder.size(), value);
  return text;
}

SettingLines command_lines(const HowToSet& what) {
  const CandidateGroup& group = what.candidate.group;
  SettingLines out{"The command that was measured", "shell", {}, {}};
  std::string command = what.command;
  for (const auto& [name, value] : {std::pair{"batch", fmt::to_string(what.candidate.batch)},
                                    std::pair{"threads", fmt::to_string(group.threads)},
                                    std::pair{"instances", fmt::to_string(group.instances)},
                                    std::pair{"dtype", std::string(name_of(group.dtype))}})
    command = filled(std::move(command), name, value);
  for (const auto& [name, size] : group.dims) command = filled(std::move(command), name, fmt::to_string(size));
  if (!command.empty()) out.lines.push_back(command);
  out.notes.emplace_back("{n}, if it is there, is how often the program runs");
  return out;
}

SettingLines plugin_lines(const HowToSet& what) {
  SettingLines out{"The device's own program", "text", {}, {}};
  out.lines.push_back(fmt::format("batch {}, {}", what.candidate.batch, to_string(what.candidate.group)));
  out.notes.push_back("how a plugin's device is given a batch is its maker's to say");
  return out;
}

void add_cpu_runtimes(std::vector<SettingLines>& all, const HowToSet& what, bool onnxruntime, bool openvino) {
  if (what.file.empty()) all.push_back(set::export_lines(what));
  if (onnxruntime) all.insert(all.end(), {set::onnxruntime_python(what), set::onnxruntime_c(what)});
  if (openvino) all.insert(all.end(), {set::openvino_python(what), set::openvino_benchmark(what)});
}

void add_neuron(std::vector<SettingLines>& all, const HowToSet& what) {
  all.insert(all.end(), {set::neuron_compile(what), set::neuron_serve(what), set::neuron_without_torch(what)});
}

}  // namespace

std::vector<SettingLines> setting_lines(const HowToSet& what) {
  std::vector<SettingLines> all;
  switch (what.deployment) {
    case Deployment::neuron:
      add_neuron(all, what);
      break;
    case Deployment::inferentia:
      all.push_back(set::inferentia_compile(what));
      if (what.strict_latency) all.push_back(set::inferentia_pipeline(what));
      break;
    case Deployment::onnxruntime:
      add_cpu_runtimes(all, what, true, false);
      break;
    case Deployment::openvino:
      add_cpu_runtimes(all, what, false, true);
      break;
    case Deployment::command:
      all.push_back(command_lines(what));
      break;
    case Deployment::plugin:
      all.push_back(plugin_lines(what));
      break;
    case Deployment::simulated:
      add_neuron(all, what);
      add_cpu_runtimes(all, what, true, true);
      break;
    case Deployment::own_kernels:
      add_cpu_runtimes(all, what, true, true);
      break;
  }
  return all;
}

}  // namespace batchtune
