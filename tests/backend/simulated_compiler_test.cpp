// Compiling for the simulated devices on their virtual clock: one after the other, in the background, and kept.
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include "tests/backend/simulated_support.h"
#include "tuner/backend/simulated/accelerator_cost.h"
#include "tuner/backend/simulated/compiler.h"
#include "tuner/backend/simulated/program_cache.h"
#include "tuner/backend/simulated/simulated.h"

using namespace batchtune;
using namespace batchtune::test;
using simulated::Compiler;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("bt_compiled_" + std::to_string(getpid()))) {
    fs::remove_all(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

struct Loaded {
  std::unique_ptr<LoadedModel> model;
  LoadReport report;
};

Loaded load(const Model& model, const std::string& text, const std::string& variant = "") {
  auto backend = create_simulated_backend(text);
  REQUIRE(backend);
  LoadOptions options;
  options.group = on_device(1).group;
  options.group.variant = variant;
  Loaded result;
  auto loaded = (*backend)->load(model, options, result.report);
  REQUIRE(loaded);
  result.model = std::move(*loaded);
  return result;
}

// Virtual seconds waited for the compiler.
Seconds waited(LoadedModel& model, std::int64_t batch) {
  const auto program = model.prepare(on_device(batch));
  REQUIRE(program);
  REQUIRE((*program)->compile_seconds());
  CHECK(*(*program)->prepare_seconds() >= *(*program)->compile_seconds());
  return *(*program)->compile_seconds();
}

}  // namespace

TEST_CASE("what is compiled is waited for once", "[simulated][compiler]") {
  Compiler compiler(1);
  CHECK(compiler.wait_for("a", 100, 0) == 100);
  CHECK(compiler.wait_for("a", 100, 100) == 0);
  CHECK(compiler.wait_for("a", 100, 5000) == 0);
  CHECK(compiler.wait_for("b", 40, 100) == 40);
  compiler.add_compiled("c");
  CHECK(compiler.wait_for("c", 100, 140) == 0);
}

TEST_CASE("what was begun in the background is waited for the rest of its time",
          "[simulated][compiler]") {
  Compiler compiler(1);
  compiler.compile_ahead("a", 100, 10);
  CHECK(compiler.wait_for("a", 100, 70) == 40);
  CHECK(compiler.wait_for("a", 100, 110) == 0);
  compiler.compile_ahead("a", 100, 110);  // again: nothing
  CHECK(compiler.wait_for("b", 50, 110) == 50);
}

TEST_CASE("one compiler works at one program after the other, and who waits comes next",
          "[simulated][compiler]") {
  Compiler compiler(1);
  compiler.compile_ahead("a", 100, 0);
  compiler.compile_ahead("b", 100, 0);
  compiler.compile_ahead("c", 100, 0);
  CHECK(compiler.wait_for("c", 100, 50) == 150);  // behind a, before b
  CHECK(compiler.wait_for("b", 100, 200) == 100);
  CHECK(compiler.take_finished(250) == Names{"a", "c"});
  CHECK(compiler.take_finished(299).empty());
  CHECK(compiler.take_finished(300) == Names{"b"});
}

TEST_CASE("several compilers work side by side", "[simulated][compiler]") {
  Compiler compiler(2);
  compiler.compile_ahead("a", 100, 0);
  compiler.compile_ahead("b", 60, 0);
  compiler.compile_ahead("c", 100, 0);
  CHECK(compiler.wait_for("b", 60, 10) == 50);
  CHECK(compiler.wait_for("c", 100, 70) == 90);  // where b was, from 60 on
  CHECK(compiler.wait_for("d", 10, 70) == 40);   // where a is
}

TEST_CASE("ResNet-50 takes about four minutes to compile for trn1, and larger models longer",
          "[simulated][compiler]") {
  const auto of = [](const char* model, std::int64_t batch) {
    return simulated::compile_seconds(zoo_model(model), on_device(batch), accelerator("trn1"));
  };
  INFO("resnet-50 at batch 8: " << of("resnet-50", 8) << " s");
  CHECK(of("resnet-50", 8) > 3 * 60);
  CHECK(of("resnet-50", 8) < 5 * 60);
  CHECK(of("resnet-50", 64) > of("resnet-50", 8));
  CHECK(of("bert-large", 8) > 2 * of("resnet-50", 8));
  CHECK(of("mlp", 8) < of("resnet-50", 8));
  CHECK(simulated::compile_seconds(zoo_model("mlp"), on_device(8, 4, 2), accelerator("trn1")) ==
        of("mlp", 8));
}

TEST_CASE("preparing waits for the compiler, and running goes on while it works",
          "[simulated][compiler]") {
  const Model model = zoo_model("mlp");
  const auto [loaded, report] = load(model, "trn1,compile=4m,prepare=0");
  CHECK(report.compiled.empty());
  CHECK(waited(*loaded, 1) == 240);
  CHECK(waited(*loaded, 1) == 0);
  const auto one = loaded->prepare(on_device(1));
  loaded->compile_ahead(on_device(2));
  Seconds ran = 0;
  const auto times = (*one)->run(10000);
  for (const Seconds run : times->seconds) ran += run;
  REQUIRE(ran > 1);
  REQUIRE(ran < 240);
  CHECK(waited(*loaded, 2) == Approx(240 - ran));
  // The next waits behind it, or not.
  loaded->compile_ahead(on_device(4));
  loaded->compile_ahead(on_device(8));
  CHECK(waited(*loaded, 8) == Approx(480));
  const auto two_at_a_time = load(model, "trn1,compile=4m,compilers=2,prepare=0").model;
  two_at_a_time->compile_ahead(on_device(4));
  two_at_a_time->compile_ahead(on_device(8));
  CHECK(waited(*two_at_a_time, 8) == Approx(240));
}

TEST_CASE("compiling ahead what cannot be prepared is nothing", "[simulated][compiler]") {
  const auto loaded = load(zoo_model("mlp"), "trn1,compile=4m").model;
  loaded->compile_ahead(on_device(0));
  loaded->compile_ahead(on_device(std::int64_t{1} << 60));
  CHECK(waited(*loaded, 1) == 240);
}

TEST_CASE("the plain device compiles where it is told to", "[simulated][compiler]") {
  const auto backend = create_simulated_backend("compile=30s");
  REQUIRE(backend);
  CHECK((*backend)->describe().compiles_elsewhere);
  CHECK_FALSE((*backend)->describe().default_dtype);
  CHECK_FALSE((*create_simulated_backend(""))->describe().compiles_elsewhere);
  CHECK(waited(*load(zoo_model("mlp"), "compile=30s").model, 3) == 30);
  const auto plain = load(zoo_model("mlp"), "").model->prepare(on_device(3));
  REQUIRE(plain);
  CHECK_FALSE((*plain)->compile_seconds());
  CHECK((*plain)->prepare_seconds() == 0.01);
}

TEST_CASE("batches that were compiled before are told when the model is loaded",
          "[simulated][compiler]") {
  const auto [loaded, report] = load(zoo_model("mlp"), "trn1,compiled=8+1+4+8");
  CHECK(report.compiled == std::vector<std::int64_t>{1, 4, 8});
  CHECK(waited(*loaded, 4) == 0);
  CHECK(waited(*loaded, 5) > 0);
}

TEST_CASE("a cache keeps what was compiled, for that model, type and variant alone",
          "[simulated][compiler]") {
  const Folder folder;
  const std::string text = "trn1,cache=" + folder.path();
  const Model model = zoo_model("mlp");
  {
    const auto [loaded, report] = load(model, text);
    CHECK(report.compiled.empty());
    CHECK(waited(*loaded, 2) > 0);
    loaded->compile_ahead(on_device(16));  // never finished: it is not kept
  }
  std::ofstream(folder.path() + "/something else") << "no program";
  const auto [again, report] = load(model, text);
  CHECK(report.compiled == std::vector<std::int64_t>{2});
  CHECK(waited(*again, 2) == 0);
  CHECK(load(model, text, "fast").report.compiled.empty());
  CHECK(load(zoo_model("squeezenet"), text).report.compiled.empty());
  CHECK(load(model, "inf2,cache=" + folder.path()).report.compiled.empty());
  // A folder that cannot be: compiled again each time.
  CHECK(waited(*load(model, "trn1,cache=/proc/nowhere").model, 2) > 0);
}
