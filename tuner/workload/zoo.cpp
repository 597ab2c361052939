// The table of the zoo and the look-up with parameters. The families are in zoo/.
#include "tuner/workload/zoo.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "tuner/core/suggest.h"
#include "tuner/workload/zoo/families.h"

namespace batchtune {
namespace {

const ZooEntry kZoo[] = {
    {"bert-large",
     "24 layers, hidden 1024, without pooler; seq up to 512",
     {{"seq", 128}},
     &build_bert_large},
    {"bert-base",
     "12 layers, hidden 768, without pooler; seq up to 512",
     {{"seq", 128}},
     &build_bert_base},
    {"resnet-50", "v1.5; stride_in_1x1=1 gives v1", {{"stride_in_1x1", 0}}, &build_resnet_50},
    {"resnet-18", "basic blocks", {}, &build_resnet_18},
    {"vgg-16", "configuration D, without batch norm", {}, &build_vgg_16},
    {"mobilenet-v2", "width 1.0", {}, &build_mobilenet_v2},
    {"shufflenet-v2", "1.0x", {}, &build_shufflenet_v2},
    {"squeezenet", "1.1", {}, &build_squeezenet},
    {"mlp", "fully connected layers of equal width", {{"width", 2048}, {"depth", 4}}, &build_mlp},
    {"llama-3.2-1b-decode",
     "one token; context is the KV cache's length",
     {{"context", 512}},
     &build_llama_1b_decode},
};

struct Range {
  std::string_view parameter;
  std::int64_t low, high;
};
constexpr Range kRanges[] = {
    {"seq", 1, 512},          // BERT's position table ends there
    {"stride_in_1x1", 0, 1},  // a flag
    {"width", 1, 1 << 16},    // 16 GiB of f32 weights a layer
    {"depth", 1, 1000},       // names and time, not memory, set this
    {"context", 1, 131072},   // the published context length
};

Result<std::int64_t> parse_parameter(std::string_view name, std::string_view text,
                                     const std::string& where) {
  const auto range = std::find_if(std::begin(kRanges), std::end(kRanges),
                                  [&](const Range& r) { return r.parameter == name; });
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < range->low ||
      value > range->high)
    return bad_input(std::string(name) + ": an integer from " + std::to_string(range->low) +
                         " to " + std::to_string(range->high),
                     "\"" + std::string(text) + "\"", where);
  return value;
}

// "seq=384,..." into `parameters`, which hold the defaults.
Status read_parameters(std::string_view text, const std::string& where, ZooParameters& parameters) {
  std::vector<std::string_view> known;
  for (const auto& [name, value] : parameters) known.push_back(name);
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::string_view name = part.substr(0, part.find('='));
    const auto found = parameters.find(std::string(name));
    if (found == parameters.end())
      return bad_input("a parameter of the model", "\"" + std::string(name) + "\"", where,
                       known.empty() ? "This model has none" : suggest(name, known));
    const std::string_view value = name.size() < part.size() ? part.substr(name.size() + 1) : "";
    BT_TRY(parsed, parse_parameter(name, value, where));
    found->second = parsed;
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

std::string full_name(const ZooEntry& entry, const ZooParameters& parameters) {
  std::string name(entry.name);
  char separator = '@';
  for (const auto& [parameter, value] : parameters) {
    if (value == entry.defaults.at(parameter)) continue;
    name += separator + parameter + "=" + std::to_string(value);
    separator = ',';
  }
  return name;
}

}  // namespace

std::span<const ZooEntry> zoo() {
  return kZoo;
}

const ZooEntry* find_zoo_entry(std::string_view name) {
  const std::string_view base = name.substr(0, name.find('@'));
  const auto entry = std::find_if(std::begin(kZoo), std::end(kZoo),
                                  [&](const ZooEntry& e) { return e.name == base; });
  return entry != std::end(kZoo) ? entry : nullptr;
}

Result<Model> build_zoo_model(std::string_view name) {
  const std::size_t at = name.find('@');
  const std::string_view base = name.substr(0, at);
  const ZooEntry* const entry = find_zoo_entry(name);
  if (entry == nullptr) {
    std::vector<std::string_view> names;
    for (const ZooEntry& e : kZoo) names.push_back(e.name);
    return bad_input("a model of the zoo or a .json file", "\"" + std::string(base) + "\"", "model",
                     suggest(base, names));
  }
  ZooParameters parameters = entry->defaults;
  if (at != std::string_view::npos)
    BT_TRY_VOID(read_parameters(name.substr(at + 1), "model " + std::string(name), parameters));
  Model model = entry->build(parameters);
  model.name = full_name(*entry, parameters);
  BT_TRY_VOID(infer_shapes(model, model.name + ", "));
  return model;
}

}  // namespace batchtune
