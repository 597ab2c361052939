// Each value becomes what would be typed on the command line, and is parsed as that, so a file
// means just what the options mean.
#define TOML_EXCEPTIONS 0  // errors as values; of toml++, before its header
#include "tuner/cli/models_file.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "tuner/cli/model_source.h"
#include "tuner/cli/setting_lists.h"
#include "tuner/core/suggest.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

namespace fs = std::filesystem;

// Not a model's own: one budget is shared, the others are of `measure`.
constexpr std::string_view kNotInModels[] = {"budget", "stop", "compiled_batch", "user_batch"};

// Without other keys they say nothing, so they are checked with the whole model alone.
constexpr std::string_view kNeedOthers[] = {"command", "time", "setup",           "cleanup",
                                            "env",     "rules", "runtime_library", "runtime_option"};

bool needs_others(const std::string& name, const std::vector<std::string>& texts) {
  if (name == "backend")
    return std::find(texts.begin(), texts.end(), "command") != texts.end();
  return std::find(std::begin(kNeedOthers), std::end(kNeedOthers), name) != std::end(kNeedOthers);
}

std::vector<std::string> option_keys() {
  std::vector<std::string> keys;
  for (const SettingName& one : setting_names())
    if (std::find(std::begin(kNotInModels), std::end(kNotInModels), one.name) ==
        std::end(kNotInModels))
      keys.push_back(one.option.substr(2));  // without the dashes
  return keys;
}

// What a value would be on the command line; nullopt for what cannot stand there.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  Result<ModelsFile> read(const toml::table& root);

 private:
  std::string place(const toml::source_region& region) const {
    return fmt::format("{}:{}:{}", path_, region.begin.line, region.begin.column);
  }
  tl::unexpected<Error> unknown(const toml::key& key, std::vector<std::string> known,
                                const std::string& wanted) const {
    return bad_input(wanted, fmt::format("'{}'", key.str()), place(key.source()),
                     suggest(key.str(), std::vector<std::string_view>(known.begin(), known.end())));
  }
  Result<const toml::table*> table_of(const toml::node& node, const std::string& wanted) const;
  Result<std::vector<Setting>> settings_of(const toml::key& key, const toml::node& node) const;
  Result<std::vector<Setting>> options_in(const toml::table& table,
                                          const std::vector<std::string>& others) const;
  Result<std::string> name_in(const toml::table& table) const;
  Result<FileModel> model_in(const toml::table& table, const std::vector<Setting>& defaults) const;

  std::string path_;
};

Result<const toml::table*> Reader::table_of(const toml::node& node,
                                            const std::string& wanted) const {
  if (const toml::table* table = node.as_table()) return table;
  return bad_input(wanted, "another kind of value", place(node.source()));
}

// One option: a value, or a list, each element as it would be typed. It must parse by itself, but
// for those that need others.
Result<std::vector<Setting>> Reader::settings_of(const toml::key& key,
                                                 const toml::node& node) const {
  std::vector<std::string> texts;
  const auto nothing = [&](const toml::node& found) {
    return bad_input("a value", "an empty one",
                     place(found.source()) + ", " + std::string(key.str()),
                     "Leave the key out where the default is meant");
  };
  const auto add = [&](const toml::node& element) -> Status {
    const auto text = text_of(element);
    if (!text)
      return bad_input("a text, a number, true, false or a list of these", "another kind of value",
                       place(element.source()));
    if (text->empty()) return nothing(element);
    texts.push_back(*text);
    return {};
  };
  if (const toml::array* list = node.as_array()) {
    if (list->empty()) return nothing(node);
    for (const toml::node& element : *list) BT_TRY_VOID(add(element));
  } else {
    BT_TRY_VOID(add(node));
  }
  std::string name(key.str());
  std::replace(name.begin(), name.end(), '-', '_');
  if (name == "input" && texts.size() == 1)  // beside this file, as models are
    texts.front() = (fs::path(path_).parent_path() / texts.front()).string();
  auto settings = settings_named(name, texts);
  if (settings && needs_others(name, texts)) return settings;
  const auto parsed = settings ? parse_tuning(options_from(*settings))
                               : Result<TuningRequest>(tl::make_unexpected(settings.error()));
  if (parsed) return settings;
  Error error = parsed.error();
  error.where = place(node.source()) + ", " + std::string(key.str());
  return tl::make_unexpected(error);
}

