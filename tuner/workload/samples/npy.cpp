#include "tuner/workload/samples/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace batchtune::samples {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kShortPrefix = 10, kLongPrefix = 12;  // magic, version, length of the dictionary
constexpr std::uint32_t kLongestDictionary = 64 << 10;      // some hundred bytes in practice
constexpr std::int64_t kMostElements = std::int64_t{1} << 43;
constexpr std::size_t kMostDimensions = 32;  // of NumPy before 2.0
constexpr char kNumbers[] = "numbers: f2, f4, f8, i1 to i8, u1 to u8 or booleans";

// What the dictionary of a header says, read from left to right.
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : text_(text) {}

  // False: it is none, or has other keys than the three.
  bool read(std::string& type, bool& fortran, Shape& shape) {
    int seen = 0;
    if (!take('{')) return false;
    while (!take('}')) {
      std::string key;
      if (!read_text(key) || !take(':')) return false;
      const bool known = (key == "descr" && read_type(type)) ||
                         (key == "fortran_order" && read_truth(fortran)) ||
                         (key == "shape" && read_shape(shape));
      if (!known || ++seen > 3) return false;
      if (!take(',') && !at('}')) return false;
    }
    skip_blanks();
    return seen == 3 && text_.empty();
  }

 private:
  void skip_blanks() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\n')) text_.remove_prefix(1);
  }
  bool at(char c) {
    skip_blanks();
    return text_.starts_with(c);
  }
  bool take(char c) {
    if (!at(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool read_text(std::string& text) {
    skip_blanks();
    if (text_.empty() || (text_.front() != '\'' && text_.front() != '"')) return false;
    const std::size_t end = text_.find(text_.front(), 1);
    if (end == std::string_view::npos) return false;
    text = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return true;
  }
  // A structure's type is a list: kept as it stands, for the error.
  bool read_type(std::string& type) {
    if (!at('[')) return read_text(type);
    const std::size_t end = text_.rfind(']');
    if (end == std::string_view::npos) return false;
    type = text_.substr(0, end + 1);
    text_.remove_prefix(end + 1);
    return true;
  }
  bool read_truth(bool& value) {
    skip_blanks();
    for (const auto& [word, meant] : {std::pair{std::string_view("True"), true},
                                      std::pair{std::string_view("False"), false}})
      if (text_.starts_with(word)) {
        text_.remove_prefix(word.size());
        value = meant;
        return true;
      }
    return false;
  }
  bool read_shape(Shape& shape) {
    if (!take('(')) return false;
    while (!take(')')) {
      skip_blanks();
      std::int64_t size = 0;
      const auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (code != std::errc{} || size < 0 || shape.size() == kMostDimensions) return false;
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      shape.push_back(size);
      if (!take(',') && !at(')')) return false;
    }
    return true;
  }

  std::string_view text_;
};

struct KindName {
  char letter;
  NumberKind kind;
  const char* sizes;
};
constexpr KindName kKinds[] = {{'f', NumberKind::floating, "248"},
                               {'i', NumberKind::signed_integer, "1248"},
                               {'u', NumberKind::unsigned_integer, "1248"},
                               {'b', NumberKind::boolean, "1"}};

// "<f4", ">i8", "|u1"
bool read_type(std::string_view type, NpyHeader& header) {
  if (type.size() != 3 || std::string_view("<>|=").find(type[0]) == std::string_view::npos)
    return false;
  for (const auto& [letter, kind, sizes] : kKinds) {
    if (type[1] != letter || std::string_view(sizes).find(type[2]) == std::string_view::npos)
      continue;
    header.kind = kind;
    header.bytes = type[2] - '0';
    const bool wanted = type[0] == '>' || (type[0] != '<' && std::endian::native == std::endian::big);
    header.swapped = wanted != (std::endian::native == std::endian::big);
    return true;
  }
  return false;
}

// nullopt: more than kMostElements.
std::optional<std::int64_t> count_of(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape)
    if (size != 0 && count > kMostElements / size)
      return std::nullopt;
    else
      count *= size;
  return count;
}

std::string text_of(const Shape& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + (shape.size() == 1 ? ",)" : ")");
}

Status check_shape(const EntryReader& reader, const NpyHeader& header) {
  const auto count = count_of(header.shape);
  if (header.shape.empty() || count == 0)
    return bad_input("an array with samples as its first dimension, at least one",
                     "shape " + text_of(header.shape), reader.where());
  const std::uint64_t held =
      (reader.entry().size - header.start) / static_cast<std::uint64_t>(header.bytes);
  const bool whole = (reader.entry().size - header.start) % static_cast<std::uint64_t>(header.bytes) == 0;
  if (count && static_cast<std::uint64_t>(*count) == held && whole) return {};
  return bad_input("the elements of shape " + text_of(header.shape) + " in " + header.type,
                   std::to_string(reader.entry().size - header.start) + " bytes", reader.where(),
                   "The file is damaged: write it again");
}

Result<std::string> read_dictionary(EntryReader& reader, std::uint64_t& start) {
  const auto no_array = [&](const std::string& found) {
    return bad_input("a NumPy array (.npy)", found, reader.where(),
                     "Write it with numpy.save or numpy.savez");
  };
  std::array<std::byte, kLongPrefix> prefix{};
  if (reader.entry().size < prefix.size()) return no_array("less than a header");
  BT_TRY_VOID(reader.read(0, prefix));
  if (std::memcmp(prefix.data(), kMagic.data(), kMagic.size()) != 0)
    return no_array("something else");
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(prefix[i]); };
  const std::uint32_t version = byte(6);
  if (version < 1 || version > 3) return no_array("version " + std::to_string(version));
  std::uint32_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  const std::size_t before = version == 1 ? kShortPrefix : kLongPrefix;
  if (length > kLongestDictionary || length > reader.entry().size - before)
    return no_array("a header that claims " + std::to_string(length) + " bytes");
  std::string dictionary(length, '\0');
  BT_TRY_VOID(reader.read(
      before, {reinterpret_cast<std::byte*>(dictionary.data()), dictionary.size()}));
  start = before + length;
  return dictionary;
}

