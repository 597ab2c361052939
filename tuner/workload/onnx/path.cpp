// "model.onnx@seq=128,batch=N": a path with what its symbolic dimensions are.
#include <charconv>

#include "tuner/workload/onnx/onnx.h"

namespace batchtune {
namespace {

constexpr std::string_view kEnding = ".onnx";
constexpr std::string_view kBatchKey = "batch";

// Where the path ends and options begin; npos for what is no ONNX file's name. The last ".onnx@"
// counts: folders may be called so.
std::size_t end_of_path(std::string_view text) {
  if (text.ends_with(kEnding)) return text.size();
  const std::size_t at = text.rfind(std::string(kEnding) + "@");
  return at == std::string_view::npos ? at : at + kEnding.size();
}

Status read_option(std::string_view part, const std::string& where, OnnxOptions& options) {
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
    options.batch_dim = value;
    return {};
  }
  if (!is_size) return bad_input(name + ": an integer", "\"" + std::string(value) + "\"", where);
  if (!options.dims.emplace(name, size).second)
    return bad_input("each dimension once", name + " again", where);
  return {};
}

}  // namespace

bool is_onnx_path(std::string_view name_or_path) {
  return end_of_path(name_or_path) != std::string_view::npos;
}

Result<Model> read_onnx(std::string_view path_with_options) {
  const std::size_t end = end_of_path(path_with_options);
  const std::string path(path_with_options.substr(0, end));
  OnnxOptions options;
  std::string_view rest = end >= path_with_options.size() ? "" : path_with_options.substr(end + 1);
  while (end < path_with_options.size()) {
    const std::size_t comma = rest.find(',');
    BT_TRY_VOID(
        read_option(rest.substr(0, comma), "model " + std::string(path_with_options), options));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return read_onnx(path, options);
}

}  // namespace batchtune
