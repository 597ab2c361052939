// The constant table of backends, opening by name, and the module loader's refusals.
#include <set>
#include <string>

#include "build_id.h"
#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/backend/module_loader.h"

using namespace batchtune;

TEST_CASE("every backend has its own name and is either a module or built in", "[backend]") {
  std::set<std::string> names;
  for (const BackendEntry& entry : backends()) {
    INFO(entry.name);
    CHECK(names.insert(entry.name).second);
    CHECK(find_backend(entry.name) == &entry);
    CHECK((entry.module == nullptr) == (entry.create != nullptr));
    CHECK_FALSE((entry.simulated && (entry.on_host_cpu || entry.runtime != nullptr)));
    CHECK(std::string(entry.description) != "");
  }
  CHECK(names.contains("cpu"));
  CHECK(names.contains("simulated"));
}

TEST_CASE("a spec is a name and what follows its first colon", "[backend]") {
  CHECK(split_backend_spec("cpu").name == "cpu");
  CHECK(split_backend_spec("cpu").parameters == "");
  const BackendSpec spec = split_backend_spec("simulated:wall=2GiB,odd=a:b");
  CHECK(spec.name == "simulated");
  CHECK(spec.parameters == "wall=2GiB,odd=a:b");
}

TEST_CASE("a list of specs is split at commas that separate no parameters", "[backend]") {
  using Specs = std::vector<std::string>;
  CHECK(split_backend_list("cpu") == Specs{"cpu"});
  CHECK(split_backend_list("onnxruntime,cpu") == Specs{"onnxruntime", "cpu"});
  CHECK(split_backend_list("simulated:wall=2GiB,hang=16") == Specs{"simulated:wall=2GiB,hang=16"});
  CHECK(split_backend_list("onnxruntime:spinning=0,library=/a:b.so,openvino:hint=latency,cpu") ==
        Specs{"onnxruntime:spinning=0,library=/a:b.so", "openvino:hint=latency", "cpu"});
  CHECK(split_backend_list("") == Specs{""});
  CHECK(with_parameter("cpu", "a", "1") == "cpu:a=1");
  CHECK(with_parameter("cpu:a=1", "b", "2") == "cpu:a=1,b=2");
}

TEST_CASE("an unknown backend is refused with the names that exist", "[backend]") {
  const auto backend = open_backend("gpu:0");
  REQUIRE_FALSE(backend);
  const std::string text = to_string(backend.error());
  CHECK(backend.error().kind == ErrorKind::bad_input);
  CHECK(text.find("cpu, ") != std::string::npos);
  CHECK(text.find("simulated") != std::string::npos);
  CHECK(text.find("\"gpu\"") != std::string::npos);
  CHECK_FALSE(kernels_of_backend(""));
}

TEST_CASE("the simulated backend opens without a module and has no kernels", "[backend]") {
  auto backend = open_backend("simulated:wall=1GiB");
  REQUIRE(backend);
  CHECK((*backend)->describe().simulated);
  CHECK((*backend)->describe().memory_bytes == 1073741824.0);
  REQUIRE(kernels_of_backend("simulated"));
  CHECK(kernels_of_backend("simulated")->empty());
}

TEST_CASE("a module that is missing is one clear line with its path", "[backend]") {
  const auto backend = open_backend_module("/nowhere/lib/batchtune/cpu.so", "");
  REQUIRE_FALSE(backend);
  CHECK(backend.error().kind == ErrorKind::environment);
  const std::string text = to_string(backend.error());
  CHECK(text.find("/nowhere/lib/batchtune/cpu.so") != std::string::npos);
  CHECK(text.find("no such file") != std::string::npos);
  CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("a file that is no library is an environment error", "[backend]") {
  const auto backend = open_backend_module("/proc/self/status", "");
  REQUIRE_FALSE(backend);
  CHECK(backend.error().kind == ErrorKind::environment);
}

TEST_CASE("a module of another build is refused with both build ids", "[backend]") {
  const auto backend = open_backend_module(BT_WRONG_BUILD_MODULE, "");
  REQUIRE_FALSE(backend);
  const std::string text = to_string(backend.error());
  CHECK(text.find("another build") != std::string::npos);
  CHECK(text.find(kBuildId) != std::string::npos);
  CHECK_FALSE(kernels_of_module(BT_WRONG_BUILD_MODULE));
}

TEST_CASE("modules are looked for in lib/batchtune beside the executable's folder", "[backend]") {
  const std::string path = module_path("cpu");
  CHECK(path.ends_with("/lib/batchtune/cpu.so"));
  CHECK(path.find("/bin/") == std::string::npos);
}
