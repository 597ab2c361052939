// Elements picked or placed by indices, and tensors that are made of indices.
#include <algorithm>

#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {
namespace {

constexpr char kNoSuchAxis[] = "an axis that the input does not have";

// Indices of input i as s32, counted from the front of `size`.
Value indices_of(NodeWriter& n, std::size_t i, std::int64_t size) {
  const Value given = n.w().converted(n.in(i), HloElement::s32);
  const auto known = n.numbers(i);
  const bool from_front =
      known && std::all_of(known->begin(), known->end(), [](double index) { return index >= 0; });
  return from_front ? given : n.from_front(given, size);
}

Written gather(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", 0), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  const Value x = n.in();
  const auto place = static_cast<std::size_t>(*axis);
  const Value indices = indices_of(n, 1, x.shape[place]);
  const std::int64_t rank = std::ssize(indices.shape);
  GatherDims dims{.offsets = {}, .collapsed = {*axis}, .indexed = {*axis}, .index_dimension = rank};
  for (std::int64_t i = 0; i < std::ssize(x.shape); ++i)
    if (i != *axis) dims.offsets.push_back(i < *axis ? i : i + rank - 1);
  Shape slice = x.shape;
  slice[place] = 1;
  return n.w().gathered(x, indices, dims, slice, n.out_shape());
}

// [shape .., rank]: of each element of `indices` the whole place, which is its own but along
// `axis`.
Value whole_places(NodeWriter& n, const Value& indices, std::int64_t axis) {
  Shape column = indices.shape;
  column.push_back(1);
  std::vector<Value> parts;
  for (std::int64_t i = 0; i < std::ssize(indices.shape); ++i)
    parts.push_back(n.w().reshaped(i == axis ? indices : n.w().numbered(indices.shape, i), column));
  return n.w().concatenated(parts, std::ssize(indices.shape));
}

// Single elements of x at `places` [.., rank].
Value elements_at(NodeWriter& n, const Value& x, const Value& places) {
  const Shape shape(places.shape.begin(), places.shape.end() - 1);
  const Numbers all = counted(0, std::ssize(x.shape));
  return n.w().gathered(
      x, places,
      {.offsets = {}, .collapsed = all, .indexed = all, .index_dimension = std::ssize(shape)},
      Shape(x.shape.size(), 1), shape);
}

Written gather_elements(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", 0), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  const Value x = n.in();
  const Value indices = indices_of(n, 1, x.shape[static_cast<std::size_t>(*axis)]);
  return elements_at(n, x, whole_places(n, indices, *axis));
}

// s32 indices [.., k] of input i into dimensions `first` and on of x, counted from the front.
Value places_of(NodeWriter& n, std::size_t i, const Shape& x, std::size_t first) {
  const Value given = n.w().converted(n.in(i), HloElement::s32);
  std::vector<double> sizes;
  for (std::int64_t k = 0; k < given.shape.back(); ++k)
    sizes.push_back(static_cast<double>(x[first + static_cast<std::size_t>(k)]));
  const Value row = n.w().constant(sizes, HloElement::s32, {std::ssize(sizes)});
  const Formula places = n.formula(given);
  const Formula along = n.formula(n.spread_along(row, std::ssize(given.shape) - 1, given.shape));
  return places.is("LT", 0).choose(places + along, places).value();
}

// The first `batch_dims` dimensions are those of the indices too.
Written gather_nd(NodeWriter& n) {
  const std::int64_t batch_dims = n.integer("batch_dims", 0);
  const Value x = n.in();
  const Shape index_shape = n.shape(1);
  if (batch_dims < 0 || index_shape.empty() ||
      batch_dims + index_shape.back() > std::ssize(x.shape))
    return not_written("batch_dims and indices that do not go together");
  Value places = places_of(n, 1, x.shape, static_cast<std::size_t>(batch_dims));
  const auto last = std::ssize(index_shape) - 1;
  std::vector<Value> parts;
  Shape column = index_shape;
  column.back() = 1;
  for (std::int64_t i = 0; i < batch_dims; ++i) parts.push_back(n.w().numbered(column, i));
  parts.push_back(places);
  places = n.w().concatenated(parts, last);
  const std::int64_t indexed = places.shape.back();
  GatherDims dims{.offsets = counted(last, last + std::ssize(x.shape) - indexed),
                  .collapsed = counted(0, indexed),
                  .indexed = counted(0, indexed),
                  .index_dimension = last};
  Shape slice = x.shape;
  std::fill_n(slice.begin(), indexed, 1);
  return n.w().gathered(x, places, dims, slice, n.out_shape());
}

std::optional<Fold> fold_of(const NodeWriter& n) {
  const std::string name = n.text("reduction", "none");
  if (name == "none") return Fold::last;
  if (name == "add") return Fold::sum;
  if (name == "mul") return Fold::product;
  if (name == "max") return Fold::maximum;
  if (name == "min") return Fold::minimum;
  return std::nullopt;
}

Written scatter_elements(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", 0), n.rank());
  const auto fold = fold_of(n);
  if (!axis || !fold) return not_written(!axis ? kNoSuchAxis : "a reduction that is not known");
  const Value x = n.in();
  const Value indices = indices_of(n, 1, x.shape[static_cast<std::size_t>(*axis)]);
  const Value places = whole_places(n, indices, *axis);
  return n.w().scattered(*fold, x, places, n.in(2), n.rank(2));
}

Written scatter_nd(NodeWriter& n) {
  const auto fold = fold_of(n);
  if (!fold) return not_written("a reduction that is not known");
  const Value x = n.in();
  if (n.shape(1).empty() || n.shape(1).back() > n.rank())
    return not_written("indices of more dimensions than the input has");
  return n.w().scattered(*fold, x, places_of(n, 1, x.shape, 0), n.in(2), n.rank(1) - 1);
}

// Each row up to its length the other way round.
Written reverse_sequence(NodeWriter& n) {
  const std::int64_t batch = n.integer("batch_axis", 1), time = n.integer("time_axis", 0);
  if (std::min(batch, time) != 0 || std::max(batch, time) != 1)
    return not_written("batch_axis and time_axis that are not 0 and 1");
  const Value x = n.in();
  const Formula place = n.formula(n.w().numbered(x.shape, time));
  const Formula length =
      n.formula(n.spread_along(n.w().converted(n.in(1), HloElement::s32), batch, x.shape));
  const Formula from = place.is("LT", length).choose(length - place - 1, place);
  return elements_at(n, x, whole_places(n, from.value(), time));
}

// ---- made of indices ----

Written one_hot(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", -1), n.rank() + 1);
  if (!axis) return not_written(kNoSuchAxis);
  const Shape shape = n.out_shape();
  const std::int64_t depth = shape[static_cast<std::size_t>(*axis)];
  Shape column = n.shape();
  column.insert(column.begin() + *axis, 1);
  const Value given = n.from_front(n.in(), depth);
  const Formula wanted = n.formula(n.spread(n.w().reshaped(given, column), shape));
  const auto value = [&](std::int64_t i) {
    return n.formula(n.spread(n.w().reshaped(n.w().sliced(n.in(2), 0, i, i + 1), {}), shape));
  };
  return n.formula(n.w().numbered(shape, *axis))
      .is("EQ", wanted)
      .choose(value(1), value(0))
      .value();
}

// Column less row, of the last two dimensions.
Formula diagonals(NodeWriter& n, const Shape& shape) {
  const std::int64_t rank = std::ssize(shape);
  return n.formula(n.w().numbered(shape, rank - 1)) - n.formula(n.w().numbered(shape, rank - 2));
}

Written trilu(NodeWriter& n) {
  double k = 0;
  if (n.has(1)) {
    const auto known = n.numbers(1);
    if (!known || known->size() != 1) return not_written("a k that depends on data");
    k = known->front();
  }
  const Formula x = n.formula(n.in());
  const bool upper = n.integer("upper", 1) != 0;
  return diagonals(n, n.shape()).is(upper ? "GE" : "LE", k).choose(x, x.all(0)).value();
}

Written eye_like(NodeWriter& n) {
  const Formula is_on =
      diagonals(n, n.out_shape()).is("EQ", static_cast<double>(n.integer("k", 0)));
  return n.w().converted(is_on.value(), n.out_element());
}

Written range(NodeWriter& n) {
  const Shape shape = n.out_shape();
  const Formula number = n.formula(n.narrow(n.w().numbered(shape, 0)));
  const auto everywhere = [&](std::size_t i) {
    return n.formula(n.spread(n.w().reshaped(n.in(i), {}), shape));
  };
  return (everywhere(0) + number * everywhere(2)).value();
}

Written constant_of_shape(NodeWriter& n) {
  const auto value = n.filler();
  if (!value) return not_written("a value that is no number");
  return n.w().filled(n.out_element(), *value, n.out_shape());
}

// Sizes [start, end) of the input.
Written shape(NodeWriter& n) {
  const std::int64_t rank = n.rank();
  const auto place = [&](const char* name, std::int64_t otherwise) {
    const std::int64_t given = n.integer(name, otherwise);
    return std::clamp<std::int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  std::vector<double> sizes;
  for (std::int64_t i = place("start", 0); i < place("end", rank); ++i)
    sizes.push_back(static_cast<double>(n.shape()[static_cast<std::size_t>(i)]));
  return n.w().constant(sizes, HloElement::s32, {std::ssize(sizes)});
}

Written size(NodeWriter& n) {
  return n.w().constant(HloElement::s32, static_cast<double>(elements(n.shape())));
}

constexpr NodeRow kRows[] = {
    {"", "ConstantOfShape", constant_of_shape},
    {"", "EyeLike", eye_like},
    {"", "Gather", gather},
    {"", "GatherElements", gather_elements},
    {"", "GatherND", gather_nd},
    {"", "OneHot", one_hot},
    {"", "Range", range},
    {"", "ReverseSequence", reverse_sequence},
    {"", "Scatter", scatter_elements},
    {"", "ScatterElements", scatter_elements},
    {"", "ScatterND", scatter_nd},
    {"", "Shape", shape},
    {"", "Size", size},
    {"", "Trilu", trilu},
};

}  // namespace

std::span<const NodeRow> index_rows() {
  return kRows;
}

}  // namespace batchtune::hlo
