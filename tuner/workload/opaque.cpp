#include "tuner/workload/opaque.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tuner/core/hash.h"
#include "tuner/core/units.h"
#include "tuner/workload/digest.h"
#include "tuner/workload/model_path.h"

namespace batchtune {
namespace {

namespace fs = std::filesystem;

constexpr OpaqueFormat kFormats[] = {
    {"ort", ".ort", "onnxruntime", "ONNX Runtime's own format"},
    {"xml", ".xml", "openvino", "OpenVINO's own format"},
};

// FlatBuffers: four bytes, then the file's identifier.
constexpr std::string_view kOrtIdentifier = "ORTM";
constexpr std::size_t kOrtIdentifierAt = 4;
// A declaration and comments may come before the root element.
constexpr std::string_view kXmlRoot = "<net";
constexpr std::size_t kHeadBytes = 4096;

const OpaqueFormat* format_of_path(std::string_view name_or_path) {
  const auto found = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const auto& format) {
    return is_path_with_ending(name_or_path, format.ending);
  });
  return found != std::end(kFormats) ? found : nullptr;
}

bool begins_as(const OpaqueFormat& format, std::string_view head) {
  if (format.name == "ort")
    return head.size() > kOrtIdentifierAt && head.substr(kOrtIdentifierAt).starts_with(kOrtIdentifier);
  return head.find(kXmlRoot) != std::string_view::npos;
}

Status check_file(const OpaqueFormat& format, const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::is_regular_file(status))
    return bad_input("a model file", fs::exists(status) ? "something that is no file" : "no such file",
                     path);
  std::ifstream file(path, std::ios::binary);
  std::string head(kHeadBytes, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  if (begins_as(format, head)) return {};
  return bad_input("a model in " + std::string(format.title), "other bytes", path);
}

// Of OpenVINO; "" where there are none.
std::string weights_beside(const std::string& path) {
  const fs::path weights = fs::path(path).replace_extension(".bin");
  std::error_code error;
  return fs::path(path).extension() == ".xml" && fs::is_regular_file(weights, error)
             ? weights.string()
             : std::string();
}

std::string described(const OpaqueFormat& format, std::uintmax_t bytes) {
  return std::string(format.title) + ", " + format_bytes(static_cast<double>(bytes)) +
         ", which its runtime alone can read: operations, shapes and work are unknown here";
}

}  // namespace

bool is_opaque(const Model& model) {
  return model.file && (format_of(model) != nullptr || model.file->format == kCommandFormat);
}

std::span<const OpaqueFormat> opaque_formats() {
  return kFormats;
}

const OpaqueFormat* format_of(const Model& model) {
  if (!model.file) return nullptr;
  const auto found = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const auto& format) {
    return format.name == model.file->format;
  });
  return found != std::end(kFormats) ? found : nullptr;
}

bool is_opaque_path(std::string_view name_or_path) {
  return format_of_path(name_or_path) != nullptr;
}

Result<Model> read_opaque(std::string_view path_with_options) {
  const OpaqueFormat* const format = format_of_path(path_with_options);
  if (format == nullptr)
    return bad_input("a path that ends in .ort or .xml", std::string(path_with_options), "model");
  BT_TRY(given, split_model_path(path_with_options, format->ending));
  BT_TRY_VOID(check_file(*format, given.path));
  const std::string weights = weights_beside(given.path);
  Digest digest;
  BT_TRY_VOID(digest.add_file(given.path));
  if (!weights.empty()) BT_TRY_VOID(digest.add_file(weights));
  std::error_code error;
  Model model;
  model.name = name_of_model(given);
  model.dims = given.dims;
  model.description = described(*format, fs::file_size(given.path, error) +
                                             (weights.empty() ? 0 : fs::file_size(weights, error)));
  model.file = ModelFile{std::string(format->name),
                         fs::absolute(given.path, error).lexically_normal().string(),
                         digest.text(), given.batch_dim};
  BT_TRY_VOID(infer_shapes(model, given.path + ", "));
  return model;
}

Model command_model(const std::string& name, const std::string& command) {
  Model model;
  model.name = name;
  model.description = "a name for what a command runs: operations, shapes and work are unknown here";
  model.file = ModelFile{std::string(kCommandFormat), "", hex64(fnv1a(name + '\n' + command)), ""};
  return model;
}

}  // namespace batchtune
