#include "tuner/backend/runtime/endings.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace batchtune::runtime {
namespace {

// In lower case, as ONNX Runtime's arena, OpenVINO, oneDNN and its assembler below it, and the C++
// library say it.
constexpr std::string_view kNoMemory[] = {"failed to allocate memory",
                                          "bad_alloc",
                                          "bad alloc",
                                          "out of memory",
                                          "cannot allocate",
                                          "could not allocate",
                                          "can't alloc",
                                          "unable to allocate",
                                          "failed to allocate",
                                          "not enough memory",
                                          "memory allocation failed"};

bool says_no_memory(std::string message) {
  std::transform(message.begin(), message.end(), message.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(std::begin(kNoMemory), std::end(kNoMemory), [&](std::string_view words) {
    return message.find(words) != std::string::npos;
  });
}

// Messages of several lines are stack traces and sources; a report has one line.
std::string on_one_line(std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  while (!message.empty() && message.back() == ' ') message.pop_back();
  return message;
}

}  // namespace

Ending ending_of_message(std::string what, std::string message, Refusal refusal) {
  message = on_one_line(std::move(message));
  if (says_no_memory(message))
    return {TrialStatus::out_of_memory, std::move(what), "runtime: " + message, "host"};
  const TrialStatus status =
      refusal == Refusal::cannot ? TrialStatus::unsupported : TrialStatus::failed;
  return {status, std::move(what), "runtime: " + message, ""};
}

Ending no_memory(std::string what) {
  return ending_of_message(std::move(what), "std::bad_alloc");
}

Ending unsupported(std::string reason) {
  return {TrialStatus::unsupported, std::move(reason), "", ""};
}

Outcome<void> check_candidate(const Candidate& candidate, const CandidateGroup& loaded) {
  if (candidate.group != loaded)
    return tl::unexpected(unsupported("the model was loaded for " + to_string(loaded) +
                                      ", not for " + to_string(candidate.group)));
  if (candidate.batch < 1)
    return tl::unexpected(unsupported("batch " + std::to_string(candidate.batch) + " is below 1"));
  return {};
}

}  // namespace batchtune::runtime
