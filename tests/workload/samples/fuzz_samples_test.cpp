// Replays damaged files of samples through the fuzz target.
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/mutate.h"
#include "tests/support/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

using namespace batchtune::test;

namespace {

void replay(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

TEST_CASE("damaged files of samples are refused or read, never a crash", "[fuzz][samples]") {
  const std::string image =
      npy_bytes("<f4", "(2, 2, 3)", bytes_of(std::vector<float>(12, 0.5F)));
  const std::string ids = npy_bytes("<i8", "(2, 3)", bytes_of(std::vector<std::int64_t>(6, 7)));
  const std::string fortran =
      npy_bytes("<f8", "(1, 2, 3)", bytes_of(std::vector<double>(6, 0.5)), true);
  std::vector<std::string> whole{image};
  for (const Packing packing : {Packing::stored, Packing::deflated, Packing::stored_as_zip64}) {
    whole.push_back(npz_bytes({{"image", image}, {"ids", ids}}, packing));
    whole.push_back(npz_bytes({{"image", fortran}}, packing));
  }
  std::mt19937 random(20261130);
  for (const std::string& bytes : whole) {
    replay(bytes);
    for (int i = 0; i < 300; ++i) replay(mutate(bytes, random));
    for (int i = 0; i < 100; ++i) replay(mutate(mutate(bytes, random), random));
    // Single bytes of headers and directories, where the claims are.
    for (int i = 0; i < 300; ++i) {
      std::string changed = bytes;
      changed[random() % changed.size()] = static_cast<char>(random());
      replay(changed);
    }
  }
  replay("");
  replay("PK");
  replay(std::string(100'000, 'P'));
}
