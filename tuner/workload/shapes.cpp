// Checks a model and infers its shapes. A model that passed has only bounded sizes (kMaxElements),
// so that counting and planning cannot overflow per sample.
#include <unordered_map>

#include "tuner/workload/model.h"
#include "tuner/workload/op_shapes.h"
#include "tuner/workload/opaque.h"

namespace batchtune {
namespace {

constexpr std::size_t kMaxNameLength = 200;  // names are printed in tables and errors

Status check_name(const std::string& name, const std::string& where) {
  bool printable = !name.empty() && name.size() <= kMaxNameLength;
  for (const char c : name) printable = printable && static_cast<unsigned char>(c) >= 0x20;
  if (printable) return {};
  return bad_input("a printable name of 1 to " + std::to_string(kMaxNameLength) + " bytes",
                   std::to_string(name.size()) + " bytes", where);
}

Status check_empty(const Model& model, const std::string& prefix) {
  if (model.ops.empty() && model.output.empty()) return {};
  return bad_input("no operations and no output: only its runtime can read a file of the format " +
                       model.file->format,
                   std::to_string(model.ops.size()) + " operations, output \"" + model.output + "\"",
                   prefix + "$.ops");
}

}  // namespace

Status infer_shapes(Model& model, std::string_view where_prefix) {
  const std::string prefix(where_prefix);
  BT_TRY_VOID(check_name(model.name, prefix + "$.name"));
  if (is_opaque(model)) return check_empty(model, prefix);
  if (model.ops.empty() || model.ops.size() > kMaxOps)
    return bad_input("1 to " + std::to_string(kMaxOps) + " operations",
                     std::to_string(model.ops.size()), prefix + "$.ops");
  std::unordered_map<std::string_view, OpIndex> earlier;
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    Op& op = model.ops[i];
    const std::string where = prefix + "$.ops[" + std::to_string(i) + "]";
    BT_TRY_VOID(check_name(op.name, where + ".name"));
    if (earlier.count(op.name) != 0)
      return bad_input("a name used once", "\"" + op.name + "\" again", where + ".name");
    BT_TRY_VOID(OpShapes(model, earlier, op, where).infer());
    earlier.emplace(op.name, static_cast<OpIndex>(i));
  }
  if (earlier.count(model.output) == 0)
    return bad_input("the name of an operation", "\"" + model.output + "\"", prefix + "$.output");
  return {};
}

}  // namespace batchtune
