// Walks protobuf's wire format (protobuf.dev/programming-guides/encoding): a message is fields,
// each a tag (number * 8 + wire type) and a value. Fields are copied but for data of tensors; the
// messages around them get new lengths.
#include "tuner/workload/onnx/skeleton.h"

#include <array>
#include <filesystem>
#include <fstream>

namespace batchtune::onnx_file {
namespace {

constexpr std::uint64_t kKeptBytes =
    16U << 10;  // above what numbers of shapes take (tensor.h, kMaxNumbers)

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Messages on the way to tensors, with the numbers of onnx.proto.
enum class Message { model, graph, node, attribute, tensor, initializer, other };

Message child_of(Message message, std::uint64_t field) {
  switch (message) {
    case Message::model:
      return field == 7 ? Message::graph : Message::other;
    case Message::graph:
      return field == 5 ? Message::initializer : field == 1 ? Message::node : Message::other;
    case Message::node:
      return field == 5 ? Message::attribute : Message::other;
    case Message::attribute:
      return field == 5 ? Message::tensor : Message::other;
    default:
      return Message::other;
  }
}

// Raw bytes, or packed floats, which are the same.
bool is_data(Message message, std::uint64_t field) {
  return (message == Message::tensor || message == Message::initializer) &&
         (field == 9 || field == 4);
}

void append_varint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

class Walker {
 public:
  explicit Walker(const std::string& path) : file_(path, std::ios::binary) {
    std::error_code error;
    size_ = std::filesystem::file_size(path, error);
    if (error) size_ = 0;
  }

  bool run(Skeleton& skeleton) {
    skeleton_ = &skeleton;
    return file_.good() && copy(Message::model, size_, skeleton.bytes);
  }

 private:
  // Copies fields up to `end`; false where they are none.
  bool copy(Message message, std::uint64_t end, std::string& out);
  bool copy_bytes(Message message, std::uint64_t field, std::uint64_t end, std::string& out);
  bool varint(std::uint64_t end, std::uint64_t& value);
  bool take(std::uint64_t count, std::uint64_t end, std::string& out);

  std::ifstream file_;
  std::uint64_t size_ = 0, at_ = 0;
  Skeleton* skeleton_ = nullptr;
};

bool Walker::varint(std::uint64_t end, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && at_ < end; shift += 7) {
    const int byte = file_.get();
    ++at_;
    if (byte < 0) return false;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool Walker::take(std::uint64_t count, std::uint64_t end, std::string& out) {
  if (count > end - at_) return false;
  const std::size_t before = out.size();
  out.resize(before + count);
  file_.read(out.data() + before, static_cast<std::streamsize>(count));
  at_ += count;
  return file_.good() || (file_.eof() && file_.gcount() == static_cast<std::streamsize>(count));
}

bool Walker::copy_bytes(Message message, std::uint64_t field, std::uint64_t end, std::string& out) {
  std::uint64_t length = 0;
  if (!varint(end, length) || length > end - at_) return false;
  const std::uint64_t tag = field * 8 + kBytes;
  if (is_data(message, field) && length > kKeptBytes) {
    if (message == Message::initializer) skeleton_->cut.back() += length;
    at_ += length;
    return file_.seekg(static_cast<std::streamoff>(at_)).good();
  }
  append_varint(tag, out);
  const Message child = child_of(message, field);
  if (child == Message::other) {
    append_varint(length, out);
    return take(length, end, out);
  }
  if (child == Message::initializer) skeleton_->cut.push_back(0);
  std::string inner;
  if (!copy(child, at_ + length, inner)) return false;
  append_varint(inner.size(), out);
  out += inner;
  return true;
}

bool Walker::copy(Message message, std::uint64_t end, std::string& out) {
  while (at_ < end) {
    std::uint64_t tag = 0, value = 0;
    if (!varint(end, tag)) return false;
    const auto type = static_cast<unsigned>(tag & 7);
    if (type == kBytes) {
      if (!copy_bytes(message, tag >> 3, end, out)) return false;
      continue;
    }
    append_varint(tag, out);
    if (type == kVarint) {
      if (!varint(end, value)) return false;
      append_varint(value, out);
    } else if (type != kFixed64 && type != kFixed32) {
      return false;  // groups, which ONNX never had
    } else if (!take(type == kFixed64 ? 8 : 4, end, out)) {
      return false;
    }
  }
  return at_ == end;
}

}  // namespace

Result<Skeleton> read_skeleton(const std::string& path) {
  Skeleton skeleton;
  if (Walker(path).run(skeleton)) return skeleton;
  return bad_input("an ONNX model: a protobuf message", "bytes that are none, or are cut off",
                   path);
}

}  // namespace batchtune::onnx_file
