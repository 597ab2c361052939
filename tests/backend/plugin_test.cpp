// Plugins: how they are named, what of a library is refused and in which words, and that their
// answers become ours. What a plugin that dies or lies costs a session is in
// tests/end_to_end/plugin_test.cpp.
#include <elf.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/backend/conformance_check.h"
#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/backend/plugin/library.h"
#include "tuner/backend/plugin/model_source.h"
#include "tuner/workload/work.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;

namespace {

const std::string kFaulty = BT_FAULTY_PLUGIN;

std::unique_ptr<Backend> open_plugin(const std::string& fault = "none") {
  auto backend = open_backend(kFaulty + ":fault=" + fault);
  INFO((backend ? "" : to_string(backend.error())));
  REQUIRE(backend);
  return std::move(*backend);
}

std::string error_of(const std::string& spec) {
  const auto backend = open_backend(spec);
  REQUIRE_FALSE(backend);
  CHECK(backend.error().kind == ErrorKind::environment);
  return to_string(backend.error());
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A file of this test's own.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("bt_plugin_" + std::to_string(getpid()) + ".so");
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

LoadOptions options_of(DType dtype = DType::f32, int threads = 1, int instances = 1) {
  LoadOptions options;
  options.group = {"faulty", dtype, threads, instances, {}};
  return options;
}

Ending load_ending(const Model& model, const LoadOptions& options,
                   const std::string& fault = "none") {
  LoadReport report;
  const auto loaded = open_plugin(fault)->load(model, options, report);
  REQUIRE_FALSE(loaded);
  return loaded.error();
}

}  // namespace

TEST_CASE("a plugin is named by a path, or by its name and a path", "[plugin]") {
  CHECK_FALSE(plugin_of("cpu"));
  CHECK_FALSE(plugin_of("simulated:wall=1GiB"));
  CHECK_FALSE(plugin_of("openvino:plugin=/a.so"));  // a backend of the table stays that
  const auto by_path = plugin_of("./libmine.so:a=1,b=2").value();
  CHECK(by_path.path == "./libmine.so");
  CHECK(by_path.name == "");
  CHECK(by_path.parameters == "a=1,b=2");
  CHECK(plugin_of("libmine.so")->path == "libmine.so");
  CHECK(plugin_of("libmine.so.2")->path == "libmine.so.2");
  CHECK(plugin_of("build/mine")->path == "build/mine");
  for (const char* spec : {"mine:plugin=/x/libmine.so", "mine:plugin=/x/libmine.so,a=1,b=2"}) {
    const auto named = plugin_of(spec).value();
    CHECK(named.path == "/x/libmine.so");
    CHECK(named.name == "mine");
    CHECK(to_string(named) == spec);
  }
  CHECK(split_backend_list("cpu,./libmine.so:a=1,b=2,simulated") ==
        std::vector<std::string>{"cpu", "./libmine.so:a=1,b=2", "simulated"});
}

TEST_CASE("a plugin that was added is found by its name, beside the table", "[plugin]") {
  DeviceInfo described = open_plugin()->describe();
  CHECK(described.backend == "faulty");
  CHECK(find_backend("faulty") == nullptr);
  const auto entry = add_plugin(described);
  REQUIRE(entry);
  CHECK(find_backend("faulty") == *entry);
  CHECK(is_plugin(**entry));
  CHECK((*entry)->memory_kind == MemoryKind::account);
  CHECK((*entry)->on_host_cpu);  // it names no peaks
  for (const BackendEntry& row : backends()) {
    CHECK_FALSE(is_plugin(row));
    described.backend = row.name;
    CHECK_FALSE(add_plugin(described));
  }
  CHECK(kernels_of_backend(kFaulty)->empty());
}

TEST_CASE("a plugin is opened under its own name alone", "[plugin]") {
  CHECK(open_backend("faulty:plugin=" + kFaulty + ",fault=none"));
  CHECK(has(error_of("other:plugin=" + kFaulty), "calls itself faulty"));
}

TEST_CASE("what is no plugin is refused with what is wrong", "[plugin]") {
  CHECK(has(error_of("/nowhere/libmine.so"), "no such file"));
  const TemporaryFile text(
      "not a library at all, though long enough to hold a header of sixty-four bytes");
  CHECK(has(error_of(text.path()), "a file that is none"));
  CHECK(has(error_of(BT_WRONG_BUILD_MODULE), "batchtune_plugin()"));
}

TEST_CASE("a library for another processor is told by both machines", "[plugin]") {
  std::string content = content_of(kFaulty);
  content[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_AARCH64);
  content[offsetof(Elf64_Ehdr, e_machine) + 1] = 0;
  const TemporaryFile file(content);
  const std::string text = error_of(file.path());
  CHECK(has(text, "ELF machine 62"));
  CHECK(has(text, "ELF machine 183"));
}

TEST_CASE("another version or size of the table is refused with both numbers", "[plugin]") {
  const std::string version = error_of(BT_OTHER_ABI_PLUGIN);
  CHECK(has(version, "ABI version " + std::to_string(BT_PLUGIN_ABI_VERSION)));
  CHECK(has(version, "version 99"));
  const std::string size = error_of(BT_SHORT_TABLE_PLUGIN);
  CHECK(has(size, std::to_string(offsetof(bt_plugin, cancel) + sizeof(void*)) + " bytes"));
  CHECK(has(size, "found 64 bytes"));
}

TEST_CASE("a table that is longer than ours is taken as far as we know it", "[plugin]") {
  CHECK(open_backend(std::string(BT_LONG_TABLE_PLUGIN) + ":fault=none"));
}

TEST_CASE("a plugin must have a name that tables can show", "[plugin]") {
  CHECK(has(error_of(BT_ODD_NAME_PLUGIN), "\"Odd name!\""));
}

TEST_CASE("parameters that a plugin does not know are bad input, a device that is not there is not",
          "[plugin]") {
  const auto odd = open_backend(kFaulty + ":odd=1");
  REQUIRE_FALSE(odd);
  CHECK(odd.error().kind == ErrorKind::bad_input);
  CHECK(has(to_string(odd.error()), "odd=1"));
  CHECK(has(error_of(kFaulty + ":fault=open"), "the device of the plugin faulty"));
}

TEST_CASE("a plugin says unsupported and out of memory in its own words", "[plugin]") {
  const Ending image = load_ending(build_zoo_model("squeezenet").value(), options_of());
  CHECK(image.status == TrialStatus::unsupported);
  CHECK(has(image.evidence, "only f32 models"));
  const Model mlp = build_zoo_model("mlp@width=32").value();
  CHECK(load_ending(mlp, options_of(DType::bf16)).status == TrialStatus::unsupported);
  CHECK(load_ending(mlp, options_of(DType::f32, 1, 2)).status == TrialStatus::unsupported);
  LoadOptions small = options_of();
  small.account_limit = 1000;
  const Ending full = load_ending(mlp, small);
  CHECK(full.status == TrialStatus::out_of_memory);
  CHECK(full.evidence == "plugin: no memory for the weights");
  CHECK(full.where == "device");
  CHECK(load_ending(mlp, options_of(), "no_model").status == TrialStatus::failed);
}

TEST_CASE("an error text without an end is cut", "[plugin]") {
  const auto backend = open_plugin("unterminated");
  const Model mlp = build_zoo_model("mlp@width=32").value();
  LoadReport report;
  const auto loaded = backend->load(mlp, options_of(), report);
  REQUIRE(loaded);
  const auto program = (*loaded)->prepare({options_of().group, 1});
  REQUIRE_FALSE(program);
  CHECK(program.error().status == TrialStatus::failed);
  CHECK(program.error().evidence.size() < 1100);
}

TEST_CASE("where a plugin lies, and its version, are settings in force", "[plugin]") {
  LoadReport report;
  REQUIRE(open_plugin()->load(build_zoo_model("mlp@width=32").value(), options_of(), report));
  std::string library, version;
  for (const Setting& setting : report.effective) {
    if (setting.name == "library") library = to_string(setting.value);
    if (setting.name == "version") version = to_string(setting.value);
  }
  CHECK(library == kFaulty);
  CHECK(version == "1.0");
}

TEST_CASE("a plugin is told every weight of the zoo, with as many elements as are counted",
          "[plugin]") {
  for (const ZooEntry& entry : zoo()) {
    INFO(entry.name);
    const Model model = build_zoo_model(entry.name).value();
    std::int64_t told = 0;
    for (const plugin::WeightFacts& weight : plugin::weights_of(model)) told += weight.elements;
    double counted = 0;
    for (const Op& op : model.ops) counted += work_of(model, op).weight_elements;
    CHECK(static_cast<double>(told) == counted);
  }
}

TEST_CASE("the example plugin keeps every rule of the contract", "[plugin][conformance]") {
  const auto backend = open_plugin();
  const Model mlp = build_zoo_model("mlp@width=64").value();
  test::check_conformance(*backend, mlp, options_of());
}
