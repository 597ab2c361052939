// Fuzz target of the reader of recorded tables: whatever the bytes, there are tables or an error,
// and those that were accepted are written and read again without a change. Build it with libFuzzer
// by
//   clang++ -std=c++20 -O1 -fsanitize=fuzzer,address,undefined -I. tests/storage/fuzz_table.cpp
//     storage/exchange/*.cpp tuner/core/*.cpp -lfmt
// table_json_test.cpp replays damaged tables through it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "storage/exchange/table_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchtune;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = parse_tables(text, "fuzz.json");
  if (!read) {
    if (read.error().wanted.empty() || read.error().where.empty()) std::abort();
    return 0;
  }
  const auto written = write_tables(*read);
  if (!written) std::abort();
  const auto again = parse_tables(*written, "again.json");
  if (!again || write_tables(*again) != written) std::abort();
  return 0;
}
