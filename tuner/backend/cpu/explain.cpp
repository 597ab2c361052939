#include "tuner/backend/cpu/explain.h"

#include <map>

#include "tuner/backend/imported/lowered.h"

namespace batchtune::cpu {
namespace {

bool computes(const Op& op) {
  return op.kind != OpKind::input && op.kind != OpKind::reshape && op.kind != OpKind::foreign;
}

void append(std::string& text, int count, const std::string& what) {
  text += (text.empty() ? "" : ", ") + std::to_string(count) + " x " + what;
}

std::string counted(const imported::LoweredModel& model) {
  std::map<std::string, int> native, calls;
  for (const Op& op : model.native.ops)
    if (computes(op)) ++native[std::string(name_of(op.kind))];
  for (const imported::NodeCall& call : model.calls) ++calls[call.operation];
  std::string own, others;
  for (const auto& [kind, count] : native) append(own, count, kind);
  for (const auto& [operation, count] : calls) append(others, count, operation);
  if (!others.empty())
    own += (own.empty() ? "" : "; ") + std::string("through kernels/tensor ") + others;
  return own;
}

}  // namespace

std::string explain(const Model& model, GraphReader read) {
  constexpr char kNot[] = "does not run on cpu: ";
  auto graph = read(model);
  if (!graph) return kNot + to_string(graph.error());
  const auto lowered = imported::lower_imported(std::move(*graph), model);
  if (!lowered) return kNot + lowered.error().reason;
  return "runs on cpu as " + counted(*lowered);
}

}  // namespace batchtune::cpu
