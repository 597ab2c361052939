// Messages survive the way through JSON, and nothing that arrives instead of one does harm.
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/measure/channel.h"
#include "tuner/measure/protocol.h"

using namespace batchtune;
using namespace batchtune::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

Candidate odd_candidate() {
  return {{"cpu", DType::bf16, 2, 3, {{"seq", 384}, {"", -1}}}, 1000000000000};
}

DeviceInfo odd_device() {
  DeviceInfo device;
  device.name = "a \"quoted\" name\n";
  device.peaks = {{DType::f32, "avx512", 1.5e11, FigureOrigin::measured, "calibrate"}};
  device.memory_levels = {{"L1", 65536.0, 1e12, FigureOrigin::user, ""},
                          {"DRAM", std::nullopt, 2.5e10, FigureOrigin::catalogue, "x"}};
  device.memory_bytes = 1e10;
  device.simulated = true;
  device.default_dtype = DType::bf16;
  device.compiles_elsewhere = true;
  device.isa_in_use = {{DType::bf16, "avx512bf16"}};
  return device;
}

std::vector<Request> every_request() {
  LoadOptions options;
  options.group = odd_candidate().group;
  options.seed = ~std::uint64_t{0};
  options.account_limit = Bytes{1} << 40;
  options.proven_kernels = {"a", "b"};
  options.parameters = "wall=2GiB";
  return {Hello{"simulated:wall=2GiB", 4711, 2},
          Load{3, "{\"name\": \"m\"}", options, std::nullopt, false},
          Load{4, "", {}, Bytes{7}, true},
          Unload{3},
          Prepare{3, 12, odd_candidate(), true, true},
          CompileAhead{3, odd_candidate()},
          Share{{{1, 2, 3}, {2, 0, 1}}, true},
          Release{12},
          Soak{12, 30.0},
          Profile{12, 5},
          Describe{},
          ListKernels{},
          Quit{}};
}

std::vector<Reply> every_reply() {
  LoadReport report;
  report.newly_proven_kernels = {"gemm"};
  report.compiled = {1, 8};
  report.effective = {{"isa", std::string("avx2"), "default"},
                      {"pinned", true, "x"},
                      {"n", std::int64_t{-5}, "x"},
                      {"share", 0.5, "x"},
                      {"nothing", std::monostate{}, "x"}};
  const Ending ending{TrialStatus::out_of_memory, "reason", "evidence", "host"};
  const Visited visited{7, {}, 2, {{0.1, 0.2, 1.0 / 3}, {4e-9}}, Usage{1, 2, 3}, 1e-6, 0.5};
  const CanaryReading reading{{3e-5, 4e-5}, {1e-4}, 2.5e9, {8e-8}, {1.2e5, 1.3e5}};
  return {Loaded{{}, 1.25, true, report},
          Prepared{ending, 0.1, std::nullopt, std::nullopt, std::nullopt, 0.2},
          Prepared{{}, 240.1, 0.001, MemoryUse{1, 2, 3, MemoryKind::rss}, 240, 0.3, {0.5F, 1.0F / 3}},
          ShareDone{{visited, Visited{8, ending, 0, {}, std::nullopt, std::nullopt}},
                    {reading, CanaryReading{}},
                    0.25},
          Soaked{ending, 17, 29.5},
          Profiled{{}, 0.5, {{"conv1", "Conv", 1.0 / 3}, {"", "", 0}}},
          Described{odd_device()},
          KernelsListed{{{"k", "gemm", "f32", "avx2", false, "no AVX2"}}},
          Refused{{ErrorKind::environment, "a", "b", "c", "d"}}};
}

void fuzz(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

TEST_CASE("every message is the same after encoding and decoding", "[protocol]") {
  for (const Request& request : every_request()) {
    const auto decoded = decode_request(encode(request));
    REQUIRE(decoded);
    CHECK((*decoded == request));
  }
  for (const Reply& reply : every_reply()) {
    const auto decoded = decode_reply(encode(reply));
    REQUIRE(decoded);
    CHECK((*decoded == reply));
  }
  CHECK(every_request().size() >= std::variant_size_v<Request>);
  CHECK(every_reply().size() >= std::variant_size_v<Reply>);
}

TEST_CASE("samples, batches and seeds keep every bit", "[protocol]") {
  const auto done = decode_reply(encode(Reply(every_reply()[3])));
  REQUIRE(done);
  CHECK(std::get<ShareDone>(*done).visits.at(0).instances[0][2] == 1.0 / 3);
  const auto prepare = decode_request(encode(Request(every_request()[4])));
  REQUIRE(prepare);
  CHECK(std::get<Prepare>(*prepare).candidate == odd_candidate());
  const auto load = decode_request(encode(Request(every_request()[1])));
  REQUIRE(load);
  CHECK(std::get<Load>(*load).options.seed == ~std::uint64_t{0});
}

TEST_CASE("a refusal names the member and what was wanted", "[protocol]") {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "not a JSON object"},
      {"[1]", "not a JSON object"},
      {"{}", "no message name"},
      {R"({"is":"sing","of":{}})", "unknown message \"sing\""},
      {R"({"is":"quit","of":1})", "quit: wanted an object"},
      {R"({"is":"unload","of":{}})", "unload.load: wanted to be there"},
      {R"({"is":"unload","of":{"load":1e300}})", "unload.load: wanted a whole number"},
      {R"({"is":"unload","of":{"load":99999999999}})", "unload.load: wanted a whole number"},
      {R"({"is":"share","of":{"visits":[{"program":1,"warm":"2","timed":1}]}})",
       "share.visits[0].warm: wanted a whole number"}};
  for (const auto& [text, part] : bad) {
    INFO(text);
    const auto request = decode_request(text);
    REQUIRE_FALSE(request);
    CHECK(request.error().find(part) != std::string::npos);
  }
  std::string status = encode(Reply(Prepared{}));
  status.replace(status.find("\"status\":0"), 10, "\"status\":9");
  const auto reply = decode_reply(status);
  REQUIRE_FALSE(reply);
  CHECK(reply.error() == "prepared.ending.status: wanted an enumerator");
}

TEST_CASE("text that is not UTF-8 does not stop a message", "[protocol]") {
  const auto reply =
      decode_reply(encode(Reply(Soaked{{TrialStatus::failed, "\xFF\xFE", "", ""}, 0, 0})));
  REQUIRE(reply);
}

TEST_CASE("random, cut and mutated bytes are refused without harm", "[protocol][fuzz]") {
  std::mt19937 random(20260321);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random()) % limit; };
  std::vector<std::string> seeds;
  for (const Request& request : every_request()) seeds.push_back(encode(request));
  for (const Reply& reply : every_reply()) seeds.push_back(encode(reply));
  for (const std::string& seed : seeds) {
    for (std::size_t length = 0; length <= seed.size(); ++length) fuzz(seed.substr(0, length));
    fuzz(frame(seed) + frame(seed).substr(0, 9));
  }
  constexpr int kRandomInputs = 2000, kMutations = 200;
  for (int i = 0; i < kRandomInputs; ++i) {
    std::string bytes(below(200), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    fuzz(bytes);
  }
  const std::string alphabet = "{}[]\",:0e-.tnf\\\x80";
  for (const std::string& seed : seeds)
    for (int i = 0; i < kMutations; ++i) {
      std::string bytes = i % 2 == 0 ? seed : frame(seed);
      for (std::size_t changes = below(4) + 1; changes > 0; --changes)
        bytes[below(bytes.size())] = alphabet[below(alphabet.size())];
      fuzz(bytes);
    }
  fuzz(std::string(100000, '['));
  SUCCEED();
}
