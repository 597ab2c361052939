// Scratch memory of the lanes: owned and accounted for by the caller, only used here.
// One workspace serves one run at a time; its contents mean nothing between calls.
#pragma once

#include <cstddef>

namespace batchtune::kernels {

struct Workspace {
  std::byte* base = nullptr;  // aligned to 64 bytes; lanes x lane_bytes bytes
  std::size_t lane_bytes =
      0;  // a multiple of 64, at least what the operation's *_workspace_bytes says

  std::byte* lane(int index) const { return base + static_cast<std::size_t>(index) * lane_bytes; }
};

}  // namespace batchtune::kernels
