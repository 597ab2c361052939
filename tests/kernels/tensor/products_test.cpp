// Matrix products of data against loops over places, with and without a workspace.
#include "kernels/tensor/products.h"

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

struct Product {
  Shape a, b, out;
};
const Product kProducts[] = {
    {{7, 5}, {5, 9}, {7, 9}},
    {{130, 70}, {70, 200}, {130, 200}},  // shared out by columns
    {{300, 20}, {20, 3}, {300, 3}},      // by rows
    {{5}, {5}, {}},
    {{5}, {2, 5, 4}, {2, 4}},
    {{2, 3, 5}, {5}, {2, 3}},
    {{3, 2, 6, 5}, {5, 4}, {3, 2, 6, 4}},  // one b for all
    {{2, 1, 6, 5}, {1, 3, 5, 4}, {2, 3, 6, 4}},
    {{6, 5}, {2, 3, 5, 4}, {2, 3, 6, 4}},
    {{2, 1, 3, 1, 4, 5},
     {1, 2, 1, 3, 5, 2},
     {2, 2, 3, 3, 4, 2}},  // more axes than heads and samples
    {{3, 0}, {0, 2}, {3, 2}},
    {{0, 4}, {4, 2}, {0, 2}},
};

template <typename T>
Values<T> multiplied(const Values<T>& a, const Values<T>& b, const Shape& shape) {
  const Shape left = a.shape.size() == 1 ? Shape{1, a.shape[0]} : a.shape;
  const Shape right = b.shape.size() == 1 ? Shape{b.shape[0], 1} : b.shape;
  const Values<T> x(left, a.data), y(right, b.data);
  Values<T> out(shape);
  for_places(shape, [&](const Shape& p) {
    Shape full = p;  // with both of the last axes
    Shape batch;
    std::size_t end = full.size();
    const std::int64_t j = b.shape.size() == 1 ? 0 : full[--end];
    const std::int64_t i = a.shape.size() == 1 ? 0 : full[--end];
    for (std::size_t axis = 0; axis < end; ++axis) batch.push_back(full[axis]);
    T sum{};
    for (std::int64_t k = 0; k < left.back(); ++k) {
      Shape at = batch, of = batch;
      at.push_back(i);
      at.push_back(k);
      of.push_back(k);
      of.push_back(j);
      sum =
          static_cast<T>(sum + x.at(broadcast_place(at, left)) * y.at(broadcast_place(of, right)));
    }
    out.at(p) = sum;
  });
  return out;
}

template <typename T>
void check_product(const Product& product) {
  const auto a = whole_numbers<T>(product.a, 1), b = whole_numbers<T>(product.b, 2);
  const Values<T> right = multiplied(a, b, product.out);
  CAPTURE(product.a.span(), product.b.span(), name_of(kTypeOf<T>));
  on_all([&](const Context& context) {
    Values<T> plain(product.out), packed(product.out);
    REQUIRE(matmul(context, a.in(), b.in(), plain.out()));
    CHECK(plain.data == right.data);
    const Scratch scratch(context, matmul_workspace_bytes(context.kernels, a.in(), b.in()));
    REQUIRE(matmul(context, a.in(), b.in(), packed.out(), scratch.workspace()));
    CHECK(packed.data == right.data);
  });
}

}  // namespace

TEST_CASE("matmul broadcasts like numpy", "[kernels][tensor]") {
  for (const Product& product : kProducts) {
    check_product<float>(product);
    check_product<double>(product);
    check_product<std::int32_t>(product);
    check_product<std::uint64_t>(product);
  }
  Team team;
  const Values<float> a = numbers({2, 3}, 1);
  Values<float> out(Shape{2, 3});
  CHECK_FALSE(matmul(team, a.in(), a.in(), out.out()));
}

TEST_CASE("gemm with both transpositions, alpha, beta and every kind of C", "[kernels][tensor]") {
  const std::int64_t m = 33, n = 70, k = 40;
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      for (const Shape& c_shape : {Shape{}, Shape{n}, Shape{m, 1}, Shape{m, n}}) {
        const auto a = whole_numbers<float>(transpose_a ? Shape{k, m} : Shape{m, k}, 1);
        const auto b = whole_numbers<float>(transpose_b ? Shape{n, k} : Shape{k, n}, 2);
        const auto c = whole_numbers<float>(c_shape, 3);
        Values<float> right(Shape{m, n});
        for_places(right.shape, [&](const Shape& p) {
          float sum = 0;
          for (std::int64_t i = 0; i < k; ++i) {
            sum += a.at(transpose_a ? Shape{i, p[0]} : Shape{p[0], i}) *
                   b.at(transpose_b ? Shape{p[1], i} : Shape{i, p[1]});
          }
          right.at(p) = 0.5f * sum + 2 * c.at(broadcast_place(p, c_shape));
        });
        const GemmCall call{0.5, 2, transpose_a, transpose_b};
        const ConstTensor addend = c.in();
        on_all([&](const Context& context) {
          Values<float> plain(right.shape), packed(right.shape);
          REQUIRE(tensor::gemm(context, call, a.in(), b.in(), &addend, plain.out()));
          CHECK(plain.data == right.data);
          const Scratch scratch(context,
                                gemm_workspace_bytes(context.kernels, call, a.in(), b.in()));
          REQUIRE(tensor::gemm(context, call, a.in(), b.in(), &addend, packed.out(),
                               scratch.workspace()));
          CHECK(packed.data == right.data);
        });
      }
    }
  }
}

