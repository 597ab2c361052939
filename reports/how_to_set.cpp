#include "reports/how_to_set.h"

#include <fmt/format.h>

#include "reports/json/parts.h"
#include "reports/text/words.h"

namespace batchtune {
namespace {

constexpr int kHowToSetSchema = 1;
constexpr char kNothingChosen[] = "the session has chosen no batch: nothing keeps its limits";

// What the lines rest on, where that is not a measurement of the runtime itself.
std::string caveat(const HowToSet& what) {
  switch (what.deployment) {
    case Deployment::own_kernels:
      return fmt::format(
          "measured on batchtune's own kernels ({}): --backend onnxruntime,openvino measures the runtime that you "
          "deploy, whose best batch may be another",
          what.candidate.group.backend);
    case Deployment::simulated:
      return "nothing was measured on hardware, so this is what the lines would be";
    case Deployment::neuron:
    case Deployment::inferentia:
      return what.simulated ? "of a simulated device: nothing was measured on hardware" : "";
    case Deployment::onnxruntime:
    case Deployment::openvino:
    case Deployment::command:
    case Deployment::plugin:
      return "";
  }
  return "";
}

std::string block_text(const SettingLines& block, int width) {
  std::string text = fmt::format("{} ({})\n", block.title, block.language);
  for (const std::string& line : block.lines) text += line.empty() ? "\n" : "    " + line + "\n";
  for (const std::string& note : block.notes) text += text::wrapped("  - ", note, width);
  return text;
}

json::Json block_of(const SettingLines& block) {
  return {{"title", block.title},
          {"language", block.language},
          {"lines", block.lines},
          {"notes", block.notes}};
}

}  // namespace

std::string text_how_to_set(const std::optional<HowToSet>& what, const TextOptions& options) {
  if (!what) return text::wrapped("", kNothingChosen, options.width);
  const std::string simulated = what->simulated ? "SIMULATED: " : "";
  std::string text = text::wrapped(
      "", fmt::format("{}{}, session {}: how to set {}", simulated, what->model, what->session,
                      to_string(what->candidate)),
      options.width);
  if (const std::string words = caveat(*what); !words.empty())
    text += text::wrapped("  ", words, options.width);
  // Lines to paste are never wrapped.
  for (const SettingLines& block : setting_lines(*what)) text += "\n" + block_text(block, options.width);
  return text;
}

std::string json_how_to_set(const std::optional<HowToSet>& what) {
  json::Json blocks = json::Json::array();
  if (what)
    for (const SettingLines& block : setting_lines(*what)) blocks.push_back(block_of(block));
  return json::document({{"schema_version", kHowToSetSchema},
                         {"command", "report"},
                         {"simulated", what && what->simulated},
                         {"session", what ? json::Json(what->session) : json::Json(nullptr)},
                         {"model", what ? json::Json(what->model) : json::Json(nullptr)},
                         {"device", what ? json::Json(what->device) : json::Json(nullptr)},
                         {"candidate", what ? json::candidate(what->candidate) : json::Json(nullptr)},
                         {"caveat", what ? caveat(*what) : std::string(kNothingChosen)},
                         {"how_to_set", blocks}});
}

}  // namespace batchtune
