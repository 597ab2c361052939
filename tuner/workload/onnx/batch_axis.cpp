#include "tuner/workload/onnx/batch_axis.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_set>

#include "tuner/core/suggest.h"

namespace batchtune::onnx_file {
namespace {

constexpr std::int64_t kMostOfDimension = std::int64_t{1} << 31;

using Dimension = ::onnx::TensorShapeProto::Dimension;

const ::onnx::TensorShapeProto* declared_shape(const ::onnx::ValueInfoProto& info) {
  if (!info.has_type() || !info.type().has_tensor_type()) return nullptr;
  const auto& tensor = info.type().tensor_type();
  return tensor.has_shape() ? &tensor.shape() : nullptr;
}

bool is_symbolic(const Dimension& dimension) {
  return !dimension.has_dim_value() || dimension.dim_value() < 0;
}

// A dimension without a name is called by its place.
std::string name_of_dimension(const ::onnx::ValueInfoProto& info, int axis) {
  const Dimension& dimension = declared_shape(info)->dim(axis);
  if (dimension.has_dim_param() && !dimension.dim_param().empty()) return dimension.dim_param();
  return info.name() + "." + std::to_string(axis);
}

bool has_name(const Dimension& dimension) {
  return dimension.has_dim_param() && !dimension.dim_param().empty();
}

bool sounds_like_batch(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.find("batch") != std::string::npos || name == "n" || name == "bs" || name == "b";
}

template <typename Names>
std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// The symbolic dimensions of a graph's inputs.
struct Symbols {
  std::set<std::string> all;
  std::set<std::string> leading;           // named ones that come first
  std::vector<std::string> unnamed_first;  // "x.0"
  bool has_leading_one = false;
};

Result<Symbols> symbols_of(const ::onnx::GraphProto& graph, const std::string& file) {
  Symbols symbols;
  for (const ::onnx::ValueInfoProto* input : inputs_of(graph)) {
    const auto* shape = declared_shape(*input);
    if (!shape)
      return bad_input("an input that is a tensor with a shape", "another kind, or none",
                       file + ", input \"" + input->name() + "\"");
    for (int i = 0; i < shape->dim_size(); ++i) {
      const Dimension& dimension = shape->dim(i);
      if (i == 0 && !is_symbolic(dimension) && dimension.dim_value() == 1)
        symbols.has_leading_one = true;
      if (!is_symbolic(dimension)) continue;
      const std::string name = name_of_dimension(*input, i);
      symbols.all.insert(name);
      if (i != 0) continue;
      if (has_name(dimension))
        symbols.leading.insert(name);
      else
        symbols.unnamed_first.push_back(name);
    }
  }
  return symbols;
}

// The one of `names` that is called a batch; "" if none or several are.
std::string batch_among(const std::set<std::string>& names) {
  std::string found;
  for (const std::string& name : names) {
    if (!sounds_like_batch(name)) continue;
    if (!found.empty()) return "";
    found = name;
  }
  return found;
}

Result<std::vector<std::string>> batch_names(const Symbols& symbols, const OnnxOptions& options,
                                             const std::string& file) {
  if (!options.batch_dim.empty()) {
    if (symbols.all.count(options.batch_dim) == 0)
      return bad_input("the name of a symbolic dimension: " +
                           (symbols.all.empty() ? "this model has none" : joined(symbols.all)),
                       "\"" + options.batch_dim + "\"", file + ", batch");
    return std::vector<std::string>{options.batch_dim};
  }
  std::set<std::string> leading;
  for (const std::string& name : symbols.leading)
    if (options.dims.count(name) == 0) leading.insert(name);
  std::string chosen = leading.size() == 1 ? *leading.begin() : batch_among(leading);
  if (leading.size() > 1 && chosen.empty())
    return bad_input("one symbolic dimension that is the batch", joined(leading), file,
                     "Say which: MODEL@batch=" + *leading.begin());
  std::vector<std::string> names = symbols.unnamed_first;
  if (chosen.empty() && names.empty()) chosen = batch_among(symbols.all);
  if (!chosen.empty()) names.push_back(chosen);
  if (names.empty() && !symbols.has_leading_one)
    return bad_input("an input whose first dimension is symbolic, or 1", "none", file,
                     "Export the model with a batch of 1 or with a dynamic batch axis");
  return names;
}

Status check_given(const Symbols& symbols, const OnnxOptions& options, const std::string& file) {
  const std::vector<std::string_view> known(symbols.all.begin(), symbols.all.end());
  for (const auto& [name, size] : options.dims) {
    if (symbols.all.count(name) == 0)
      return bad_input("a symbolic dimension of the model", "\"" + name + "\"", file,
                       known.empty() ? "This model has none" : suggest(name, known));
    if (size < 1 || size >= kMostOfDimension)
      return bad_input(name + ": a size from 1 to 2^31 - 1", std::to_string(size), file);
  }
  return {};
}

}  // namespace

std::vector<const ::onnx::ValueInfoProto*> inputs_of(const ::onnx::GraphProto& graph) {
  std::unordered_set<std::string> given;
  for (const auto& tensor : graph.initializer()) given.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) given.insert(tensor.values().name());
  std::vector<const ::onnx::ValueInfoProto*> inputs;
  for (const auto& input : graph.input())
    if (given.count(input.name()) == 0) inputs.push_back(&input);
  return inputs;
}

Result<BatchAxis> find_batch(const ::onnx::GraphProto& graph, const OnnxOptions& options,
                             const std::string& file) {
  BT_TRY(symbols, symbols_of(graph, file));
  BT_TRY_VOID(check_given(symbols, options, file));
  BT_TRY(names, batch_names(symbols, options, file));
  BatchAxis axis{names, options.dims};
  std::set<std::string> missing = symbols.all;
  for (const std::string& name : axis.names) {
    missing.erase(name);
    if (axis.dims.count(name) != 0)
      return bad_input("sizes of dimensions other than the batch, which is searched",
                       name + "=" + std::to_string(axis.dims.at(name)), file);
  }
  for (const auto& [name, size] : options.dims) missing.erase(name);
  if (!missing.empty()) {
    std::string example;
    for (const std::string& name : missing)
      example += (example.empty() ? "@" : ",") + name + "=128";
    return bad_input("a size for each symbolic dimension but the batch",
                     "none for " + joined(missing), file,
                     "Give it with the model's name: " + file + example);
  }
  return axis;
}

Facts declared_facts(const ::onnx::ValueInfoProto& info, const BatchAxis& axis, std::int64_t batch,
                     bool is_batched) {
  Facts facts;
  if (!info.has_type() || !info.type().has_tensor_type()) return facts;
  facts.type = info.type().tensor_type().elem_type();
  const auto* declared = declared_shape(info);
  if (!declared) return facts;
  Shape shape;
  for (int i = 0; i < declared->dim_size(); ++i) {
    const Dimension& dimension = declared->dim(i);
    const std::string name = name_of_dimension(info, i);
    if (!is_symbolic(dimension)) {
      const bool stands = axis.is_fixed() && is_batched && i == 0 && dimension.dim_value() == 1;
      shape.push_back(stands ? batch : dimension.dim_value());
    } else if (std::find(axis.names.begin(), axis.names.end(), name) != axis.names.end()) {
      shape.push_back(batch);
    } else if (const auto size = axis.dims.find(name); size != axis.dims.end()) {
      shape.push_back(size->second);
    } else {
      return facts;
    }
  }
  facts.shape = std::move(shape);
  return facts;
}

}  // namespace batchtune::onnx_file
