// Samples of a file: every form that NumPy writes gives its numbers, and everything else an error
// that names the array.
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/npz.h"
#include "tuner/workload/samples/input_source.h"
#include "tuner/workload/weights.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Op input_of(const std::string& name, Shape shape) {
  Op op;
  op.name = name;
  op.output = std::move(shape);
  return op;
}

Model model_of(std::vector<Op> inputs) {
  Model model;
  model.name = "test";
  model.output = inputs.back().name;
  model.ops = std::move(inputs);
  return model;
}

Model images() {
  return model_of({input_of("image", {2, 3})});
}

Model texts(std::int64_t vocabulary = 10) {
  Op ids = input_of("ids", {3});
  ids.input_kind = InputKind::token_ids;
  ids.vocabulary = vocabulary;
  return model_of({ids, input_of("weights", {2})});
}

std::vector<double> read(InputSource& source, const Op& input, std::int64_t sample) {
  std::vector<double> values(static_cast<std::size_t>(elements(input.output)));
  REQUIRE(source.read(input, sample, values));
  return values;
}

// Of 2 samples {2, 3}, counted up from 0, in this type.
template <typename Number>
std::string counted(const std::string& type, bool fortran = false) {
  std::vector<Number> numbers(12);
  for (int i = 0; i < 12; ++i) {
    const int sample = i / 6, row = i / 3 % 2, column = i % 3;
    const int place = fortran ? sample + 2 * (row + 2 * column) : i;
    numbers[static_cast<std::size_t>(place)] = static_cast<Number>(i);
  }
  return npy_bytes(type, "(2, 2, 3)", bytes_of(numbers), fortran);
}

std::string error_of(const std::string& bytes, const Model& model,
                     const std::string& ending = ".npz") {
  const SamplesFile file(bytes, ending);
  const auto source = InputSource::open(file.path(), model);
  REQUIRE_FALSE(source);
  return to_string(source.error());
}

bool says(const std::string& text, const std::vector<std::string>& parts) {
  INFO(text);
  bool all = true;
  for (const std::string& part : parts) {
    CHECK(text.find(part) != std::string::npos);
    all = all && text.find(part) != std::string::npos;
  }
  return all;
}

}  // namespace

TEST_CASE("numbers of every type, order and packing are read", "[samples]") {
  const Model model = images();
  std::string swapped = counted<std::uint16_t>(">u2");
  for (std::size_t i = swapped.size() - 24; i < swapped.size(); i += 2)
    std::swap(swapped[i], swapped[i + 1]);
  const std::vector<std::string> arrays = {
      counted<float>("<f4"),          counted<double>("<f8"),       counted<std::int8_t>("|i1"),
      counted<std::uint8_t>("|u1"),   counted<std::int16_t>("<i2"), counted<std::uint16_t>("<u2"),
      counted<std::int32_t>("<i4"),   counted<std::uint32_t>("<u4"), counted<std::int64_t>("<i8"),
      counted<std::uint64_t>("=u8"),  swapped,                      counted<float>("<f4", true),
      counted<std::int16_t>("<i2", true)};
  for (std::size_t which = 0; which < arrays.size(); ++which)
    for (const Packing packing : {Packing::stored, Packing::deflated, Packing::stored_as_zip64}) {
      INFO("array " << which << ", packing " << static_cast<int>(packing));
      const SamplesFile file(npz_bytes({{"label", "no array"}, {"image", arrays[which]}}, packing));
      auto source = InputSource::open(file.path(), model);
      if (!source) FAIL(to_string(source.error()));
      CHECK(source->samples() == 2);
      CHECK(read(*source, model.ops[0], 1) == std::vector<double>{6, 7, 8, 9, 10, 11});
      CHECK(read(*source, model.ops[0], 0) == std::vector<double>{0, 1, 2, 3, 4, 5});
      CHECK(read(*source, model.ops[0], 5) == std::vector<double>{6, 7, 8, 9, 10, 11});
      std::vector<float> part(2);
      REQUIRE(source->fill(1, model.ops[0], 3, part, 4));
      CHECK(part == std::vector<float>{10, 11});
    }
}

