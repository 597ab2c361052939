// A digest of files' contents that reads them at the speed of memory: gigabytes of weights are
// named at every run. Not for security.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tuner/core/error.h"

namespace batchtune {

class Digest {
 public:
  Status add_file(const std::string& path);
  std::string text() const;  // 16 hex digits

 private:
  void add(std::string_view bytes);

  std::uint64_t state_ = 0;
};

}  // namespace batchtune
