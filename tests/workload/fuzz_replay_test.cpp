// Replays mutated model files through the fuzz target: cheap evidence in every test run that bad
// bytes are refused without a crash.
#include <random>

#include "tests/support/catch.h"
#include "tests/support/mutate.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/zoo.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

using batchtune::test::mutate;

namespace {

void replay(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

}  // namespace

TEST_CASE("mutated model files are refused or accepted, never a crash", "[fuzz]") {
  std::mt19937 random(20260824);
  for (const char* name :
       {"shufflenet-v2", "llama-3.2-1b-decode@context=4", "bert-base@seq=4", "mlp"}) {
    const std::string text = batchtune::write_model(batchtune::build_zoo_model(name).value());
    const std::string head = text.substr(0, 4000);
    for (int i = 0; i < 150; ++i) replay(mutate(mutate(text, random), random));
    for (int i = 0; i < 150; ++i) replay(mutate(head, random));
  }
}

TEST_CASE("awkward bytes are refused without a crash", "[fuzz]") {
  replay("");
  replay(std::string(1, '\0'));
  replay("null");
  replay("\xff\xfe{}");
  replay(std::string(2'000'000, '['));
  replay(std::string(1'000'000, '[') + std::string(1'000'000, ']'));
  std::string nested = "1";
  for (int i = 0; i < 100'000; ++i) nested = "{\"a\":" + nested.substr(0, 8) + "}";
  replay(nested);
}