TEST_CASE("half floats and booleans are what they stand for", "[samples]") {
  const Model model = model_of({input_of("x", {6})});
  const std::vector<std::uint16_t> halves{0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555};
  const SamplesFile half(npz_bytes({{"x", npy_bytes("<f2", "(1, 6)", bytes_of(halves))}}));
  auto source = InputSource::open(half.path(), model);
  REQUIRE(source);
  CHECK(read(*source, model.ops[0], 0) ==
        std::vector<double>{1, -2, 0x1p-24, 65504, 0, 0.333251953125});
  const SamplesFile flags(
      npz_bytes({{"x", npy_bytes("|b1", "(1, 6)", std::string("\1\0\1\1\0\0", 6))}}));
  source = InputSource::open(flags.path(), model);
  REQUIRE(source);
  CHECK(read(*source, model.ops[0], 0) == std::vector<double>{1, 0, 1, 1, 0, 0});
}

TEST_CASE("a model with one input needs no name", "[samples]") {
  const Model model = images();
  for (const int version : {1, 2, 3}) {
    const std::string array = npy_bytes("<f4", "(1, 2, 3)",
                                        bytes_of(std::vector<float>{1, 2, 3, 4, 5, 6}), false, version);
    for (const auto& [bytes, ending] :
         {std::pair{array, ".npy"}, std::pair{npz_bytes({{"arr_0", array}}), ".npz"}}) {
      const SamplesFile file(bytes, ending);
      auto source = InputSource::open(file.path(), model);
      REQUIRE(source);
      CHECK(source->is_file());
      CHECK(read(*source, model.ops[0], 7) == std::vector<double>{1, 2, 3, 4, 5, 6});
    }
  }
}

TEST_CASE("without a file samples are the seeded ones", "[samples]") {
  auto source = InputSource::open("", texts());
  REQUIRE(source);
  CHECK_FALSE(source->is_file());
  std::vector<float> values(2), expected(2);
  REQUIRE(source->fill(7, texts().ops[1], 3, values));
  fill_input(7, texts().ops[1], 3, expected);
  CHECK(values == expected);
  std::vector<std::int32_t> ids(3), wanted(3);
  REQUIRE(source->fill_ids(7, texts().ops[0], 3, ids));
  fill_token_ids(7, texts().ops[0], 3, wanted);
  CHECK(ids == wanted);
}

TEST_CASE("several inputs come from one file, ids as integers", "[samples]") {
  const Model model = texts();
  const auto ids = npy_bytes("<i8", "(2, 3)", bytes_of(std::vector<std::int64_t>{0, 9, 1, 2, 3, 4}));
  const auto weights = npy_bytes("<f4", "(2, 2)", bytes_of(std::vector<float>{1, 2, 3, 4}));
  const SamplesFile file(npz_bytes({{"weights", weights}, {"ids", ids}}));
  auto source = InputSource::open(file.path(), model);
  REQUIRE(source);
  std::vector<std::int32_t> read_ids(3);
  REQUIRE(source->fill_ids(1, model.ops[0], 2, read_ids));
  CHECK(read_ids == std::vector<std::int32_t>{0, 9, 1});
  CHECK(read(*source, model.ops[1], 1) == std::vector<double>{3, 4});
}

