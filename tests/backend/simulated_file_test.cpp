// Descriptions of accelerators (JSON), and how a device is named in the parameters.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include "tests/backend/simulated_support.h"
#include "tests/support/mutate.h"
#include "tuner/backend/backend_list.h"
#include "tuner/backend/simulated/accelerator_file.h"
#include "tuner/backend/simulated/simulated.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;
using simulated::parse_accelerator;

extern "C" int fuzz_accelerator(const std::uint8_t* data, std::size_t size);

namespace {

constexpr char kLeast[] = R"({"schema_version": 1, "name": "mine", "like": "trn1"})";

// The least description with one more member.
std::string with(const std::string& member) {
  std::string text = kLeast;
  return text.insert(text.size() - 1, ", " + member);
}

void fuzz(const std::string& text) {
  fuzz_accelerator(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

class File {
 public:
  explicit File(const std::string& text)
      : path_((std::filesystem::temp_directory_path() /
               ("bt_accelerator_" + std::to_string(getpid()) + ".json"))
                  .string()) {
    std::ofstream(path_) << text;
  }
  ~File() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("a description is a built-in accelerator with what differs from it", "[simulated][file]") {
  const auto device = parse_accelerator(
      with(R"("memory": 4e9, "cores": 8, "noise": {"jitter": 0.5, "speed_levels": 2},
           "arithmetic": [{"dtype": "int8", "said_flops": 1e12, "cycles_per_row": 0.5}], "overlap": null)"),
      "mine.json");
  REQUIRE(device);
  simulated::Accelerator expected = accelerator("trn1");
  expected.name = "mine";
  expected.memory = 4e9;
  expected.cores = 8;
  expected.noise.jitter = 0.5;
  expected.noise.speed_levels = 2;
  expected.arithmetic = {{DType::int8, 1e12, 0.5}};
  CHECK(*device == expected);
}

TEST_CASE("every accelerator is written and read back as it is", "[simulated][file]") {
  for (const simulated::Accelerator& device : simulated::accelerators()) {
    const auto read = parse_accelerator(simulated::write_accelerator(device), "written.json");
    INFO(device.name << (read ? "" : ": " + to_string(read.error())));
    REQUIRE(read);
    CHECK(*read == device);
  }
}

TEST_CASE("what a description gets wrong is named with its place", "[simulated][file]") {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "mine.json"},
      {"{", "mine.json:1:"},
      {"[]", "an object"},
      {R"({"schema_version": 2, "name": "a", "like": "trn1"})", "$.schema_version"},
      {R"({"schema_version": 1, "like": "trn1"})", "$.name"},
      {R"({"schema_version": 1, "name": "a b", "like": "trn1"})", "$.name"},
      {R"({"schema_version": 1, "name": "a"})", "$.like"},
      {R"({"schema_version": 1, "name": "a", "like": "gpu"})", "inferentia, inf2, trn1"},
      {with(R"("memroy": 1)"), "\"memroy\""},
      {with(R"("memory": 1, "memory": 2)"), "twice"},
      {with(R"("memory": 0)"), "$.memory"},
      {with(R"("memory": "16GiB")"), "$.memory"},
      {with(R"("memory": 1e300)"), "$.memory"},
      {with(R"("overlap": 1.5)"), "a number from 0 to 1"},
      {with(R"("cores": 0)"), "$.cores"},
      {with(R"("cores": 2.5)"), "$.cores"},
      {with(R"("cores": 18446744073709551615)"), "$.cores"},
      {with(R"("noise": [])"), "$.noise"},
      {with(R"("noise": {"jitter": 2})"), "$.noise.jitter"},
      {with(R"("noise": {"noise": 1})"), "$.noise"},
      {with(R"("arithmetic": [{"dtype": "f64", "said_flops": 1}])"), "$.arithmetic[0].dtype"},
      {with(R"("arithmetic": [{"dtype": "f32"}])"), "$.arithmetic[0].said_flops"},
      {with(R"("arithmetic": [{"dtype": "f32", "said_flops": 1}, {"dtype": "f32", "said_flops": 1}])"),
       "each data type once"}};
  for (const auto& [text, part] : bad) {
    INFO(text);
    const auto device = parse_accelerator(text, "mine.json");
    REQUIRE_FALSE(device);
    const std::string error = to_string(device.error());
    INFO(error);
    CHECK(error.find(part) != std::string::npos);
    CHECK(error.find("mine.json") != std::string::npos);
  }
}

TEST_CASE("the schema lists exactly the members that the reader knows", "[simulated][file]") {
  std::ifstream file(BT_ACCELERATOR_SCHEMA);
  const Json schema = Json::parse(file);
  const auto names = [](const Json& object) {
    std::set<std::string> all;
    for (const auto& [name, value] : object.items()) all.insert(name);
    return all;
  };
  const Json written = Json::parse(simulated::write_accelerator(accelerator("trn1")));
  const Json& listed = schema.at("properties");
  CHECK(names(listed) == names(written));
  CHECK(names(listed.at("noise").at("properties")) == names(written.at("noise")));
  CHECK(names(listed.at("arithmetic").at("items").at("properties")) ==
        names(written.at("arithmetic").at(0)));
  std::set<std::string> like, built_in;
  for (const Json& name : listed.at("like").at("enum")) like.insert(name.get<std::string>());
  for (const simulated::Accelerator& device : simulated::accelerators()) built_in.insert(device.name);
  CHECK(like == built_in);
  // What the schema allows the reader takes, at both ends; beyond them it refuses.
  for (const auto& [name, member] : listed.items()) {
    if (!member.contains("maximum")) continue;
    for (const char* end : {"minimum", "maximum"}) {
      const Json at = member.at(end);
      INFO(name << " = " << at);
      CHECK(parse_accelerator(with("\"" + name + "\": " + at.dump()), "mine.json"));
    }
    const double beyond = 2 * member.at("maximum").get<double>();
    CHECK_FALSE(parse_accelerator(with("\"" + name + "\": " + Json(beyond).dump()), "mine.json"));
  }
}

TEST_CASE("damaged descriptions are refused or accepted, never a crash", "[simulated][file][fuzz]") {
  std::mt19937 random(20261201);
  const std::string whole = simulated::write_accelerator(accelerator("trn2"));
  for (int i = 0; i < 2000; ++i) fuzz(i % 2 == 0 ? mutate(whole, random) : mutate(mutate(whole, random), random));
  for (const char* text : {"", "null", "\xff\xfe{}", "[[[[[[[[[[[[[[[[[[[[[[[[["}) fuzz(text);
}

TEST_CASE("a device is named before its parameters, which count instead of its own",
          "[simulated][file]") {
  const auto parsed = simulated::parse_parameters("trn1,wall=4GiB,jitter=0,load=3,prepare=2,compilers=4");
  REQUIRE(parsed);
  REQUIRE(parsed->accelerator);
  CHECK(parsed->accelerator->name == "trn1");
  CHECK(parsed->accelerator->memory == 4.0 * (1LL << 30));
  CHECK(parsed->noise.jitter == 0);
  CHECK(parsed->noise.wander == accelerator("trn1").noise.wander);
  CHECK(parsed->accelerator->noise == parsed->noise);
  CHECK(parsed->accelerator->load_base == 3);
  CHECK(parsed->accelerator->prepare == 2);
  CHECK(parsed->compilers == 4);
  CHECK(parsed->compiles());
  CHECK_FALSE(simulated::parse_parameters("wall=4GiB")->accelerator);
}

TEST_CASE("a device is described by a file, which may be missing or wrong", "[simulated][file]") {
  const File file(with(R"("memory": 2e9)"));
  const auto parsed = simulated::parse_parameters(file.path() + ",jitter=0");
  REQUIRE(parsed);
  CHECK(parsed->accelerator->name == "mine");
  CHECK(parsed->wall == 2'000'000'000);
  const auto opened = open_backend("simulated:" + file.path());
  REQUIRE(opened);
  CHECK((*opened)->describe().name == "simulated mine, one core of 2");
  const File wrong(with(R"("memory": -2)"));
  for (const std::string& text :
       {wrong.path(), std::string("/nowhere/device.json"), std::string("trn9"), std::string("trn1,rate=1G"),
        std::string("trn1,hump=4"), std::string("jitter=0,trn1"), std::string("trn1,compiled=1+"),
        std::string("trn1,compilers=0"), std::string("trn1,cache=")}) {
    INFO(text);
    const auto refused = create_simulated_backend(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::bad_input);
  }
  CHECK(to_string(create_simulated_backend("trn9").error()).find("inferentia, inf2, trn1") !=
        std::string::npos);
}

TEST_CASE("every parameter of the simulated devices is told of with what it means", "[simulated][file]") {
  std::set<std::string> names;
  for (const runtime::Parameter& one : simulated::known_parameters()) {
    CHECK_FALSE(one.values.empty());
    CHECK_FALSE(one.meaning.empty());
    CHECK(names.emplace(one.name).second);
  }
  for (const char* name : {"wall", "compile", "compiled", "cache", "jitter", "slow"})
    CHECK(names.contains(name));
}
