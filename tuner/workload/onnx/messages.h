// ONNX's protobuf messages (namespace ::onnx), generated from the package's onnx.proto. They know
// no opset: a file of any version is read, and fields that are newer than the package are kept as
// they are. Internal to this folder.
#pragma once

#include <onnx/onnx.pb.h>
