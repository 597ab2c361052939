// Memory for the probes: address space reserved in one piece, on huge pages where the system gives
// them, filled with ordinary bytes (never the shared zero page) as far as it has been touched.
#pragma once

#include <cstddef>

namespace batchtune::probe {

class TouchedMemory {
 public:
  TouchedMemory() = default;
  ~TouchedMemory();
  TouchedMemory(const TouchedMemory&) = delete;
  TouchedMemory& operator=(const TouchedMemory&) = delete;

  // Once. Takes address space only; on failure data() stays null.
  void reserve(std::size_t bytes);

  // Fills up to `bytes` (at most what was reserved). Called by the thread that will read: the pages
  // go to its memory node.
  void touch(std::size_t bytes);

  const void* data() const { return data_; }  // aligned to 2 MiB
  std::size_t touched() const { return touched_; }

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  char* data_ = nullptr;
  std::size_t reserved_ = 0, touched_ = 0;
};

}  // namespace batchtune::probe