// `others`: keys that are no options and read elsewhere.
Result<std::vector<Setting>> Reader::options_in(const toml::table& table,
                                                const std::vector<std::string>& others) const {
  std::vector<std::string> known = others, options = option_keys();
  known.insert(known.end(), options.begin(), options.end());
  std::vector<Setting> settings;
  for (const auto& [key, node] : table) {
    if (std::find(known.begin(), known.end(), key.str()) == known.end())
      return unknown(key, known, "an option of tune, as a key");
    if (std::find(others.begin(), others.end(), key.str()) != others.end()) continue;
    BT_TRY(more, settings_of(key, node));
    settings.insert(settings.end(), more.begin(), more.end());
  }
  return settings;
}

Result<std::string> Reader::name_in(const toml::table& table) const {
  const toml::node* node = table.get("name");
  if (node == nullptr)
    return bad_input("a model's name", "none", place(table.source()),
                     "Give name = \"resnet-50\" or a path");
  if (!node->is_string() || node->as_string()->get().empty())
    return bad_input("a model's name as a text", "another kind of value", place(node->source()));
  std::string name = node->as_string()->get();
  if (is_model_path(name)) name = (fs::path(path_).parent_path() / name).string();
  const toml::node* dims = table.get("dims");
  if (dims == nullptr) return name;
  BT_TRY(sizes, table_of(*dims, "dims as a table, such as { seq = 384 }"));
  ModelOptions options;
  for (const auto& [key, size] : *sizes) {
    const auto text = text_of(size);
    if (!text) return bad_input("a size", "another kind of value", place(size.source()));
    options.dims.push_back(fmt::format("{}={}", key.str(), *text));
  }
  return with_model_options(name, options, place(dims->source()));
}

Result<FileModel> Reader::model_in(const toml::table& table,
                                   const std::vector<Setting>& defaults) const {
  FileModel model;
  model.where = place(table.source());
  BT_TRY(name, name_in(table));
  model.model = std::move(name);
  BT_TRY(own, options_in(table, {"name", "dims"}));
  model.options = options_from(settings_over(defaults, own));
  if (auto parsed = parse_tuning(model.options); !parsed) {
    Error error = parsed.error();  // two that contradict each other
    error.where = model.where + ", " + error.where;
    return tl::make_unexpected(error);
  }
  return model;
}

Result<ModelsFile> Reader::read(const toml::table& root) {
  ModelsFile file;
  std::vector<Setting> defaults;
  for (const auto& [key, node] : root) {
    if (key.str() == "budget") {
      const auto text = text_of(node);
      TuningOptions options;
      options.budget = text.value_or("a table");
      if (auto parsed = parse_tuning(options); !parsed) {
        Error error = parsed.error();
        error.where = place(node.source()) + ", budget";
        return tl::make_unexpected(error);
      }
      file.budget = options.budget;
    } else if (key.str() == "defaults") {
      BT_TRY(table, table_of(node, "[defaults] as a table"));
      BT_TRY(settings, options_in(*table, {}));
      defaults = std::move(settings);
    } else if (key.str() != "model") {
      return unknown(key, {"budget", "defaults", "model"}, "budget, [defaults] or [[model]]");
    }
  }
  const toml::node* models = root.get("model");
  if (models == nullptr || !models->is_array() || models->as_array()->empty())
    return bad_input("one [[model]] at least", models ? "another kind of value" : "none",
                     models ? place(models->source()) : path_,
                     "Begin each with [[model]] and name = \"...\"");
  for (const toml::node& node : *models->as_array()) {
    BT_TRY(table, table_of(node, "[[model]] as a table"));
    BT_TRY(model, model_in(*table, defaults));
    file.models.push_back(std::move(model));
  }
  return file;
}

}  // namespace

Result<ModelsFile> parse_models_file(std::string_view toml, const std::string& path) {
  const toml::parse_result parsed = toml::parse(toml, std::string_view(path));
  if (!parsed) {
    const toml::source_position at = parsed.error().source().begin;
    return bad_input("TOML", std::string(parsed.error().description()),
                     fmt::format("{}:{}:{}", path, at.line, at.column));
  }
  return Reader(path).read(parsed.table());
}

Result<ModelsFile> read_models_file(const std::string& path) {
  std::error_code ignored;
  std::ifstream file(path, std::ios::binary);
  if (!file || fs::is_directory(path, ignored))
    return bad_input("a file with models", "none that can be read", path);
  return parse_models_file(std::string(std::istreambuf_iterator<char>(file), {}), path);
}

}  // namespace batchtune
