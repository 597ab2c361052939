// Replays mutated model files through the fuzz target: cheap evidence in every test run that bad
// bytes are refused without a crash.
#include <random>

#include "tests/support/catch.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/zoo.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

// One small change: a byte, a number made huge or negative, a piece taken out or doubled.
std::string mutate(std::string text, std::mt19937& random) {
  const auto pick = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  const std::size_t at = pick(text.size());
  switch (pick(4)) {
    case 0:
      text[at] = static_cast<char>(pick(256));
      break;
    case 1: {
      const std::size_t digit = text.find_first_of("0123456789", at);
      const char* const numbers[] = {
          "-1",        "0", "4294967296", "9223372036854775807", "1e400", "18446744073709551615",
          "2147483647"};
      if (digit != std::string::npos) text.replace(digit, 1, numbers[pick(7)]);
      break;
    }
    case 2:
      text.erase(at, pick(30));
      break;
    default:
      text.insert(at, text.substr(pick(text.size()), pick(60)));
      break;
  }
  return text;
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
