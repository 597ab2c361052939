#include "tuner/workload/onnx/file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <system_error>

#include "tuner/workload/digest.h"
#include "tuner/workload/onnx/skeleton.h"
#include "tuner/workload/onnx/tensor.h"

namespace batchtune::onnx_file {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxBytes =
    std::numeric_limits<std::int32_t>::max();  // of a protobuf message

Status check_size(const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::is_regular_file(status))
    return bad_input("an ONNX file",
                     fs::exists(status) ? "something that is no file" : "no such file", path);
  const std::uintmax_t size = fs::file_size(path, error);
  if (error || size > kMaxBytes)
    return bad_input("an ONNX file of less than 2 GiB", std::to_string(size) + " bytes", path,
                     "Keep the weights in external data");
  return {};
}

Result<Skeleton> read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return bad_input("a readable ONNX file", "no access", path);
  return Skeleton{std::string(std::istreambuf_iterator<char>(file), {}), {}};
}

// Bytes that a tensor of this type and shape takes; nullopt for text and types that are newer than
// this.
std::optional<std::uintmax_t> claimed_bytes(const ::onnx::TensorProto& tensor) {
  const auto bits = static_cast<unsigned>(bits_of(tensor.data_type()));
  if (bits == 0) return std::nullopt;
  const auto count =
      static_cast<unsigned __int128>(elements(Shape(tensor.dims().begin(), tensor.dims().end())));
  const unsigned __int128 bytes = (count * bits + 7) / 8;
  return static_cast<std::uintmax_t>(
      std::min<unsigned __int128>(bytes, std::numeric_limits<std::uintmax_t>::max()));
}

// Of the typed fields: several small elements share an int32.
std::uintmax_t typed_values(const ::onnx::TensorProto& tensor) {
  return static_cast<std::uintmax_t>(tensor.float_data_size() + tensor.int32_data_size() +
                                     tensor.int64_data_size() + tensor.double_data_size() +
                                     tensor.uint64_data_size());
}

struct ExternalData {
  std::string location;
  std::uintmax_t offset = 0;
  std::optional<std::uintmax_t> length;
};

// Where the initializers' bytes are; names the tensor in every error.
class Initializers {
 public:
  explicit Initializers(const std::string& path)
      : path_(path), folder_(fs::path(path).parent_path()) {}

  // `cut`: bytes of its data that are in the file, but not in the message.
  Status check(const ::onnx::TensorProto& tensor, std::uint64_t cut);
  const std::set<std::string>& external_files() const { return external_; }

 private:
  tl::unexpected<Error> fail(const ::onnx::TensorProto& tensor, std::string wanted,
                             std::string found) const {
    return bad_input(std::move(wanted), std::move(found),
                     file_name_of(path_) + ", tensor \"" + tensor.name() + "\"");
  }
  Result<ExternalData> external_of(const ::onnx::TensorProto& tensor) const;
  Result<fs::path> place_of(const ::onnx::TensorProto& tensor, const std::string& location) const;
  Status check_external(const ::onnx::TensorProto& tensor, std::optional<std::uintmax_t> claimed);

  std::string path_;
  fs::path folder_;
  std::set<std::string> external_;
};

Result<ExternalData> Initializers::external_of(const ::onnx::TensorProto& tensor) const {
  ExternalData data;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") data.location = entry.value();
    if (entry.key() != "offset" && entry.key() != "length") continue;
    std::uintmax_t value = 0;
    const char* const end = entry.value().data() + entry.value().size();
    const auto [stop, error] = std::from_chars(entry.value().data(), end, value);
    if (error != std::errc{} || stop != end)
      return fail(tensor, "external data with a number as " + entry.key(),
                  "\"" + entry.value() + "\"");
    if (entry.key() == "offset")
      data.offset = value;
    else
      data.length = value;
  }
  return data;
}

