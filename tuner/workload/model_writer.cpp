// Writes model files and names graphs by their hash. Fields at their defaults are left out.
#include <nlohmann/json.hpp>

#include "tuner/core/hash.h"
#include "tuner/workload/model_fields.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/opaque.h"

namespace batchtune {
namespace {

using nlohmann::ordered_json;

template <typename Enum>
std::string_view name_in(std::span<const EnumName<Enum>> names, Enum value) {
  for (const auto& [name, each] : names)
    if (each == value) return name;
  return "";
}

// JSON of one field's value.
struct FieldWriter {
  Op& op;

  ordered_json operator()(WindowField field) const {
    ordered_json values = ordered_json::array();
    for (const std::int64_t* value : field.at(op)) values.push_back(*value);
    return values;
  }
  ordered_json operator()(InputKindField field) const {
    return name_in(input_kind_names(), field.at(op));
  }
  ordered_json operator()(ActivationField field) const {
    return name_in(activation_names(), field.at(op));
  }
  ordered_json operator()(LayoutField field) const { return name_in(layout_names(), field.at(op)); }
  template <typename Field>
  ordered_json operator()(Field field) const {
    return field.at(op);
  }
};

// A shape that follows from the inputs is left out.
bool is_inferred(const OpField& field, const Op& op) {
  return field.key == std::string_view("shape") && op.kind != OpKind::input &&
         op.kind != OpKind::reshape && op.kind != OpKind::foreign;
}

ordered_json json_of(Op op) {
  Op defaults;
  defaults.kind = op.kind;
  ordered_json out = {{"name", op.name}, {"op", name_of(op.kind)}};
  for (const OpField& field : op_fields()) {
    if (!field.allowed_in(op.kind) || is_inferred(field, op)) continue;
    ordered_json value = std::visit(FieldWriter{op}, field.value);
    if (field.required || value != std::visit(FieldWriter{defaults}, field.value))
      out[field.key] = std::move(value);
  }
  return out;
}

ordered_json json_of(const std::vector<Op>& ops) {
  ordered_json out = ordered_json::array();
  for (const Op& op : ops) out.push_back(json_of(op));
  return out;
}

// Strings are UTF-8 already (files) or ASCII (the zoo); anything else must not throw.
std::string dumped(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string write_model(const Model& model) {
  ordered_json out = {
      {"schema_version", 1}, {"name", model.name}, {"description", model.description}};
  if (!model.dims.empty()) out["dims"] = model.dims;
  if (model.file)
    out["file"] = {{"format", model.file->format},
                   {"path", model.file->path},
                   {"digest", model.file->digest},
                   {"batch_dim", model.file->batch_dim}};
  if (model.unbuilt_parameters != 0) out["unbuilt_parameters"] = model.unbuilt_parameters;
  out["ops"] = json_of(model.ops);
  out["output"] = model.output;
  return dumped(out);
}

std::string model_hash(const Model& model) {
  std::string file = model.file ? model.file->digest : "";
  if (is_opaque(model)) {  // of others the operations' shapes have them
    for (const auto& [name, size] : model.dims) file += "," + name + "=" + std::to_string(size);
    file += "," + model.file->batch_dim;
  }
  return hex64(fnv1a(dumped(json_of(model.ops)) + model.output + file));
}

}  // namespace batchtune
