#include "tests/backend/cpu_reference.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tuner/workload/weights.h"

namespace batchtune::test {
namespace {

using Tensor = std::vector<double>;
using I = std::int64_t;

double round_to_bf16(double value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U;
  return std::bit_cast<float>(rounded);
}

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::relu6:
      return std::min(std::max(x, 0.0), 6.0);
    case Activation::gelu:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::gelu_erf:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::silu:
      return x / (1 + std::exp(-x));
  }
  return x;
}

class Interpreter {
 public:
  Interpreter(const Model& model, std::uint64_t seed, I sample, bool bf16)
      : model_(model), seed_(seed), sample_(sample), bf16_(bf16) {}

  std::vector<Tensor> run() {
    for (const Op& op : model_.ops) {
      Tensor out = compute(op);
      const bool ids = op.kind == OpKind::input && op.input_kind == InputKind::token_ids;
      if (bf16_ && !ids) std::transform(out.begin(), out.end(), out.begin(), round_to_bf16);
      tensors_.push_back(std::move(out));
    }
    return tensors_;
  }

 private:
  const Tensor& in(const Op& op, std::size_t i) const {
    return tensors_[static_cast<std::size_t>(find_op(model_, op.inputs[i]))];
  }
  const Shape& shape(const Op& op, std::size_t i = 0) const {
    return model_.ops[static_cast<std::size_t>(find_op(model_, op.inputs[i]))].output;
  }

  Tensor weight(const Op& op, WeightRole role, I count) const {
    std::vector<float> values(static_cast<std::size_t>(count));
    fill_weight(seed_, model_, op, role, values);
    Tensor out(values.begin(), values.end());
    if (bf16_ && (role == WeightRole::matrix || role == WeightRole::table))
      std::transform(out.begin(), out.end(), out.begin(), round_to_bf16);
    return out;
  }

  Tensor finish(const Op& op, Tensor sums) const {
    const I n = op.columns;
    const Epilogue& e = op.epilogue;
    const Tensor bias =
        e.bias ? weight(op, WeightRole::bias, n) : Tensor(static_cast<std::size_t>(n));
    const Tensor* residual = e.residual.empty()
                                 ? nullptr
                                 : &tensors_[static_cast<std::size_t>(find_op(model_, e.residual))];
    for (std::size_t i = 0; i < sums.size(); ++i) {
      double x = sums[i] + bias[i % static_cast<std::size_t>(n)];
      if (residual != nullptr && !e.residual_after_activation) x += (*residual)[i];
      x = activate(e.activation, x);
      if (residual != nullptr && e.residual_after_activation) x += (*residual)[i];
      sums[i] = x;
    }
    return sums;
  }

  Tensor compute(const Op& op) const {
    switch (op.kind) {
      case OpKind::input:
        return input(op);
      case OpKind::embedding:
        return embedding(op);
      case OpKind::matmul:
        return finish(op, matmul(op));
      case OpKind::batched_matmul:
        return batched_matmul(op);
      case OpKind::conv2d:
        return finish(op, conv2d(op));
      case OpKind::max_pool:
      case OpKind::average_pool:
        return pool(op);
      case OpKind::global_average_pool:
        return global_pool(op);
      case OpKind::softmax:
        return rows(op, softmax);
      case OpKind::layer_norm:
        return norm(op, true);
      case OpKind::rms_norm:
        return norm(op, false);
      case OpKind::activation:
        return elementwise(op, [&](double a, double) { return activate(op.activation, a); });
      case OpKind::add:
        return elementwise(op, [](double a, double b) { return a + b; });
      case OpKind::multiply:
        return elementwise(op, [](double a, double b) { return a * b; });
      case OpKind::concat:
        return concat(op);
      case OpKind::slice:
        return slice(op);
      case OpKind::transpose:
        return transpose(op);
      case OpKind::reshape:
        return in(op, 0);
      case OpKind::foreign:
        break;
    }
    return {};
  }

  Tensor input(const Op& op) const {
    const auto count = static_cast<std::size_t>(elements(op.output));
    if (op.input_kind == InputKind::token_ids) {
      std::vector<std::int32_t> ids(count);
      fill_token_ids(seed_, op, sample_, ids);
      return Tensor(ids.begin(), ids.end());
    }
    std::vector<float> values(count);
    fill_input(seed_, op, sample_, values);
    return Tensor(values.begin(), values.end());
  }

