// Fuzz target of the device-file reader: whatever the bytes, there is a calibration or an error,
// and one that was accepted is written and read again without a change. Build it with libFuzzer by
//   clang++ -std=c++20 -O1 -fsanitize=fuzzer,address,undefined -I.
//   tests/estimate/fuzz_device_file.cpp
//     tuner/estimate/*.cpp tuner/workload/*.cpp tuner/workload/zoo/*.cpp tuner/core/*.cpp -lfmt
// device_file_test.cpp replays damaged files through it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/estimate/device_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace batchtune;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Calibration> read = parse_calibration(text, "fuzz.json");
  if (!read) {
    if (read.error().wanted.empty() || read.error().where.empty()) std::abort();
    return 0;
  }
  const std::string written = write_calibration(*read);
  const Result<Calibration> again = parse_calibration(written, "again.json");
  if (!again || write_calibration(*again) != written) std::abort();
  (void)at_threads(*read, 1);
  return 0;
}
