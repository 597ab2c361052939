// The table of ONNX operations that are read: for importing and for `list ops`. Internal to this
// folder.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {

// What a node is to the counts beyond its FLOP.
enum class Role {
  arithmetic,
  product,  // matrix work: multiply-adds
  moves,    // reads as much as it writes, whatever its inputs are
  view,     // moves nothing: the same elements under another shape
};

struct Operation {
  std::string_view name;
  int since;  // first opset that has it
  Role role;
  ShapeRule shape;
  WorkRule work;
};

std::span<const Operation> operations();

// nullptr for one that is not read: another domain's but for the few of com.microsoft that mean the
// same.
const Operation* find_operation(const ::onnx::NodeProto& node);

// "Conv"; with its domain where that is not ONNX's own.
std::string full_name(const ::onnx::NodeProto& node);

}  // namespace batchtune::onnx_file
