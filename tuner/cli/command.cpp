#include "tuner/cli/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace batchtune {

int exit_code(const Error& error) {
  return error.kind == ErrorKind::bad_input ? kUsage : kEnvironment;
}

Status print_result(const std::string& text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
                     (text.ends_with('\n') || std::fputc('\n', stdout) != EOF) &&
                     std::fflush(stdout) == 0;
  // A reader that has seen enough (head) is no failure.
  if (!whole && errno != EPIPE)
    return environment_error("to write the result", std::strerror(errno), "stdout");
  return {};
}

std::string words_of(const Ending& ending) {
  return ending.reason + (ending.evidence.empty() ? "" : " (" + ending.evidence + ")");
}

void say(const std::string& text) {
  std::fprintf(stderr, "batchtune: %s\n", text.c_str());
}

}  // namespace batchtune
