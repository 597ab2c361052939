// Models as files, through the command line. That an ONNX file is right is tests/onnx.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;

namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a model is exported as ONNX by the ending of the file", "[end_to_end]") {
  const std::string path = scratch("mlp.onnx");
  const Finished finished = run({"export", "mlp@width=64", "-o", path});
  if (finished.err.find("built without ONNX") != std::string::npos) BT_SKIP("a build without ONNX");
  REQUIRE(finished.code == 0);
  CHECK(finished.out.empty());
  CHECK(content_of(path).find("fc4/Gemm") != std::string::npos);

  SECTION("with weights of a seed") {
    const std::string other = scratch("other.onnx");
    REQUIRE(run({"export", "mlp@width=64", "-o", other, "--seed", "1"}).code == 0);
    CHECK(content_of(other) == content_of(path));
    REQUIRE(run({"export", "mlp@width=64", "-o", other, "--seed", "2"}).code == 0);
    CHECK(content_of(other) != content_of(path));
    CHECK(content_of(other).size() == content_of(path).size());
  }
  SECTION("and a model that is such a file already is not exported again") {
    const Finished again = run({"export", path, "-o", scratch("again.onnx")});
    CHECK(again.code == 2);
    CHECK(again.err.find("takes any batch already") != std::string::npos);
    CHECK(!std::filesystem::exists(scratch("again.onnx")));
  }
}

TEST_CASE("a model is exported as an XLA program of one batch size", "[end_to_end]") {
  const std::string path = scratch("mlp.hlo.pb");
  const Finished finished = run({"export", "mlp@width=64", "-o", path, "--batch", "8"});
  if (finished.err.find("without protobuf") != std::string::npos)
    BT_SKIP("a build without protobuf");
  REQUIRE(finished.code == 0);
  CHECK(finished.out.empty());
  CHECK(content_of(path).find("reduce") == std::string::npos);
  CHECK(content_of(path).find("neff_input_names") != std::string::npos);
  const std::string other = scratch("other.hlo.pb");
  REQUIRE(run({"export", "mlp@width=64", "-o", other, "--batch", "8", "--dtype", "bf16"}).code ==
          0);
  CHECK(content_of(other) != content_of(path));

  CHECK(run({"export", "mlp@width=64", "-o", path}).err.find("--batch") != std::string::npos);
  CHECK(run({"export", "mlp@width=64", "-o", path, "--batch", "1,2"}).code == 2);
  CHECK(run({"export", "mlp@width=64", "-o", path, "--batch", "8", "--dtype", "f64"}).code == 2);
  CHECK(run({"export", "mlp@width=64", "-o", path, "--batch", "8", "--seed", "3"}).code == 2);
  CHECK(run({"export", "mlp@width=64", "-o", scratch("m.json"), "--batch", "8"}).code == 2);
}

TEST_CASE("what an export cannot do is said", "[end_to_end]") {
  const Finished nowhere = run({"export", "mlp@width=64", "-o", "/nonexistent-folder/m.json"});
  CHECK(nowhere.code == 4);
  CHECK(nowhere.err.find("/nonexistent-folder/m.json") != std::string::npos);
  const Finished seed = run({"export", "mlp@width=64", "--seed", "3"});
  CHECK(seed.code == 2);
  CHECK(seed.err.find("holds no weights") != std::string::npos);
  CHECK(run({"export", "mlp@width=64", "--seed", "-3", "-o", scratch("m.onnx")}).code == 2);
}
