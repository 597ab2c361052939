// Windows of convolutions and pools as ONNX's attributes describe them.
#pragma once

#include "kernels/tensor/images.h"
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {

// `kernel`: the sizes of the window, one for each spatial axis. Padding that auto_pad asks for is
// worked out from the shapes. An error where the image has none or too many spatial axes, or lists
// are of another length.
tl::expected<kt::Window, std::string> window_of(const CallNode& node, const Shape& kernel);

// Sizes of a convolution's window: those of its weights, behind channels.
Shape kernel_of_weights(const CallNode& node, std::size_t weights = 1);

}  // namespace batchtune::imported