  Tensor embedding(const Op& op) const {
    I rows = op.vocabulary;
    for (const I further : op.tables) rows += further;
    const Tensor table = weight(op, WeightRole::table, rows * op.columns);
    Tensor out(static_cast<std::size_t>(elements(op.output)));
    for (I position = 0; position < op.output[0]; ++position) {
      I first_row = 0;
      for (std::size_t t = 0; t <= op.tables.size(); ++t) {
        const I id = t == 0 ? static_cast<I>(in(op, 0)[position]) : position % op.tables[t - 1];
        for (I c = 0; c < op.columns; ++c)
          out[position * op.columns + c] += table[(first_row + id) * op.columns + c];
        first_row = t == 0 ? op.vocabulary : first_row + op.tables[t - 1];
      }
    }
    return out;
  }

  Tensor matmul(const Op& op) const {
    const Tensor& a = in(op, 0);
    const Tensor w = weight(op, WeightRole::matrix, op.inner * op.columns);
    const I rows = static_cast<I>(a.size()) / op.inner;
    Tensor out(static_cast<std::size_t>(rows * op.columns));
    for (I m = 0; m < rows; ++m)
      for (I k = 0; k < op.inner; ++k)
        for (I n = 0; n < op.columns; ++n)
          out[m * op.columns + n] += a[m * op.inner + k] * w[k * op.columns + n];
    return out;
  }

  // Index of (head, row, column) in a tensor of `groups` heads with `rows` x `columns` each.
  static I at(HeadLayout layout, I groups, I rows, I columns, I head, I row, I column) {
    return layout == HeadLayout::heads_first ? (head * rows + row) * columns + column
                                             : row * groups * columns + head * columns + column;
  }

  Tensor batched_matmul(const Op& op) const {
    const I g = op.groups, k = op.inner, n = op.columns;
    const I m = elements(op.output) / (g * n);
    Tensor out(static_cast<std::size_t>(g * m * n));
    for (I head = 0; head < g; ++head)
      for (I i = 0; i < m; ++i)
        for (I j = 0; j < n; ++j) {
          double sum = 0;
          for (I p = 0; p < k; ++p) {
            const I b = op.transpose_b ? at(op.b_layout, g, n, k, head, j, p)
                                       : at(op.b_layout, g, k, n, head, p, j);
            sum += in(op, 0)[at(op.a_layout, g, m, k, head, i, p)] * in(op, 1)[b];
          }
          out[at(op.out_layout, g, m, n, head, i, j)] = op.scale * sum;
        }
    return out;
  }

  // Calls f(image row, image column, tap) for every tap of the window at (y, x) that lies in the
  // image.
  template <typename F>
  static void for_window(const Window& w, const Shape& image, I y, I x, F f) {
    for (I i = 0; i < w.kernel_h; ++i)
      for (I j = 0; j < w.kernel_w; ++j) {
        const I row = y * w.stride_h + i * w.dilation_h - w.pad_top;
        const I column = x * w.stride_w + j * w.dilation_w - w.pad_left;
        if (row >= 0 && row < image[0] && column >= 0 && column < image[1])
          f(row, column, i * w.kernel_w + j);
      }
  }

  Tensor conv2d(const Op& op) const {
    const Shape& image = shape(op);
    const Tensor& a = in(op, 0);
    const I in_group = image[2] / op.groups, out_group = op.columns / op.groups;
    const I taps = op.window.kernel_h * op.window.kernel_w;
    const Tensor w = weight(op, WeightRole::matrix, taps * in_group * op.columns);
    Tensor out(static_cast<std::size_t>(elements(op.output)));
    for (I y = 0; y < op.output[0]; ++y)
      for (I x = 0; x < op.output[1]; ++x)
        for (I channel = 0; channel < op.columns; ++channel) {
          const I group = channel / out_group;
          double sum = 0;
          for_window(op.window, image, y, x, [&](I row, I column, I tap) {
            for (I c = 0; c < in_group; ++c)
              sum += a[(row * image[1] + column) * image[2] + group * in_group + c] *
                     w[((group * taps + tap) * in_group + c) * out_group + channel % out_group];
          });
          out[(y * op.output[1] + x) * op.columns + channel] = sum;
        }
    return out;
  }

  Tensor pool(const Op& op) const {
    const Shape& image = shape(op);
    const Tensor& a = in(op, 0);
    const bool max = op.kind == OpKind::max_pool;
    Tensor out(static_cast<std::size_t>(elements(op.output)));
    for (I y = 0; y < op.output[0]; ++y)
      for (I x = 0; x < op.output[1]; ++x)
        for (I c = 0; c < image[2]; ++c) {
          double value = max ? -INFINITY : 0, count = 0;
          for_window(op.window, image, y, x, [&](I row, I column, I) {
            const double each = a[(row * image[1] + column) * image[2] + c];
            value = max ? std::max(value, each) : value + each;
            count += 1;
          });
          if (op.count_include_pad)
            count = static_cast<double>(op.window.kernel_h * op.window.kernel_w);
          out[(y * op.output[1] + x) * image[2] + c] = max ? value : value / count;
        }
    return out;
  }

