#include "tuner/workload/onnx/export_weights.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace batchtune::onnx_export {
namespace {

constexpr std::int64_t kPart = 1 << 16;  // elements made at a time: 256 KiB

// Weights below this stay in the model's file: shape inference and folding may want to read them.
constexpr std::int64_t kSmallest = 1024;  // elements
// Where a tensor begins in the data file: a page, so that a runtime can map it.
constexpr std::int64_t kAlignment = 4096;

std::int64_t elements_of(const ::onnx::TensorProto& tensor) {
  return elements({tensor.dims().begin(), tensor.dims().end()});
}

// Calls write(bytes) with all values in order. The bytes are little-endian, as ONNX wants them and
// x86 has them.
template <typename Write>
void for_parts(std::int64_t count, const Values& values, Write write) {
  std::vector<float> part(static_cast<std::size_t>(std::min(count, kPart)));
  for (std::int64_t first = 0; first < count; first += kPart) {
    const auto length = static_cast<std::size_t>(std::min(kPart, count - first));
    values(first, {part.data(), length});
    write(reinterpret_cast<const char*>(part.data()), length * sizeof(float));
  }
}

void add_entry(::onnx::TensorProto& tensor, const char* key, std::string value) {
  ::onnx::StringStringEntryProto& entry = *tensor.add_external_data();
  entry.set_key(key);
  entry.set_value(std::move(value));
}

// Group, channel of the group, channel of the input, row and column of a filter's element.
struct Filters {
  std::int64_t groups, group_out, group_in, height, width;

  std::int64_t count() const { return groups * group_out * group_in * height * width; }

  // Of element `index` of the file, the index in the model's layout.
  std::int64_t model_index(std::int64_t index) const {
    const std::int64_t column = index % width, row = index / width % height;
    index /= height * width;
    const std::int64_t in = index % group_in, channel = index / group_in;
    const std::int64_t group = channel / group_out, out = channel % group_out;
    return (((group * height + row) * width + column) * group_in + in) * group_out + out;
  }
};

}  // namespace

Values values_of(std::uint64_t seed, const Model& model, const Op& op, WeightRole role) {
  return [seed, &model, &op, role](std::int64_t first, std::span<float> values) {
    fill_weight(seed, model, op, role, values, first);
  };
}

Values rows_of(Values matrix, std::int64_t columns,
               std::function<std::int64_t(std::int64_t)> row_of) {
  return [matrix = std::move(matrix), columns, row_of = std::move(row_of)](
             std::int64_t first, std::span<float> values) {
    while (!values.empty()) {  // a part of a row at a time
      const std::int64_t row = first / columns, column = first % columns;
      const auto length = std::min(static_cast<std::size_t>(columns - column), values.size());
      matrix(row_of(row) * columns + column, values.first(length));
      values = values.subspan(length);
      first += static_cast<std::int64_t>(length);
    }
  };
}

Values filters_of(std::uint64_t seed, const Model& model, const Op& op, std::int64_t in_channels) {
  const Filters filters{op.groups, op.columns / op.groups, in_channels / op.groups,
                        op.window.kernel_h, op.window.kernel_w};
  // Made once, at the first call: neighbours in the file lie far apart in the model's layout.
  auto all = std::make_shared<std::vector<float>>();
  return [=, &model, &op](std::int64_t first, std::span<float> values) {
    if (all->empty()) {
      all->resize(static_cast<std::size_t>(filters.count()));
      fill_weight(seed, model, op, WeightRole::matrix, *all);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t index = filters.model_index(first + static_cast<std::int64_t>(i));
      values[i] = (*all)[static_cast<std::size_t>(index)];
    }
  };
}

void InlineStore::put(::onnx::TensorProto& tensor, const Values& values) {
  const std::int64_t count = elements_of(tensor);
  std::string& raw = *tensor.mutable_raw_data();
  raw.reserve(static_cast<std::size_t>(count) * sizeof(float));
  for_parts(count, values, [&](const char* bytes, std::size_t size) { raw.append(bytes, size); });
}

DataFile::DataFile(const std::string& path, std::string location)
    : path_(path), location_(std::move(location)), file_(path, std::ios::binary) {}

void DataFile::put(::onnx::TensorProto& tensor, const Values& values) {
  const std::int64_t count = elements_of(tensor);
  if (count < kSmallest) return InlineStore().put(tensor, values);
  if (!file_) return;  // close() will tell
  const std::int64_t begin = (end_ + kAlignment - 1) / kAlignment * kAlignment;
  const std::string padding(static_cast<std::size_t>(begin - end_), '\0');
  file_.write(padding.data(), static_cast<std::streamsize>(padding.size()));
  for_parts(count, values, [&](const char* bytes, std::size_t size) {
    file_.write(bytes, static_cast<std::streamsize>(size));
  });
  end_ = begin + count * static_cast<std::int64_t>(sizeof(float));
  tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  add_entry(tensor, "location", location_);
  add_entry(tensor, "offset", std::to_string(begin));
  add_entry(tensor, "length", std::to_string(end_ - begin));
}

Status DataFile::close() {
  file_.close();
  if (file_) return {};
  return environment_error("to write the model's weights", std::strerror(errno), path_);
}

}  // namespace batchtune::onnx_export
