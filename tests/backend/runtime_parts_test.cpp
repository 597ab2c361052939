// What backends of runtimes share: element types, layouts, parameters, messages, finding a library.
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>

#include "tests/support/catch.h"
#include "tests/support/npz.h"
#include "tuner/backend/onnxruntime/options.h"
#include "tuner/backend/openvino/options.h"
#include "tuner/backend/runtime/element.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/finder.h"
#include "tuner/backend/runtime/parameters.h"
#include "tuner/backend/runtime/tensor_layout.h"
#include "tuner/workload/weights.h"

using namespace batchtune;
using namespace batchtune::runtime;
namespace fs = std::filesystem;

namespace {

constexpr RuntimeLibrary kNone{"No Runtime", "libnoruntime.so", "BATCHTUNE_NORUNTIME", "noruntime",
                               "libs"};

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/batchtune-finder-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path touch(const std::string& name) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << "x";
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Op input_of(Shape shape) {
  Op op;
  op.name = "in";
  op.output = std::move(shape);
  return op;
}

}  // namespace

TEST_CASE("every half is itself after a way through f32", "[backend][runtime]") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = from_half(half);
    if (std::isnan(value))
      REQUIRE(std::isnan(from_half(to_half(value))));
    else
      REQUIRE(to_half(value) == half);
  }
}

TEST_CASE("values are rounded to the nearest half, ties to even", "[backend][runtime]") {
  CHECK(from_half(to_half(1.0F + 1.0F / 2048)) == 1.0F);                // a tie: down to even
  CHECK(from_half(to_half(1.0F + 3.0F / 2048)) == 1.0F + 4.0F / 2048);  // a tie: up to even
  CHECK(from_half(to_half(65519.0F)) == 65504.0F);
  CHECK(std::isinf(from_half(to_half(65520.0F))));
  CHECK(from_half(to_half(std::ldexp(1.0F, -24))) == std::ldexp(1.0F, -24));
  CHECK(from_half(to_half(std::ldexp(1.0F, -26))) == 0.0F);
  CHECK(std::signbit(from_half(to_half(-0.0F))));
}

TEST_CASE("every element type keeps small whole numbers", "[backend][runtime]") {
  for (const Element element :
       {Element::f32, Element::f64, Element::f16, Element::bf16, Element::i8, Element::u8,
        Element::i16, Element::u16, Element::i32, Element::u32, Element::i64, Element::u64}) {
    INFO(name_of(element));
    std::vector<std::byte> memory(4 * size_of(element));
    for (int i = 0; i < 4; ++i) store(element, memory.data(), i, 3 * i);
    for (int i = 0; i < 4; ++i) CHECK(load(element, memory.data(), i) == 3 * i);
  }
  std::byte flags[2];
  store(Element::boolean, flags, 0, 0);
  store(Element::boolean, flags, 1, 7);
  CHECK(load(Element::boolean, flags, 0) == 0);
  CHECK(load(Element::boolean, flags, 1) == 1);
}

TEST_CASE("an image's channels come first where the runtime has them so", "[backend][runtime]") {
  const Op op = input_of({2, 3, 4});  // height, width, channels
  const OnnxTensor tensor{"in", "in", 0, {2, 0, 1}};
  const auto layout = layout_of(op, tensor, 5, 4);
  REQUIRE(layout);
  CHECK(layout->dims == Dimensions{5, 4, 2, 3});
  std::vector<float> memory(5 * 24);
  InputSource seeded;
  REQUIRE(fill_samples(*layout, Element::f32, memory.data(), op, seeded, 7));
  for (std::int64_t sample = 0; sample < 5; ++sample) {
    std::vector<float> expected(24);
    fill_input(7, op, sample, expected);
    for (int h = 0; h < 2; ++h)
      for (int w = 0; w < 3; ++w)
        for (int c = 0; c < 4; ++c)
          REQUIRE(memory[static_cast<std::size_t>(((sample * 4 + c) * 2 + h) * 3 + w)] ==
                  expected[static_cast<std::size_t>((h * 3 + w) * 4 + c)]);
  }
  std::vector<float> read;
  read_samples(*layout, Element::f32, memory.data(), 1, read);
  std::vector<float> first(24);
  fill_input(7, op, 0, first);
  CHECK(read == first);
}

