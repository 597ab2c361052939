// A libFuzzer target over what a command may print: any bytes as stdout, as its lines, as rules and
// as parameters.
//   clang++ -std=c++20 -fsanitize=fuzzer,address -DBT_LIBFUZZER -I. and tuner/backend/command/
//     {latencies,options,printed_lines,rules}.cpp tuner/backend/runtime/parameters.cpp tuner/core/
// command_parts_test.cpp replays mutated output through it in every test run.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tuner/backend/command/latencies.h"
#include "tuner/backend/command/options.h"
#include "tuner/backend/command/printed_lines.h"
#include "tuner/backend/command/rules.h"

using namespace batchtune::command;

extern "C" int fuzz_command_output(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto latencies = parse_latencies(bytes);
  if (!latencies && latencies.error().empty()) std::abort();  // a refusal has a reason
  if (latencies)
    for (const double seconds : *latencies)
      if (!std::isfinite(seconds) || seconds <= 0) std::abort();
  PrintedLines lines(built_in_rules());
  lines.add(bytes);
  lines.finish();
  (void)parse_rules(bytes, "rules");
  (void)parse_settings(std::string(bytes));
  if (unescape(escape(bytes)) != bytes) std::abort();
  return 0;
}

#ifdef BT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz_command_output(data, size);
}
#endif
