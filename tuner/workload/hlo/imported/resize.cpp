// Resampling, axis by axis: of the nearest element it is a choice of indices; blended, a product
// with a matrix that has the weights of each output's neighbours. Formulas as in
// kernels/tensor/resize.cpp.
#include <algorithm>
#include <cmath>

#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {
namespace {

struct Resizing {
  std::string mode, nearest, coordinates;
  double cubic_a = -0.75;
  bool exclude_outside = false, antialias = false;
  std::vector<double> scales;  // of all axes
};

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* each) { return word == each; });
}

// Where output x lies in the input; nullopt: by a formula that is not known.
std::optional<double> coordinate(const Resizing& r, double scale, double in, double out, double x) {
  const double length = scale * in;  // of the output, not rounded
  const double half_pixel = (x + 0.5) / scale - 0.5;
  if (r.coordinates == "half_pixel") return half_pixel;
  if (r.coordinates == "half_pixel_symmetric") return in / 2 * (1 - out / length) + half_pixel;
  if (r.coordinates == "pytorch_half_pixel") return length == 1 ? -0.5 : half_pixel;
  if (r.coordinates == "align_corners") return length == 1 ? 0 : x * (in - 1) / (length - 1);
  if (r.coordinates == "asymmetric") return x / scale;
  if (r.coordinates == "tf_half_pixel_for_nn") return (x + 0.5) / scale;
  return std::nullopt;
}

double nearest_of(const std::string& mode, double x) {
  if (mode == "round_prefer_floor") return std::ceil(x - 0.5);
  if (mode == "round_prefer_ceil") return std::floor(x + 0.5);
  return mode == "floor" ? std::floor(x) : std::ceil(x);
}