template <typename Integer>
Integer integer_of(const std::byte* bytes, bool swapped) {
  std::array<std::byte, sizeof(Integer)> own;
  std::copy(bytes, bytes + own.size(), own.begin());
  if (swapped) std::reverse(own.begin(), own.end());
  return std::bit_cast<Integer>(own);
}

// IEEE binary16.
double half_of(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const double fraction = bits & 0x3ff;
  double value = 0;
  if (exponent == 0x1f)
    value = fraction == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  else if (exponent == 0)
    value = std::ldexp(fraction, -24);
  else
    value = std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}

}  // namespace

Result<NpyHeader> read_npy_header(EntryReader& reader) {
  NpyHeader header;
  BT_TRY(dictionary, read_dictionary(reader, header.start));
  if (!Dictionary(dictionary).read(header.type, header.fortran, header.shape))
    return bad_input("a header with descr, fortran_order and shape", "another", reader.where(),
                     "Write it with numpy.save or numpy.savez");
  if (!read_type(header.type, header))
    return bad_input(kNumbers, "elements of type " + header.type.substr(0, 60), reader.where(),
                     "Convert it with array.astype(\"float32\")");
  BT_TRY_VOID(check_shape(reader, header));
  return header;
}

double number_at(const NpyHeader& header, const std::byte* bytes) {
  const bool swapped = header.swapped;
  if (header.kind != NumberKind::floating) {
    if (header.kind == NumberKind::unsigned_integer && header.bytes == 8)
      return static_cast<double>(integer_of<std::uint64_t>(bytes, swapped));
    return static_cast<double>(integer_at(header, bytes));
  }
  if (header.bytes == 2) return half_of(integer_of<std::uint16_t>(bytes, swapped));
  if (header.bytes == 4)
    return static_cast<double>(std::bit_cast<float>(integer_of<std::uint32_t>(bytes, swapped)));
  return std::bit_cast<double>(integer_of<std::uint64_t>(bytes, swapped));
}

std::int64_t integer_at(const NpyHeader& header, const std::byte* bytes) {
  const bool swapped = header.swapped;
  if (header.kind == NumberKind::boolean) return integer_of<std::uint8_t>(bytes, false) != 0 ? 1 : 0;
  const bool is_signed = header.kind == NumberKind::signed_integer;
  switch (header.bytes) {
    case 1:
      return is_signed ? integer_of<std::int8_t>(bytes, false) : integer_of<std::uint8_t>(bytes, false);
    case 2:
      return is_signed ? integer_of<std::int16_t>(bytes, swapped)
                       : integer_of<std::uint16_t>(bytes, swapped);
    case 4:
      return is_signed ? integer_of<std::int32_t>(bytes, swapped)
                       : static_cast<std::int64_t>(integer_of<std::uint32_t>(bytes, swapped));
    default: {
      const auto value = integer_of<std::int64_t>(bytes, swapped);
      return is_signed || value >= 0 ? value : -1;
    }
  }
}

}  // namespace batchtune::samples