TEST_CASE("quantised products take zero points off rows and columns", "[kernels][tensor]") {
  const auto a = whole_numbers<std::uint8_t>({2, 3, 5}, 1),
             b = whole_numbers<std::uint8_t>({5, 300}, 2);
  const auto a_zeros = whole_numbers<std::uint8_t>({3}, 3),
             b_zeros = whole_numbers<std::uint8_t>({300}, 4);
  const auto one = whole_numbers<std::uint8_t>({}, 5, 3, 3);
  Values<std::int32_t> right(Shape{2, 3, 300});
  for_places(right.shape, [&](const Shape& p) {
    std::int32_t sum = 0;
    for (std::int64_t k = 0; k < 5; ++k) {
      sum += (a.at({p[0], p[1], k}) - 3) * (b.at({k, p[2]}) - b_zeros.at({p[2]}));
    }
    right.at(p) = sum;
  });
  const ConstTensor scalar = one.in(), columns = b_zeros.in(), rows = a_zeros.in();
  on_all([&](const Context& context) {
    Values<std::int32_t> out(right.shape);
    REQUIRE(matmul_integer(context, a.in(), b.in(), &scalar, &columns, out.out()));
    CHECK(out.data == right.data);
    Values<std::int32_t> first(Shape{3, 300});
    const ConstTensor matrix{ElementType::u8, {3, 5}, a.data.data()};
    REQUIRE(matmul_integer(context, matrix, b.in(), &rows, nullptr, first.out()));
    std::int32_t sum = 0;
    for (std::int64_t k = 0; k < 5; ++k) sum += (a.at({0, 2, k}) - a_zeros.data[2]) * b.at({k, 9});
    CHECK(first.at({2, 9}) == sum);
  });
}

TEST_CASE("einsum reads its equation", "[kernels][tensor]") {
  const auto shape_of = [](std::string_view equation, std::vector<Shape> inputs) {
    Shape out;
    return einsum_shape(equation, inputs, out) ? out : Shape{-1};
  };
  CHECK(shape_of("bij, bjk -> bik", {{2, 3, 4}, {2, 4, 5}}) == Shape{2, 3, 5});
  CHECK(shape_of("ij,jk", {{3, 4}, {4, 5}}) == Shape{3, 5});
  CHECK(shape_of("ba", {{2, 3}}) == Shape{3, 2});
  CHECK(shape_of("ii", {{3, 3}}) == Shape{});
  CHECK(shape_of("...ij,...jk->...ik", {{7, 1, 3, 4}, {6, 4, 5}}) == Shape{7, 6, 3, 5});
  CHECK(shape_of("ij,jk->ik", {{3, 4}, {5, 6}}) == Shape{-1});
  CHECK(shape_of("ij->iij", {{3, 4}}) == Shape{-1});
  CHECK(shape_of("ij->k", {{3, 4}}) == Shape{-1});
  CHECK(shape_of("ij", {{3, 4, 5}}) == Shape{-1});
  CHECK(shape_of("i.j", {{3, 4}}) == Shape{-1});
}

TEST_CASE("einsum sums over the letters that the output has not", "[kernels][tensor]") {
  const auto q = whole_numbers<float>({2, 3, 7, 5}, 1), k = whole_numbers<float>({2, 3, 9, 5}, 2);
  const auto whole = whole_numbers<std::int64_t>({4, 3, 3}, 3);
  const auto a = whole_numbers<float>({2, 3}, 4), b = whole_numbers<float>({3, 4}, 5),
             c = whole_numbers<float>({4}, 6);
  on_all([&](const Context& context) {
    Values<float> scores(Shape{2, 7, 9, 3});  // one product, its axes moved
    const ConstTensor heads[] = {q.in(), k.in()};
    REQUIRE(einsum(context, "bhid,bhjd->bijh", heads, scores.out()));
    bool same = true;
    for_places(scores.shape, [&](const Shape& p) {
      float sum = 0;
      for (std::int64_t d = 0; d < 5; ++d)
        sum += q.at({p[0], p[3], p[1], d}) * k.at({p[0], p[3], p[2], d});
      same = same && scores.at(p) == sum;
    });
    CHECK(same);
    Values<std::int64_t> traces(Shape{4});
    const ConstTensor matrices[] = {whole.in()};
    REQUIRE(einsum(context, "...ii->...", matrices, traces.out()));
    for (std::int64_t i = 0; i < 4; ++i) {
      CHECK(traces.at({i}) == whole.at({i, 0, 0}) + whole.at({i, 1, 1}) + whole.at({i, 2, 2}));
    }
    Values<float> three(Shape{2});
    const ConstTensor chain[] = {a.in(), b.in(), c.in()};
    REQUIRE(einsum(context, "ab,bc,c->a", chain, three.out()));
    for (std::int64_t i = 0; i < 2; ++i) {
      float sum = 0;
      for_places({3, 4}, [&](const Shape& p) { sum += a.at({i, p[0]}) * b.at(p) * c.at({p[1]}); });
      CHECK(three.at({i}) == sum);
    }
  });
}

}  // namespace batchtune::kernels::tensor