// Of an element `distance` from where the output lies.
double weight_of(const Resizing& r, double distance) {
  const double d = std::abs(distance), a = r.cubic_a;
  if (r.mode == "linear") return std::max(0.0, 1 - d);
  // Keys' cubic convolution.
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

// A column of the matrix: weights of all elements of the input for the output that lies at x.
// Against aliasing, distances are measured in elements of the smaller output.
std::vector<double> column_of(const Resizing& r, std::int64_t in, double scale, double x) {
  std::vector<double> column(static_cast<std::size_t>(in), 0);
  const double unit = r.antialias ? std::min(1.0, scale) : 1, last = static_cast<double>(in - 1);
  const double half = std::ceil((r.mode == "linear" ? 1 : 2) / unit);
  const double first = std::floor(x) + 1 - half;
  double sum = 0;
  for (double place = first; place < first + 2 * half; ++place) {
    if (r.exclude_outside && (place < 0 || place > last)) continue;
    const double weight = weight_of(r, (place - x) * unit);
    sum += weight;
    column[static_cast<std::size_t>(std::clamp(place, 0.0, last))] += weight;
  }
  for (double& weight : column)
    if ((r.exclude_outside || r.antialias) && sum != 0) weight /= sum;
  return column;
}

Value blended(NodeWriter& n, const Value& x, std::int64_t axis,
              const std::vector<std::vector<double>>& columns) {
  const auto in = static_cast<std::size_t>(x.shape[static_cast<std::size_t>(axis)]);
  std::vector<double> matrix;
  for (std::size_t i = 0; i < in; ++i)
    for (const std::vector<double>& column : columns) matrix.push_back(column[i]);
  const Value weights =
      n.w().constant(matrix, x.element, {static_cast<std::int64_t>(in), std::ssize(columns)});
  const Value product = n.w().dot(
      x, weights, {.left_batch = {}, .right_batch = {}, .left_inner = axis, .right_inner = 0});
  Dims order = counted(0, std::ssize(x.shape) - 1);  // the axis is now the last
  order.insert(order.begin() + axis, std::ssize(x.shape) - 1);
  return n.w().transposed(product, order);
}

tl::expected<Value, std::string> resized(NodeWriter& n, const Resizing& r, const Value& x,
                                         std::int64_t axis, std::int64_t out) {
  const auto place = static_cast<std::size_t>(axis);
  const std::int64_t in = x.shape[place];
  const double scale = r.scales[place];
  if (in == out && std::abs(scale - 1) < 1e-9) return x;
  Numbers indices;
  std::vector<std::vector<double>> columns;
  for (std::int64_t i = 0; i < out; ++i) {
    const auto where = coordinate(r, scale, static_cast<double>(in), static_cast<double>(out),
                                  static_cast<double>(i));
    if (!where) return not_written("coordinate_transformation_mode " + r.coordinates);
    if (r.mode == "nearest")
      indices.push_back(static_cast<std::int64_t>(
          std::clamp(nearest_of(r.nearest, *where), 0.0, static_cast<double>(in - 1))));
    else
      columns.push_back(column_of(r, in, scale, *where));
  }
  return r.mode == "nearest" ? n.taken(x, axis, indices) : blended(n, x, axis, columns);
}

// Scales are given, or follow from the sizes. Upsample and Resize of opset 10 have them as input 1,
// the first Upsample as an attribute.
tl::expected<std::vector<double>, std::string> scales_of(NodeWriter& n, bool old) {
  const Shape from = n.shape(), to = n.out_shape();
  std::vector<double> scales;
  for (std::size_t i = 0; i < from.size(); ++i)
    scales.push_back(static_cast<double>(to[i]) / static_cast<double>(from[i]));
  const std::size_t input = old ? 1 : 2;
  std::vector<double> given = n.numbers_of("scales");
  if (n.has(input) && elements(n.shape(input)) > 0) {
    const auto known = n.numbers(input);
    if (!known) return not_written("scales that depend on data");
    given = *known;
  }
  const Numbers axes = n.has_attribute("axes") ? n.integers("axes") : counted(0, n.rank());
  for (std::size_t i = 0; i < axes.size() && i < given.size(); ++i) {
    const auto axis = NodeWriter::axis(axes[i], n.rank());
    if (!axis) return not_written("axes that the input does not have");
    scales[static_cast<std::size_t>(*axis)] = given[i];
  }
  return scales;
}

Written resize(NodeWriter& n) {
  const bool old = n.op() == "Upsample" || n.opset() < 11;
  Resizing r;
  r.mode = n.text("mode", "nearest");
  if (is_one_of(r.mode, {"bilinear", "linear"})) r.mode = "linear";
  if (is_one_of(r.mode, {"bicubic", "cubic"})) r.mode = "cubic";
  r.nearest = n.text("nearest_mode", old ? "floor" : "round_prefer_floor");
  r.coordinates = n.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  r.cubic_a = n.number("cubic_coeff_a", -0.75);
  r.exclude_outside = n.integer("exclude_outside", 0) != 0;
  if (!is_one_of(r.mode, {"nearest", "linear", "cubic"})) return not_written("mode " + r.mode);
  if (!is_one_of(r.nearest, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}))
    return not_written("nearest_mode " + r.nearest);
  r.antialias = n.integer("antialias", 0) != 0;
  const auto scales = scales_of(n, old);
  if (!scales) return not_written(scales.error());
  r.scales = *scales;
  const bool blends = r.mode != "nearest";
  Value x = n.in();
  if (blends) x = is_float(x.element) ? n.wide(x) : n.w().converted(x, HloElement::f32);
  const Shape to = n.out_shape();
  for (std::size_t i = 0; i < to.size(); ++i) {
    const auto done = resized(n, r, x, static_cast<std::int64_t>(i), to[i]);
    if (!done) return not_written(done.error());
    x = *done;
  }
  const bool rounds = blends && !is_float(n.out_element());
  return n.narrow(rounds ? n.w().unary("round-nearest-even", x) : x);
}

constexpr NodeRow kRows[] = {
    {"", "Resize", resize},
    {"", "Upsample", resize},
};

}  // namespace

std::span<const NodeRow> resize_rows() {
  return kRows;
}

}  // namespace batchtune::hlo
