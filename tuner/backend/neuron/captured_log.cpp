#include "tuner/backend/neuron/captured_log.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "tuner/backend/command/printed_lines.h"
#include "tuner/backend/neuron/endings.h"

namespace batchtune::neuron {
namespace {

constexpr int kStreams[] = {STDOUT_FILENO, STDERR_FILENO};

}  // namespace

CapturedLog::CapturedLog() {
  std::fflush(nullptr);
  file_ = memfd_create("nrt_log", MFD_CLOEXEC);
  if (file_ < 0) return;
  for (std::size_t i = 0; i < std::size(kStreams); ++i) {
    saved_[i] = dup(kStreams[i]);
    if (saved_[i] >= 0) dup2(file_, kStreams[i]);
  }
}

CapturedLog::~CapturedLog() {
  if (file_ < 0) return;
  std::fflush(nullptr);
  for (std::size_t i = 0; i < std::size(kStreams); ++i) {
    if (saved_[i] < 0) continue;
    dup2(saved_[i], kStreams[i]);
    close(saved_[i]);
  }
  const std::string log = text();
  for (std::size_t done = 0; done < log.size();) {
    const ssize_t count = write(STDERR_FILENO, log.data() + done, log.size() - done);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  close(file_);
}

std::string CapturedLog::text() const {
  std::fflush(nullptr);
  std::string text;
  std::array<char, 4096> part;
  for (off_t at = 0; file_ >= 0;) {
    const ssize_t count = pread(file_, part.data(), part.size(), at);
    if (count <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(count));
    at += count;
  }
  return text;
}

std::string CapturedLog::telling_line() const {
  command::PrintedLines lines(log_rules());
  lines.add(text());
  lines.finish();
  if (!lines.telling_line().empty()) return lines.telling_line();
  return lines.last().empty() ? "" : lines.last().back();
}

}  // namespace batchtune::neuron
