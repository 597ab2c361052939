// A libFuzzer target over the protocol: any bytes as a stream of frames, and as one message.
//   clang++ -std=c++20 -fsanitize=fuzzer,address -I. tests/measure/fuzz_protocol.cpp
//     tuner/measure/protocol.cpp tuner/measure/channel.cpp
// protocol_test.cpp replays mutated messages through it in every test run.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/measure/channel.h"
#include "tuner/measure/protocol.h"

namespace {

// What decodes must encode to something that decodes to the same.
template <typename Decode>
void check_message(std::string_view payload, Decode decode) {
  const auto message = decode(payload);
  if (!message) {
    if (message.error().empty()) std::abort();  // a refusal has a reason
    return;
  }
  const std::string text = batchtune::protocol::encode(*message);
  const auto again = decode(text);
  if (!again || batchtune::protocol::encode(*again) != text) std::abort();
}

void check_payload(std::string_view payload) {
  check_message(payload, batchtune::protocol::decode_request);
  check_message(payload, batchtune::protocol::decode_reply);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_payload(bytes);
  batchtune::FrameBuffer buffer;
  buffer.append(bytes);
  for (;;) {
    const auto payload = buffer.take();
    if (!payload || !*payload) return 0;
    check_payload(**payload);
  }
}
