// From the graph, after its passes, to operations and calls. Internal to this folder.
#pragma once

#include <map>
#include <string>

#include "tuner/backend/imported/builder.h"

namespace batchtune::imported {

// A node that cannot be computed.
struct Refused {
  std::string operation, node, why;
};

// Every node in its order: as a view, as native operations, as a call in the order in which its
// images lie, or as a call in the file's order. Nodes behind a refused one are left out silently.
std::vector<Refused> add_nodes(Builder& builder, const LoweringOptions& options);

}  // namespace batchtune::imported