TEST_CASE("the batch may be another dimension than the first", "[backend][runtime]") {
  const Op op = input_of({3, 2});
  const OnnxTensor tensor{"in", "in", 1, {}};
  const auto layout = layout_of(op, tensor, 4, 3);
  REQUIRE(layout);
  CHECK(layout->dims == Dimensions{3, 4, 2});
  std::vector<float> memory(24);
  InputSource seeded;
  REQUIRE(fill_samples(*layout, Element::f32, memory.data(), op, seeded, 1));
  std::vector<float> expected(6);
  fill_input(1, op, 2, expected);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 2; ++j)
      CHECK(memory[static_cast<std::size_t>((i * 4 + 2) * 2 + j)] ==
            expected[static_cast<std::size_t>(i * 2 + j)]);
}

TEST_CASE("token ids and masks get values of their kind", "[backend][runtime]") {
  Op ids = input_of({6});
  ids.input_kind = InputKind::token_ids;
  ids.vocabulary = 11;
  const OnnxTensor tensor{"in", "in", 0, {}};
  std::vector<std::int64_t> memory(3 * 6, -1);
  InputSource seeded;
  REQUIRE(fill_samples(*layout_of(ids, tensor, 3, 2), Element::i64, memory.data(), ids, seeded, 1));
  for (const std::int64_t id : memory) {
    CHECK(id >= 0);
    CHECK(id < 11);
  }
  REQUIRE(fill_samples(*layout_of(input_of({6}), tensor, 3, 2), Element::i64, memory.data(),
                       input_of({6}), seeded, 1));
  CHECK(memory == std::vector<std::int64_t>(18, 1));
}

TEST_CASE("a file's samples go where the runtime wants them, as they are", "[backend][runtime]") {
  Op op = input_of({2, 3});
  op.name = "in";
  Model model;
  model.ops = {op};
  std::vector<float> values(12);
  std::iota(values.begin(), values.end(), -3.0F);
  const test::SamplesFile file(
      test::npz_bytes({{"in", test::npy_bytes("<f4", "(2, 2, 3)", test::bytes_of(values))}}));
  auto source = InputSource::open(file.path(), model);
  REQUIRE(source);
  const OnnxTensor tensor{"in", "in", 0, {1, 0}};  // columns first
  const auto layout = layout_of(op, tensor, 3, 3);
  REQUIRE(layout);
  for (const Element element : {Element::f32, Element::f16, Element::i64, Element::f64}) {
    std::vector<std::byte> memory(18 * 8);
    REQUIRE(fill_samples(*layout, element, memory.data(), op, *source, 1));
    for (int sample = 0; sample < 3; ++sample)
      for (int row = 0; row < 2; ++row)
        for (int column = 0; column < 3; ++column)
          CHECK(load(element, memory.data(), (sample * 3 + column) * 2 + row) ==
                sample % 2 * 6 + row * 3 + column - 3);
  }
  std::filesystem::resize_file(file.path(), 100);
  std::vector<float> memory(18);
  CHECK_FALSE(fill_samples(*layout, Element::f32, memory.data(), op, *source, 1));
}

TEST_CASE("samples of one value may have no dimension of their own", "[backend][runtime]") {
  const auto layout = layout_of(input_of({1}), {"in", "in", 0, {}}, 7, 1);
  REQUIRE(layout);
  CHECK(layout->dims == Dimensions{7});
  CHECK_FALSE(layout_of(input_of({2}), {"in", "in", 0, {}}, 7, 1));
  CHECK_FALSE(layout_of(input_of({2}), {"in", "in", 3, {}}, 7, 2));
  CHECK_FALSE(layout_of(input_of({2, 2}), {"in", "in", 0, {0, 0}}, 7, 3));
}

TEST_CASE("an output of another shape is read as it lies, if it has the batch",
          "[backend][runtime]") {
  const Op op = input_of({4});
  const OnnxTensor tensor{"out", "in", 0, {}};
  const auto flat = layout_of_output(op, tensor, 2, {2, 4, 1, 1});
  REQUIRE(flat);
  const std::vector<float> memory{0, 1, 2, 3, 4, 5, 6, 7};
  std::vector<float> read;
  read_samples(*flat, Element::f32, memory.data(), 2, read);
  CHECK(read == memory);
  const auto without = layout_of_output(op, tensor, 2, {1, 8});
  REQUIRE_FALSE(without);
  CHECK(without.error().find("[1 x 8]") != std::string::npos);
}