TEST_CASE("what does not fit the model is refused by the array's name", "[samples]") {
  const auto array = [](const std::string& type, const std::string& shape, std::size_t bytes) {
    return npy_bytes(type, shape, std::string(bytes, '\0'));
  };
  says(error_of(npz_bytes({{"img", array("<f4", "(1, 2, 3)", 24)}}), images()),
       {"an array \"image\"", "found img"});
  says(error_of(npz_bytes({{"image", array("<f4", "(1, 3, 2)", 24)}}), images()),
       {"image.npy", "(samples, 2, 3)", "(samples, 3, 2)"});
  says(error_of(npz_bytes({{"image", array("<c8", "(1, 2, 3)", 48)}}), images()),
       {"image.npy", "numbers", "<c8"});
  says(error_of(npz_bytes({{"image", array("|O", "(1, 2, 3)", 48)}}), images()), {"|O"});
  says(error_of(npz_bytes({{"image", array("<f4", "(0, 2, 3)", 0)}}), images()), {"at least one"});
  says(error_of(npz_bytes({{"image", array("<f4", "()", 4)}}), images()), {"at least one"});
  const std::string good = array("<f4", "(2, 2)", 16);
  says(error_of(npz_bytes({{"ids", array("<f4", "(2, 3)", 24)}, {"weights", good}}), texts()),
       {"ids.npy", "integers", "<f4"});
  says(error_of(npz_bytes({{"ids", array("<i4", "(3, 3)", 36)}, {"weights", good}}), texts()),
       {"weights.npy", "as many samples", "3", "found 2"});
  const auto ids = [&](std::int64_t bad) {
    return npz_bytes(
        {{"ids", npy_bytes("<i8", "(2, 3)", bytes_of(std::vector<std::int64_t>{0, 1, 2, 3, bad, 5}))},
         {"weights", good}});
  };
  says(error_of(ids(10), texts()), {"ids from 0 to 9", "found 10", "ids.npy, sample 1"});
  says(error_of(ids(-1), texts()), {"found -1"});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  says(error_of(npz_bytes({{"image", npy_bytes("<f4", "(1, 2, 3)",
                                               bytes_of(std::vector<float>{1, 2, nan, 4, 5, 6}))}}),
                images()),
       {"finite", "sample 0"});
  says(error_of(npz_bytes({{"a", good}, {"b", good}}), images()), {"image", "a, b"});
  says(error_of(good, texts(), ".npy"), {"one array without a name"});
}

TEST_CASE("an imported model's ids without a table have no bound", "[samples]") {
  Model model = texts(2);
  const auto bytes = npz_bytes(
      {{"ids", npy_bytes("<i8", "(1, 3)", bytes_of(std::vector<std::int64_t>{0, 1, 384}))},
       {"weights", npy_bytes("<f4", "(1, 2)", bytes_of(std::vector<float>{1, 2}))}});
  says(error_of(bytes, model), {"found 384"});
  model.file = ModelFile{"onnx", "/model.onnx", "0", ""};
  const SamplesFile file(bytes);
  CHECK(InputSource::open(file.path(), model));
}

TEST_CASE("damaged files and false claims are refused", "[samples]") {
  const Model model = images();
  const std::string array = counted<float>("<f4");
  const std::string stored = npz_bytes({{"image", array}});
  const std::string packed = npz_bytes({{"image", array}}, Packing::deflated);
  CHECK_FALSE(InputSource::open("/nowhere/data.npz", model));
  CHECK_FALSE(InputSource::open("/tmp", model));
  says(error_of("", model), {"NumPy array"});
  says(error_of(stored.substr(0, stored.size() - 5), model), {"no directory"});
  for (const std::string& whole : {stored, packed})
    for (std::size_t length = 0; length < whole.size(); length += 7) {
      const SamplesFile file(whole.substr(0, length));
      CHECK_FALSE(InputSource::open(file.path(), model));
    }
  std::string changed = stored;
  changed[stored.find("NUMPY") + 130] ^= 1;
  says(error_of(changed, model), {"checksum", "image.npy"});
  std::string method = stored;
  method[8] = 12;                              // of the entry
  method[stored.find("PK\1\2") + 10] = 12;     // of the directory
  says(error_of(method, model), {"method 12", "image.npy"});
  std::string encrypted = stored;
  encrypted[stored.find("PK\1\2") + 8] = 1;
  says(error_of(encrypted, model), {"encrypted"});
  std::string huge = packed;
  for (int i = 0; i < 4; ++i) huge[packed.find("PK\1\2") + 24 + static_cast<std::size_t>(i)] = '\x7f';
  says(error_of(huge, model), {"claims"});
  says(error_of(npz_bytes({{"image", npy_bytes("<f4", "(9000000000000, 2, 3)", "")}}), model),
       {"9000000000000"});
  says(error_of(npz_bytes({{"image", npy_bytes("<f4", "(3, 2, 3)", std::string(48, '\0'))}}), model),
       {"(3, 2, 3)", "48 bytes"});
  says(error_of(npy_bytes("<f4", "(1, 2, 3", std::string(24, '\0')), model, ".npy"), {"descr"});
}
