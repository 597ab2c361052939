#include "tuner/workload/onnx/tensor.h"

#include <bit>
#include <cstring>

namespace batchtune::onnx_file {
namespace {

using Type = ::onnx::TensorProto;

struct TypeRow {
  int type;
  const char* name;
  int bits;
};
// Numbers of onnx.proto; those after bf16 are newer than the package's.
constexpr TypeRow kTypes[] = {
    {1, "f32", 32},   {2, "u8", 8},      {3, "i8", 8},       {4, "u16", 16},    {5, "i16", 16},
    {6, "i32", 32},   {7, "i64", 64},    {8, "text", 0},     {9, "bool", 8},    {10, "f16", 16},
    {11, "f64", 64},  {12, "u32", 32},   {13, "u64", 64},    {14, "c64", 64},   {15, "c128", 128},
    {16, "bf16", 16}, {17, "f8e4m3", 8}, {18, "f8e4m3u", 8}, {19, "f8e5m2", 8}, {20, "f8e5m2u", 8},
    {21, "u4", 4},    {22, "i4", 4},     {23, "f4e2m1", 4},
};

const TypeRow* row_of(int type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return &row;
  return nullptr;
}

template <typename T>
void append_raw(const std::string& raw, std::vector<double>& numbers) {
  for (std::size_t at = 0; at + sizeof(T) <= raw.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, raw.data() + at, sizeof(T));  // little-endian, as this machine is
    numbers.push_back(static_cast<double>(value));
  }
}
static_assert(std::endian::native == std::endian::little);

std::vector<double> raw_numbers(const ::onnx::TensorProto& tensor) {
  std::vector<double> numbers;
  const std::string& raw = tensor.raw_data();
  switch (tensor.data_type()) {
    case Type::FLOAT:
      append_raw<float>(raw, numbers);
      break;
    case Type::DOUBLE:
      append_raw<double>(raw, numbers);
      break;
    case Type::INT64:
      append_raw<std::int64_t>(raw, numbers);
      break;
    case Type::INT32:
      append_raw<std::int32_t>(raw, numbers);
      break;
    case Type::UINT8:
    case Type::BOOL:
      append_raw<std::uint8_t>(raw, numbers);
      break;
    case Type::INT8:
      append_raw<std::int8_t>(raw, numbers);
      break;
    default:
      break;
  }
  return numbers;
}

std::vector<double> typed_numbers(const ::onnx::TensorProto& tensor) {
  std::vector<double> numbers;
  switch (tensor.data_type()) {
    case Type::FLOAT:
      for (const float value : tensor.float_data()) numbers.push_back(static_cast<double>(value));
      break;
    case Type::DOUBLE:
      for (const double value : tensor.double_data()) numbers.push_back(value);
      break;
    case Type::INT64:
      for (const std::int64_t value : tensor.int64_data())
        numbers.push_back(static_cast<double>(value));
      break;
    case Type::INT32:
    case Type::UINT8:
    case Type::INT8:
    case Type::BOOL:
      for (const std::int32_t value : tensor.int32_data())
        numbers.push_back(static_cast<double>(value));
      break;
    default:
      break;
  }
  return numbers;
}

}  // namespace

std::optional<PerSample> per_sample(const Tensor& tensor) {
  const auto& low = tensor.at[0].shape;
  const auto& high = tensor.at[1].shape;
  if (!low || !high || low->size() != high->size()) return std::nullopt;
  PerSample sample;
  for (std::size_t i = 0; i < low->size(); ++i) {
    const std::int64_t a = (*low)[i], b = (*high)[i];
    if (a == b) {
      sample.shape.push_back(a);
      continue;
    }
    if (sample.axis >= 0 || a % kBatches[0] != 0 || a / kBatches[0] * kBatches[1] != b)
      return std::nullopt;
    sample.axis = static_cast<int>(i);
    sample.inner = a / kBatches[0];
    if (sample.inner != 1) sample.shape.push_back(sample.inner);
  }
  return sample;
}

int bits_of(int type) {
  const TypeRow* row = row_of(type);
  return row ? row->bits : 0;
}

bool is_integer(int type) {
  return (type >= Type::UINT8 && type <= Type::BOOL && type != Type::STRING) ||
         type == Type::UINT32 || type == Type::UINT64;
}

bool is_parameter_type(int type) {
  return bits_of(type) != 0 && (!is_integer(type) || type == Type::UINT8 || type == Type::INT8);
}

std::string type_name(int type) {
  const TypeRow* row = row_of(type);
  return row ? row->name : "type " + std::to_string(type);
}

Facts facts_of(const ::onnx::TensorProto& tensor) {
  Facts facts;
  facts.type = tensor.data_type();
  facts.shape = Shape(tensor.dims().begin(), tensor.dims().end());
  const std::int64_t count = elements(*facts.shape);
  if (count > kMaxNumbers || tensor.data_location() == Type::EXTERNAL) return facts;
  std::vector<double> numbers =
      tensor.raw_data().empty() ? typed_numbers(tensor) : raw_numbers(tensor);
  if (static_cast<std::int64_t>(numbers.size()) == count) facts.numbers = std::move(numbers);
  return facts;
}

}  // namespace batchtune::onnx_file