TEST_CASE("parameters are known names, once each", "[backend][runtime]") {
  constexpr std::string_view known[] = {"library", "spinning"};
  const auto good = parse_parameters("library=/a/b.so,spinning=0", known, "there");
  REQUIRE(good);
  CHECK(good->at("library") == "/a/b.so");
  CHECK(good->at("spinning") == "0");
  CHECK(parse_parameters("", known, "there")->empty());
  for (const char* bad : {"spin=0", "spinning", "spinning=", "spinning=0,spinning=1", ",", "=1"}) {
    INFO(bad);
    const auto parsed = parse_parameters(bad, known, "there");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().where == "there");
  }
}

TEST_CASE("messages that say no memory are told apart from faults", "[backend][runtime]") {
  for (const char* message :
       {"Failed to allocate memory for requested buffer of size 20971520000", "std::bad_alloc",
        "[CPU] Could not allocate 4 GB", "plugin.cpp:54: can't alloc", "Cannot allocate memory"})
    CHECK(ending_of_message("run", message).status == TrialStatus::out_of_memory);
  const Ending fault = ending_of_message("run", "line 1\nline 2\n");
  CHECK(fault.status == TrialStatus::failed);
  CHECK(fault.evidence == "runtime: line 1 line 2");
  CHECK(ending_of_message("run", "no kernel", Refusal::cannot).status == TrialStatus::unsupported);
}

TEST_CASE("a library is found where it is told, then by the loader, then by python",
          "[backend][runtime]") {
  const Folder folder;
  const fs::path told = folder.touch("told.so"), old = folder.touch("lib/libnoruntime.so.1.9"),
                 loaders = folder.touch("lib/libnoruntime.so.2.0"),
                 packaged = folder.touch("site/noruntime/libs/libnoruntime.so.7");
  folder.touch("lib/libnoruntime.so.d/inside");  // a folder is no library
  // Stands for python3: prints the package's folder, whatever it is asked.
  const fs::path python = folder.path() / "python3";
  std::ofstream(python) << "#!/bin/sh\necho " << (folder.path() / "site/noruntime").string()
                        << "\n";
  fs::permissions(python, fs::perms::owner_all);
  const std::string lib = (folder.path() / "lib").string();

  const auto given = find_library(kNone, told.string(), {{lib}, python.string()});
  REQUIRE(given);
  CHECK(given->path == told.string());
  const auto by_loader = find_library(kNone, "", {{"/nowhere", lib}, python.string()});
  REQUIRE(by_loader);
  CHECK(by_loader->path == loaders.string());
  const auto by_python = find_library(kNone, "", {{"/nowhere"}, python.string()});
  REQUIRE(by_python);
  CHECK(by_python->path == packaged.string());
  CHECK(by_python->origin.find("noruntime of") != std::string::npos);
}

TEST_CASE("a library that is nowhere is one line with the places and the remedy",
          "[backend][runtime]") {
  const auto found = find_library(kNone, "", {{"/nowhere"}, ""});
  REQUIRE_FALSE(found);
  const std::string text = to_string(found.error());
  CHECK(found.error().kind == ErrorKind::environment);
  CHECK(text.find("libnoruntime.so") != std::string::npos);
  CHECK(text.find("$BATCHTUNE_NORUNTIME") != std::string::npos);
  CHECK(text.find("pip install noruntime") != std::string::npos);
  CHECK(text.find('\n') == std::string::npos);
  const auto told = find_library(kNone, "/nowhere/lib.so", {{}, ""});
  REQUIRE_FALSE(told);
  CHECK(to_string(told.error()).find("/nowhere/lib.so") != std::string::npos);
}

TEST_CASE("the loader's folders of this machine are known", "[backend][runtime]") {
  CHECK_FALSE(library_places().folders.empty());
}

TEST_CASE("parameters that the user is told of have values and a meaning", "[backend][runtime]") {
  for (const auto& parameters : {onnxruntime::parameters(), openvino::parameters()})
    for (const Parameter& one : parameters) {
      INFO(one.name);
      CHECK_FALSE(one.values.empty());
      CHECK(one.meaning.empty() == (one.name == "found"));
    }
  const auto refused = onnxruntime::parse_settings("spin=1");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().wanted.find("spinning") != std::string::npos);
  CHECK(refused.error().wanted.find("found") == std::string::npos);
  CHECK(onnxruntime::parse_settings("found=by the parent")->found == "by the parent");
}
