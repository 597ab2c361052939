#include "tuner/workload/samples/sample_array.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace batchtune::samples {
namespace {

constexpr std::uint64_t kMostHeld = std::uint64_t{1} << 30;  // of an array in Fortran order
constexpr std::size_t kElementsOfPiece = 4096;                         // elements that are read at a time

std::string shown_shape(const Shape& shape) {
  std::string text = "(samples";
  for (const std::int64_t size : shape) text += ", " + std::to_string(size);
  return text + ")";
}

// Where element `index` (in C order) of a sample lies among all elements in Fortran order.
std::uint64_t fortran_place(const Shape& shape, std::int64_t sample, std::int64_t index) {
  std::vector<std::int64_t> place(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 1;) {
    place[axis] = index % shape[axis];
    index /= shape[axis];
  }
  place[0] = sample;
  std::uint64_t at = 0;
  for (std::size_t axis = shape.size(); axis-- > 0;)
    at = at * static_cast<std::uint64_t>(shape[axis]) + static_cast<std::uint64_t>(place[axis]);
  return at;
}

}  // namespace

Result<SampleArray> SampleArray::open(EntryReader reader, std::string name) {
  SampleArray array(std::move(reader), std::move(name));
  BT_TRY(header, read_npy_header(array.reader_));
  array.header_ = std::move(header);
  if (!array.header_.fortran) return array;
  const std::uint64_t bytes = array.reader_.entry().size - array.header_.start;
  if (bytes > kMostHeld)
    return bad_input("an array in Fortran order of at most 1 GiB",
                     std::to_string(bytes >> 20) + " MiB", array.where(),
                     "Write it in C order: numpy.ascontiguousarray(array)");
  array.whole_.resize(static_cast<std::size_t>(bytes));
  BT_TRY_VOID(array.reader_.read(array.header_.start, array.whole_));
  return array;
}

template <typename Value, typename Convert>
Status SampleArray::read_as(std::int64_t sample, std::int64_t first, std::span<Value> values,
                            Convert convert) {
  const auto width = static_cast<std::size_t>(header_.bytes);
  if (header_.fortran) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t place =
          fortran_place(header_.shape, sample, first + static_cast<std::int64_t>(i));
      values[i] = convert(header_, whole_.data() + place * width);
    }
    return {};
  }
  const auto begin = static_cast<std::uint64_t>(sample * elements(sample_shape()) + first);
  std::vector<std::byte> piece(std::min(kElementsOfPiece, values.size()) * width);
  for (std::size_t done = 0; done < values.size();) {
    const std::size_t count = std::min(kElementsOfPiece, values.size() - done);
    BT_TRY_VOID(reader_.read(header_.start + (begin + done) * width, {piece.data(), count * width}));
    for (std::size_t i = 0; i < count; ++i)
      values[done + i] = convert(header_, piece.data() + i * width);
    done += count;
  }
  return {};
}

Status SampleArray::read(std::int64_t sample, std::int64_t first, std::span<double> values) {
  return read_as(sample, first, values, number_at);
}

Status SampleArray::read(std::int64_t sample, std::int64_t first,
                         std::span<std::int64_t> values) {
  return read_as(sample, first, values, integer_at);
}

Status SampleArray::check(const Op& input, bool known_vocabulary) {
  const Shape own = sample_shape();
  const bool single = elements(input.output) == 1 && own.empty();  // a value a sample
  if (own != input.output && !single)
    return bad_input("shape " + shown_shape(input.output) + " for the input \"" + input.name + "\"",
                     shown_shape(own), where(), "The first dimension is of samples");
  const bool ids = input.input_kind == InputKind::token_ids;
  if (ids && header_.kind == NumberKind::floating)
    return bad_input("integers for the input \"" + input.name + "\", which takes ids",
                     "elements of type " + header_.type, where(),
                     "Convert it with array.astype(\"int64\")");
  if (!reader_.entry().name.empty()) BT_TRY_VOID(reader_.check_sum());
  if (ids) return known_vocabulary ? check_ids(input) : Status{};
  return header_.kind == NumberKind::floating ? check_finite() : Status{};
}

Status SampleArray::check_ids(const Op& input) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(elements(input.output)));
  for (std::int64_t sample = 0; sample < samples(); ++sample) {
    BT_TRY_VOID(read(sample, 0, ids));
    for (const std::int64_t id : ids)
      if (id < 0 || id >= input.vocabulary)
        return bad_input("ids from 0 to " + std::to_string(input.vocabulary - 1) +
                             " for the input \"" + input.name + "\"",
                         std::to_string(id), where() + ", sample " + std::to_string(sample));
  }
  return {};
}

Status SampleArray::check_finite() {
  std::vector<double> values(static_cast<std::size_t>(elements(sample_shape())));
  for (std::int64_t sample = 0; sample < samples(); ++sample) {
    BT_TRY_VOID(read(sample, 0, values));
    if (std::none_of(values.begin(), values.end(), [](double x) { return !std::isfinite(x); }))
      continue;
    return bad_input("finite numbers", "NaN or infinity",
                     where() + ", sample " + std::to_string(sample));
  }
  return {};
}

}  // namespace batchtune::samples
