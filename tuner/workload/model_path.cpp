#include "tuner/workload/model_path.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace batchtune {
namespace {

constexpr std::string_view kBatchKey = "batch";

// Where the path ends and options begin; npos for what is no such file's name. The last ".onnx@"
// counts: folders may be called so.
std::size_t end_of_path(std::string_view text, std::string_view ending) {
  if (ending.empty()) return std::min(text.find('@'), text.size());
  if (text.ends_with(ending)) return text.size();
  const std::size_t at = text.rfind(std::string(ending) + "@");
  return at == std::string_view::npos ? at : at + ending.size();
}

Status read_option(std::string_view part, const std::string& where, ModelPath& model) {
  const std::size_t equals = part.rfind('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == part.size())
    return bad_input("NAME=SIZE of a dimension, or batch=NAME", "\"" + std::string(part) + "\"",
                     where);
  const std::string name(part.substr(0, equals));
  const std::string_view value = part.substr(equals + 1);
  std::int64_t size = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
  const bool is_size = error == std::errc{} && end == value.data() + value.size();
  if (name == kBatchKey && is_size)
    return bad_input("batch=NAME, the symbolic dimension that is the batch", std::string(part),
                     where, "Batches are chosen by --batches");
  if (name == kBatchKey) {
    model.batch_dim = value;
    return {};
  }
  if (!is_size) return bad_input(name + ": an integer", "\"" + std::string(value) + "\"", where);
  if (!model.dims.emplace(name, size).second)
    return bad_input("each dimension once", name + " again", where);
  return {};
}

}  // namespace

bool is_path_with_ending(std::string_view name_or_path, std::string_view ending) {
  return end_of_path(name_or_path, ending) != std::string_view::npos;
}

Result<ModelPath> split_model_path(std::string_view path_with_options, std::string_view ending) {
  const std::size_t end = end_of_path(path_with_options, ending);
  ModelPath model;
  model.path = path_with_options.substr(0, end);
  std::string_view rest = end >= path_with_options.size() ? "" : path_with_options.substr(end + 1);
  while (end < path_with_options.size()) {
    const std::size_t comma = rest.find(',');
    BT_TRY_VOID(
        read_option(rest.substr(0, comma), "model " + std::string(path_with_options), model));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return model;
}

std::string name_of_model(const ModelPath& path) {
  std::string name = std::filesystem::path(path.path).stem().string();
  char separator = '@';
  for (const auto& [dimension, size] : path.dims) {
    name += separator + dimension + "=" + std::to_string(size);
    separator = ',';
  }
  return name;
}

}  // namespace batchtune
