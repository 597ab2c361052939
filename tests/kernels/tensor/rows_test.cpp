// Normalisations of rows against sums in double.
#include "kernels/tensor/rows.h"

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

// The elements that share a place outside the axes [first, last).
std::vector<double> line(const Values<float>& in, const Shape& place, std::size_t first,
                         std::size_t last) {
  std::vector<double> values;
  for_places(in.shape, [&](const Shape& p) {
    for (std::size_t axis = 0; axis < p.size(); ++axis) {
      if ((axis < first || axis >= last) && p[axis] != place[axis]) return;
    }
    values.push_back(static_cast<double>(in.at(p)));
  });
  return values;
}

void check_softmax(const Shape& shape, std::size_t axis, bool from_axis) {
  const Values<float> in = numbers(shape, 1, 30);
  Values<float> right(shape), right_log(shape);
  for_places(shape, [&](const Shape& p) {
    double sum = 0;
    for (const double x : line(in, p, axis, from_axis ? shape.size() : axis + 1)) {
      sum += std::exp(x - static_cast<double>(in.at(p)));
    }
    right.at(p) = static_cast<float>(1 / sum);
    right_log.at(p) = static_cast<float>(-std::log(sum));
  });
  CAPTURE(shape.span(), axis, from_axis);
  on_all([&](const Context& context) {
    Values<float> out(shape);
    REQUIRE(softmax(context, Softmax::softmax, in.in(), axis, from_axis, out.out()));
    check_near(out, right, 1e-6);
    REQUIRE(softmax(context, Softmax::log_softmax, in.in(), axis, from_axis, out.out()));
    check_near(out, right_log, 2e-6);
    Values<float> same = in;  // in place
    REQUIRE(softmax(context, Softmax::softmax, same.in(), axis, from_axis, same.out()));
    check_near(same, right, 1e-6);
  });
}

}  // namespace

TEST_CASE("softmax over any axis, and over all from one on", "[kernels][tensor]") {
  check_softmax({7, 70}, 1, false);
  check_softmax({7, 70}, 0, false);
  check_softmax({2, 9, 5}, 1, false);
  check_softmax({2, 3, 300}, 1, false);  // more columns than a block
  check_softmax({3, 4, 5}, 1, true);
  check_softmax({3, 4, 5}, 0, true);
  check_softmax({1}, 0, false);
}

TEST_CASE("hardmax marks the first of equal ones", "[kernels][tensor]") {
  Team team;
  const Values<float> in({2, 3}, {1, 5, 5, 7, 2, 7});
  Values<float> out(in.shape);
  REQUIRE(softmax(team, Softmax::hardmax, in.in(), 1, false, out.out()));
  CHECK(out.data == std::vector<float>{0, 1, 0, 1, 0, 0});
}

TEST_CASE("layer normalisation, with and without bias and statistics", "[kernels][tensor]") {
  const Values<float> in = numbers({4, 3, 65}, 1);
  for (const std::size_t axis : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    Shape trailing, outer{4, 3, 65};
    for (std::size_t i = axis; i < 3; ++i) {
      trailing.push_back(in.shape[i]);
      outer[i] = 1;
    }
    const Values<float> scale = numbers(trailing, 2), shift = numbers({65}, 3);  // one broadcasts
    const ConstTensor bias = shift.in();
    Values<float> right(in.shape), mean(outer), factor(outer);
    for_places(outer, [&](const Shape& p) {
      const std::vector<double> x = line(in, p, axis, 3);
      double sum = 0, squares = 0;
      for (const double v : x) sum += v;
      const double center = sum / static_cast<double>(x.size());
      for (const double v : x) squares += (v - center) * (v - center);
      mean.at(p) = static_cast<float>(center);
      factor.at(p) =
          static_cast<float>(1 / std::sqrt(squares / static_cast<double>(x.size()) + 0.01));
    });
    for_places(in.shape, [&](const Shape& p) {
      Shape own;
      for (std::size_t i = axis; i < 3; ++i) own.push_back(p[i]);
      const Shape at = broadcast_place(p, outer);
      right.at(p) = (in.at(p) - mean.at(at)) * factor.at(at) * scale.at(own);
    });
    CAPTURE(axis);
    on_all([&](const Context& context) {
      Values<float> out(in.shape), seen_mean(outer), seen_factor(outer);
      const Tensor statistics[] = {seen_mean.out(), seen_factor.out()};
      REQUIRE(layer_normalization(context, in.in(), scale.in(), nullptr, axis, 0.01, out.out(),
                                  &statistics[0], &statistics[1]));
      check_near(out, right);
      check_near(seen_mean, mean);
      check_near(seen_factor, factor);
      Values<float> with_bias(in.shape);
      REQUIRE(
          layer_normalization(context, in.in(), scale.in(), &bias, axis, 0.01, with_bias.out()));
      for (std::size_t i = 0; i < out.data.size(); ++i) out.data[i] += shift.data[i % 65];
      check_near(with_bias, out);
    });
  }
}

