#include "tuner/workload/exported.h"

namespace batchtune {

Status check_exportable(const Model& model, std::string_view todo) {
  for (std::size_t i = 0; i < model.ops.size(); ++i)
    if (model.ops[i].kind == OpKind::foreign)
      return bad_input(
          "operations that batchtune can write",
          model.ops[i].operation + ", of the file that the model was read from",
          model.name + ", $.ops[" + std::to_string(i) + "] \"" + model.ops[i].name + "\"",
          std::string(todo));
  return {};
}

std::vector<OpIndex> results_of(const Model& model) {
  std::vector<bool> read(model.ops.size(), false);
  for (const Op& op : model.ops)
    for (const OpIndex each : reads_of(model, op)) read[static_cast<std::size_t>(each)] = true;
  const OpIndex output = find_op(model, model.output);
  std::vector<OpIndex> results = {output};
  for (std::size_t i = 0; i < model.ops.size(); ++i)
    if (!read[i] && static_cast<OpIndex>(i) != output && model.ops[i].kind != OpKind::input)
      results.push_back(static_cast<OpIndex>(i));
  return results;
}

}  // namespace batchtune
