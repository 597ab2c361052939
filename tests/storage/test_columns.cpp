// Damaged JSON columns, replayed through the fuzz target (fuzz_columns.cpp), which ends the process
// when one is read wrongly.
#include <cstdint>
#include <random>

#include "storage/detail/json.h"
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"
#include "tests/support/mutate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("JSON columns that were damaged are read whole or refused", "[storage][fuzz]") {
  constexpr int kDamages = 400;  // of each column
  const SessionHeader header = example_header("u");
  const Round round = std::get<Round>(example_round().what);
  std::mt19937 random(20260101);
  for (const detail::Json& column :
       {detail::to_json(*round.visits[1].host), detail::to_json(header.wishes),
        detail::to_json(header.settings), detail::to_json(header.environment),
        detail::to_json(header.devices[0]), detail::to_json(header.estimates[0]),
        detail::to_json(header.estimates[0].group.dims)}) {
    const std::string whole = column.dump();
    for (int i = 0; i < kDamages; ++i) {
      std::string text = whole;
      for (int damages = i % 3; damages >= 0 && !text.empty(); --damages)
        text = mutate(text, random);
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
      REQUIRE(LLVMFuzzerTestOneInput(bytes, text.size()) == 0);
    }
  }
}