TEST_CASE("constant rows stay at the bias, however large they are", "[kernels][tensor]") {
  Team team;
  const Values<float> in({1, 200}, std::vector<float>(200, 12345.678f));
  const Values<float> ones({200}, std::vector<float>(200, 1)),
      bias({200}, std::vector<float>(200, 0.5f));
  const ConstTensor shift = bias.in();
  Values<float> out(in.shape);
  REQUIRE(layer_normalization(team, in.in(), ones.in(), &shift, 1, 1e-5, out.out()));
  for (const float y : out.data) CHECK(std::abs(y - 0.5f) < 0.3f);  // the mean is rounded
}

TEST_CASE("RMS, Lp and mean-variance normalisation", "[kernels][tensor]") {
  const Values<float> in = numbers({2, 6, 70}, 1), scale = numbers({70}, 2);
  on_all([&](const Context& context) {
    Values<float> rms(in.shape), right(in.shape);
    REQUIRE(rms_normalization(context, in.in(), scale.in(), 2, 0.01, rms.out()));
    const auto norm_of = [&](const Shape& p, std::size_t axis, int power) {
      double sum = 0;
      for (const double x : line(in, p, axis, axis + 1)) sum += power == 1 ? std::abs(x) : x * x;
      return sum;
    };
    for_places(in.shape, [&](const Shape& p) {
      const double mean = norm_of(p, 2, 2) / 70;
      right.at(p) = in.at(p) * static_cast<float>(1 / std::sqrt(mean + 0.01)) * scale.at({p[2]});
    });
    check_near(rms, right);
    for (const std::size_t axis : {std::size_t{1}, std::size_t{2}}) {
      for (const int p : {1, 2}) {
        Values<float> out(in.shape);
        REQUIRE(lp_normalization(context, in.in(), axis, p, out.out()));
        for_places(in.shape, [&](const Shape& place) {
          const double norm = norm_of(place, axis, p);
          right.at(place) = in.at(place) / static_cast<float>(p == 1 ? norm : std::sqrt(norm));
        });
        check_near(out, right);
      }
    }
    constexpr std::int64_t kAxes[] = {0, 2};
    Values<float> normal(in.shape);
    REQUIRE(mean_variance_normalization(context, in.in(), kAxes, normal.out()));
    for (std::int64_t c = 0; c < 6; ++c) {
      double sum = 0, squares = 0;
      for_places({2, 70}, [&](const Shape& p) {
        const auto y = static_cast<double>(normal.at({p[0], c, p[1]}));
        sum += y;
        squares += y * y;
      });
      CHECK(near(sum / 140, 0));
      CHECK(near(squares / 140, 1, 1e-4));
    }
  });
  Team team;
  const Values<float> zeros({1, 3}, {0, 0, 0});
  Values<float> out(zeros.shape);
  REQUIRE(lp_normalization(team, zeros.in(), 1, 2, out.out()));
  CHECK(out.data == zeros.data);
}

}  // namespace batchtune::kernels::tensor
