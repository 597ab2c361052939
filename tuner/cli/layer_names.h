// Which of a model's operations a layer of a runtime's profile is. Runtimes call layers by the
// ONNX file's nodes or tensors, with endings of their own; names that several nodes were fused into
// are taken apart.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/workload/model.h"

namespace batchtune {

class LayerNames {
 public:
  // `node_operations`: names of a file's nodes to those of the model's operations, where the model
  // is from one (node_operations_of()); the nodes of an exported model begin with the operation's name.
  LayerNames(const Model& model, std::map<std::string, std::string> node_operations);

  // Of each layer the operations that it computes, in the model's order; none where its name says
  // nothing. What is fused counts as the operation that it is computed with. A product that lost
  // its name (OpenVINO gives it a new one when it folds a batch norm) is the one product before the
  // operations that it was fused with, where no other layer is that product.
  std::vector<std::vector<OpIndex>> operations_of(const std::vector<LayerTime>& layers) const;

 private:
  std::vector<OpIndex> named(std::string_view layer) const;
  OpIndex find(std::string name) const;
  OpIndex root_of(OpIndex op) const;
  bool is_product(OpIndex op) const;
  std::vector<OpIndex> products_before(OpIndex op) const;

  const Model& model_;
  std::map<std::string, OpIndex> known_;
};

// Of a model that was read from an ONNX file: the operation that each node's first output is. Empty
// for other models, and where the file cannot be read any more.
std::map<std::string, std::string> node_operations_of(const Model& model);

}  // namespace batchtune