// Only inside the model's folder: a model file must not make anybody read other files.
Result<fs::path> Initializers::place_of(const ::onnx::TensorProto& tensor,
                                        const std::string& location) const {
  const fs::path relative(location);
  const bool leaves = location.empty() || relative.is_absolute() ||
                      std::find(relative.begin(), relative.end(), "..") != relative.end();
  std::error_code error;
  const fs::path folder = fs::canonical(folder_, error);
  const fs::path place = leaves ? fs::path() : fs::canonical(folder / relative, error);
  if (!leaves && error)
    return fail(tensor, "external data in the model's folder",
                "no file \"" + location + "\" (" + error.message() + ")");
  const bool inside =
      !leaves &&
      std::mismatch(folder.begin(), folder.end(), place.begin(), place.end()).first == folder.end();
  if (!inside || !fs::is_regular_file(place, error))
    return fail(tensor, "external data in a file of the model's folder", "\"" + location + "\"");
  return place;
}

Status Initializers::check_external(const ::onnx::TensorProto& tensor,
                                    std::optional<std::uintmax_t> claimed) {
  BT_TRY(data, external_of(tensor));
  BT_TRY(place, place_of(tensor, data.location));
  std::error_code error;
  const std::uintmax_t size = fs::file_size(place, error);
  const std::uintmax_t length = data.length.value_or(claimed.value_or(0));
  if (claimed && length != *claimed)
    return fail(tensor, std::to_string(*claimed) + " bytes, for its shape",
                std::to_string(length) + " bytes of external data");
  if (error || data.offset > size || length > size - data.offset)
    return fail(tensor, std::to_string(length) + " bytes from " + std::to_string(data.offset),
                "\"" + data.location + "\" of " + std::to_string(size) + " bytes");
  external_.insert(place.string());
  return {};
}

Status Initializers::check(const ::onnx::TensorProto& tensor, std::uint64_t cut) {
  for (const std::int64_t size : tensor.dims())
    if (size < 0) return fail(tensor, "sizes of at least 0", std::to_string(size));
  const auto claimed = claimed_bytes(tensor);
  if (tensor.data_location() == ::onnx::TensorProto::EXTERNAL)
    return check_external(tensor, claimed);
  if (!claimed) return {};
  if (const std::uintmax_t bytes = tensor.raw_data().size() + cut; bytes > 0) {
    if (bytes == *claimed) return {};
    return fail(tensor, std::to_string(*claimed) + " bytes, for its shape",
                std::to_string(bytes) + " bytes");
  }
  const auto count =
      static_cast<std::uintmax_t>(elements(Shape(tensor.dims().begin(), tensor.dims().end())));
  const std::uintmax_t values = typed_values(tensor);
  const auto bits = static_cast<std::uintmax_t>(bits_of(tensor.data_type()));
  const bool packs = bits < 8;  // several small ones in one value
  const bool pairs = tensor.data_type() == ::onnx::TensorProto::COMPLEX64 ||
                     tensor.data_type() == ::onnx::TensorProto::COMPLEX128;
  const bool fits = packs ? values <= count && values >= (count * bits + 31) / 32
                          : values / (pairs ? 2 : 1) == count;
  if (fits) return {};
  return fail(tensor, std::to_string(count) + " values, for its shape", std::to_string(values));
}

}  // namespace

std::string file_name_of(const std::string& path) {
  return fs::path(path).filename().string();
}

Result<OnnxFile> open_onnx(const std::string& path, Weights weights) {
  BT_TRY_VOID(check_size(path));
  BT_TRY(content, weights == Weights::cut ? read_skeleton(path) : read_whole(path));
  OnnxFile file;
  std::error_code error;
  file.path = fs::absolute(path, error).lexically_normal().string();
  if (content.bytes.size() > kMaxBytes ||
      !file.model.ParseFromArray(content.bytes.data(), static_cast<int>(content.bytes.size())) ||
      !file.model.has_graph() || file.model.graph().node().empty())
    return bad_input("an ONNX model: a protobuf message with a graph", "bytes that are none", path);
  content.bytes = {};  // the message has its own copy
  Digest digest;
  BT_TRY_VOID(digest.add_file(file.path));
  Initializers initializers(file.path);
  for (int i = 0; i < file.model.graph().initializer_size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    BT_TRY_VOID(initializers.check(file.model.graph().initializer(i),
                                   at < content.cut.size() ? content.cut[at] : 0));
  }
  file.has_external_data = !initializers.external_files().empty();
  for (const std::string& external : initializers.external_files())
    BT_TRY_VOID(digest.add_file(external));
  file.digest = digest.text();
  return file;
}

}  // namespace batchtune::onnx_file