  Tensor global_pool(const Op& op) const {
    const Shape& image = shape(op);
    Tensor out(static_cast<std::size_t>(image[2]));
    const double pixels = static_cast<double>(image[0] * image[1]);
    for (std::size_t i = 0; i < in(op, 0).size(); ++i) out[i % out.size()] += in(op, 0)[i] / pixels;
    return out;
  }

  // Calls f(op, begin, end) for every row.
  template <typename F>
  Tensor rows(const Op& op, F f) const {
    Tensor out = in(op, 0);
    const auto length = op.output.back();
    for (auto row = out.begin(); row != out.end(); row += length) f(op, row, row + length);
    return out;
  }

  static void softmax(const Op& op, Tensor::iterator begin, Tensor::iterator end) {
    double sum = 0;
    for (auto x = begin; x != end; ++x) sum += * x = std::exp(op.scale * *x);
    for (auto x = begin; x != end; ++x) *x /= sum;
  }

  Tensor norm(const Op& op, bool centred) const {
    const I n = op.output.back();
    const Tensor gain = weight(op, WeightRole::gain, n);
    const Tensor bias =
        centred ? weight(op, WeightRole::bias, n) : Tensor(static_cast<std::size_t>(n));
    return rows(op, [&](const Op&, Tensor::iterator begin, Tensor::iterator end) {
      double mean = 0, variance = 0;
      if (centred)
        for (auto x = begin; x != end; ++x) mean += *x / static_cast<double>(n);
      for (auto x = begin; x != end; ++x)
        variance += (*x - mean) * (*x - mean) / static_cast<double>(n);
      for (auto x = begin; x != end; ++x)
        *x = (*x - mean) / std::sqrt(variance + op.epsilon) * gain[x - begin] + bias[x - begin];
    });
  }

  template <typename F>
  Tensor elementwise(const Op& op, F f) const {
    Tensor out = in(op, 0);
    const Tensor& other = in(op, op.inputs.size() - 1);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(out[i], other[i]);
    return out;
  }

  // Elements behind one step along `axis`.
  static I inner_of(const Shape& s, I axis) {
    return elements(Shape(s.begin() + axis + 1, s.end()));
  }

  Tensor concat(const Op& op) const {
    const auto axis = static_cast<std::size_t>(op.axis);
    Tensor out;
    const I outer = elements(Shape(op.output.begin(), op.output.begin() + op.axis));
    for (I i = 0; i < outer; ++i)
      for (std::size_t each = 0; each < op.inputs.size(); ++each) {
        const I run = shape(op, each)[axis] * inner_of(shape(op, each), op.axis);
        const auto begin = in(op, each).begin() + i * run;
        out.insert(out.end(), begin, begin + run);
      }
    return out;
  }

  Tensor slice(const Op& op) const {
    const Shape& from = shape(op);
    const I inner = inner_of(from, op.axis), length = from[static_cast<std::size_t>(op.axis)];
    Tensor out;
    for (I i = 0; i < static_cast<I>(in(op, 0).size()); ++i) {
      const I index = i / inner % length;
      if (index >= op.begin && index < op.end) out.push_back(in(op, 0)[i]);
    }
    return out;
  }

  Tensor transpose(const Op& op) const {
    const Shape& view = op.split.empty() ? shape(op) : op.split;
    Tensor out;
    Shape index(view.size());
    for (I i = 0; i < static_cast<I>(in(op, 0).size()); ++i) {
      I rest = i;  // the output's index, last dimension first
      for (std::size_t d = view.size(); d-- > 0; rest /= op.output[d])
        index[static_cast<std::size_t>(op.permutation[d])] = rest % op.output[d];
      I from = 0;
      for (std::size_t d = 0; d < view.size(); ++d) from = from * view[d] + index[d];
      out.push_back(in(op, 0)[from]);
    }
    return out;
  }

  const Model& model_;
  std::uint64_t seed_;
  I sample_;
  bool bf16_;
  std::vector<Tensor> tensors_;
};

}  // namespace

std::vector<std::vector<double>> interpret(const Model& model, std::uint64_t seed,
                                           std::int64_t sample, bool bf16) {
  return Interpreter(model, seed, sample, bf16).run();
}

}  // namespace batchtune::test
