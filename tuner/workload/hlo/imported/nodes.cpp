// The list of the tables of operations.
#include <algorithm>

#include "tuner/workload/hlo/imported/node_writer.h"
#include "tuner/workload/hlo/source.h"

namespace batchtune {
namespace hlo {
namespace {

std::vector<std::span<const NodeRow>> tables() {
  return {function_rows(), arithmetic_rows(), type_rows(),     image_rows(),
          resize_rows(),   layout_rows(),     index_rows(),    reduce_rows(),
          norm_rows(),     product_rows(),    attention_rows()};
}

}  // namespace

const NodeRow* find_row(const GraphNode& node) {
  for (const auto& rows : tables())
    for (const NodeRow& row : rows)
      if (row.domain == node.domain && row.op_type == node.op_type) return &row;
  return nullptr;
}

}  // namespace hlo

std::vector<std::string> hlo_operations() {
  std::vector<std::string> names = {"Constant"};  // a value, not a computation
  for (const auto& rows : hlo::tables())
    for (const hlo::NodeRow& row : rows) names.emplace_back(row.op_type);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace batchtune
