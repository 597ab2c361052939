// Windows of convolutions and pools as ONNX's attributes describe them. Internal to this folder.
#pragma once

#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {

// One for each spatial axis of the node's first input [batch, channels, spatial ..].
struct Windows {
  std::vector<WindowAxis> axes;
  Numbers pad_end;  // as it is asked for; `high` has what positions that are rounded up need more
};

// `kernel`: sizes of the window. Padding that auto_pad asks for is worked out, and the end's is
// such that there are as many positions as the output has.
tl::expected<Windows, std::string> windows_of(NodeWriter& n, const Numbers& kernel);

// Entries of a list attribute with one for each of `count` axes; all `otherwise` where it is
// absent.
tl::expected<Numbers, std::string> per_axis(const NodeWriter& n, const std::string& name,
                                            std::size_t count, std::int64_t otherwise);

// With batch and channels, of which a window has one each.
std::vector<WindowAxis> with_channels(const std::vector<WindowAxis>& axes);

}  // namespace batchtune::hlo
