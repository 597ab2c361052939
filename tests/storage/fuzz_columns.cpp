// Fuzz target of the JSON columns: whatever the bytes, each kind of column gives a value or an
// error, and a value that was accepted is written and read again without a change. Build it with
// libFuzzer by
//   clang++ -std=c++20 -O1 -fsanitize=fuzzer,address,undefined -I.
//   tests/storage/fuzz_columns.cpp storage/detail/json.cpp storage/detail/database.cpp
//     tuner/core/*.cpp -lsqlite3 -lfmt
// test_columns.cpp replays damaged columns through it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "storage/detail/json.h"

namespace {

using namespace batchtune;

template <typename T>
void check(const detail::Database& nowhere, const std::string& text) {
  T value;
  const Status read = detail::decode(nowhere, text, value);
  if (!read) {
    if (read.error().found.empty() || read.error().todo.empty()) std::abort();
    return;
  }
  const auto written = detail::encode(detail::to_json(value));
  if (!written) std::abort();  // what came from JSON can be said in JSON
  T again;
  if (!detail::decode(nowhere, *written, again)) std::abort();
  if (detail::encode(detail::to_json(again)).value() != *written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const detail::Database nowhere;  // of which errors need the path alone
  check<HostState>(nowhere, text);
  check<Wishes>(nowhere, text);
  check<Settings>(nowhere, text);
  check<Environment>(nowhere, text);
  check<DeviceInfo>(nowhere, text);
  check<Estimate>(nowhere, text);
  check<std::map<std::string, std::int64_t>>(nowhere, text);
  return 0;
}
