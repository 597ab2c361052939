// What libnrt writes to this process's stderr and stdout while the object lives: the runtime gives
// one code for every resource, and only its log says which. Written to stderr again afterwards. One
// at a time; not for timed calls.
#pragma once

#include <string>

namespace batchtune::neuron {

class CapturedLog {
 public:
  CapturedLog();
  ~CapturedLog();
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  std::string text() const;  // so far; "" where nothing could be captured
  std::string telling_line()
      const;  // the line that says most: of a failed allocation, else the last; printable

 private:
  int file_ = -1;
  int saved_[2] = {-1, -1};
};

}  // namespace batchtune::neuron
