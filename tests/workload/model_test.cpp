// Shape inference and work counts on small graphs.
#include "tests/support/catch.h"
#include "tuner/workload/memory_plan.h"
#include "tuner/workload/work.h"
#include "tuner/workload/zoo/builder.h"

using namespace batchtune;

namespace {

Shape output_of(ModelBuilder& builder) {
  Model model = builder.finish();
  const Status status = infer_shapes(model);
  INFO((status ? "" : to_string(status.error())));
  REQUIRE(status);
  return model.ops.back().output;
}

Error error_of(ModelBuilder& builder) {
  Model model = builder.finish();
  const Status status = infer_shapes(model, "m.json, ");
  REQUIRE_FALSE(status);
  return status.error();
}

ModelBuilder image(Shape shape) {
  ModelBuilder builder("test", "");
  builder.input("x", InputKind::values, std::move(shape));
  return builder;
}

}  // namespace

TEST_CASE("a convolution's output follows kernel, stride, padding and dilation", "[shapes]") {
  ModelBuilder b = image({13, 9, 4});
  b.conv("c", "x", {.channels = 6, .kernel = 3, .stride = 2, .pad = 1, .groups = 2});
  b.op().window.dilation_h = 2;
  b.op().window.pad_bottom = 0;
  CHECK(output_of(b) == Shape{5, 5, 6});
}

TEST_CASE("pooling covers whole windows only", "[shapes]") {
  ModelBuilder b = image({112, 113, 8});
  b.max_pool("p", "x", 3, 2, 1);
  CHECK(output_of(b) == Shape{56, 57, 8});
}

TEST_CASE("attention shapes follow the head layouts", "[shapes]") {
  ModelBuilder b = image({10, 24});  // rows, 3 heads of 8
  b.input("keys", InputKind::cache, {7, 24});
  b.plain(OpKind::batched_matmul, "scores", {"x", "keys"});
  b.op().groups = 3;
  b.op().transpose_b = true;
  b.op().a_layout = b.op().b_layout = HeadLayout::heads_last;
  b.plain(OpKind::batched_matmul, "context", {"scores", "keys"});
  b.op().groups = 3;
  b.op().b_layout = b.op().out_layout = HeadLayout::heads_last;
  Model model = b.finish();
  REQUIRE(infer_shapes(model));
  CHECK(model.ops[2].output == Shape{3, 10, 7});
  CHECK(model.ops[3].output == Shape{10, 24});
  CHECK(work_of(model, model.ops[2]).flops == 2.0 * 3 * 10 * 7 * 8);
  CHECK_FALSE(work_of(model, model.ops[2]).dense);
}

TEST_CASE("an operation that cannot be says what was wanted, found and where", "[shapes]") {
  SECTION("a later name") {
    ModelBuilder b = image({4});
    b.matmul("y", "z", 2, {});
    const Error error = error_of(b);
    CHECK(error.wanted == "the name of an earlier operation");
    CHECK(error.found == "\"z\"");
    CHECK(error.where == "m.json, $.ops[1].inputs[0]");
  }
  SECTION("itself") {
    ModelBuilder b = image({4});
    b.matmul("y", "y", 2, {});
    CHECK(error_of(b).found == "\"y\"");
  }
  SECTION("a name twice") {
    ModelBuilder b = image({4});
    b.matmul("x", "x", 2, {});
    CHECK(error_of(b).found == "\"x\" again");
  }
  SECTION("a window larger than the image") {
    ModelBuilder b = image({4, 4, 1});
    b.conv("c", "x", {.kernel = 5});
    CHECK(error_of(b).where == "m.json, $.ops[1].kernel");
  }
  SECTION("padding as large as the window") {
    ModelBuilder b = image({4, 4, 1});
    b.max_pool("p", "x", 2, 1, 2);
    CHECK(error_of(b).where == "m.json, $.ops[1].padding");
  }
  SECTION("groups that do not divide the channels") {
    ModelBuilder b = image({4, 4, 6});
    b.conv("c", "x", {.channels = 8, .groups = 4});
    CHECK(error_of(b).found == "4");
  }
  SECTION("a residual of another shape") {
    ModelBuilder b = image({4});
    b.matmul("y", "x", 5, biased_residual("x"));
    CHECK(error_of(b).found == "\"x\" [4]");
  }
  SECTION("an impossible transpose") {
    ModelBuilder b = image({4, 6});
    b.plain(OpKind::transpose, "t", {"x"});
    b.op().permutation = {0, 0};
    CHECK(error_of(b).found == "[0, 0]");
  }
  SECTION("token ids into a matmul") {
    ModelBuilder b("test", "");
    b.input("ids", InputKind::token_ids, {4}, 100);
    b.matmul("y", "ids", 2, {});
    CHECK(error_of(b).where == "m.json, $.ops[1].inputs[0]");
  }
  SECTION("a matrix beyond memory") {
    ModelBuilder b = image({2'000'000'000});
    b.matmul("y", "x", 2'000'000'000, {});
    CHECK(error_of(b).where == "m.json, $.ops[1].columns");
  }
}

TEST_CASE("published parameters count gain and bias of a folded batch norm", "[work]") {
  ModelBuilder b = image({4, 4, 3});
  b.conv("c", "x", {.channels = 8, .kernel = 3, .pad = 1});
  Model model = b.finish();
  REQUIRE(infer_shapes(model));
  const OpWork work = work_of(model, model.ops[1]);
  CHECK(work.dense_weights == 27 * 8);
  CHECK(work.published_parameters == 27 * 8 + 16);
  CHECK(work.weight_elements == 27 * 8 + 8);
  CHECK(work.flops == 2.0 * 16 * 27 * 8);
  CHECK(weight_bytes(model, DType::bf16) == 27 * 8 * 2 + 8 * 4);
}

TEST_CASE("an embedding reads only the picked rows", "[work]") {
  ModelBuilder b("test", "");
  b.input("ids", InputKind::token_ids, {4}, 1000);
  b.plain(OpKind::embedding, "e", {"ids"});
  b.op().columns = 8;
  b.op().tables = {16};
  Model model = b.finish();
  REQUIRE(infer_shapes(model));
  const OpWork work = work_of(model, model.ops[1]);
  CHECK(work.weight_elements == 1016 * 8);
  CHECK(work.weight_reads == 2 * 4 * 8);
  model.ops[1].tables.assign(8, 16);
  CHECK(infer_shapes(model).error().where == "$.ops[1].tables");
}
