// Reads model files. Every error names the place: line and column for broken JSON, the JSON path
// else.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "tuner/workload/model_fields.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/opaque.h"

namespace batchtune {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxFileBytes = 16U << 20;  // 10,000 operations need about 3 MiB
constexpr std::int64_t kSchemaVersion = 1;
constexpr std::size_t kMaxShown = 60;  // bytes of a wrong value in an error

std::string shown(const json& value) {
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "...";
  return text;
}

// One value with its place. Readers give an error that names it.
class Place {
 public:
  Place(const json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  tl::unexpected<Error> fail(std::string wanted) const {
    return bad_input(std::move(wanted), shown(*value_), path_);
  }
  const json& value() const { return *value_; }
  const std::string& path() const { return path_; }

  Result<std::int64_t> integer(const std::string& wanted = "an integer") const {
    const bool fits = value_->is_number_integer() &&
                      (!value_->is_number_unsigned() || value_->get<std::uint64_t>() <= INT64_MAX);
    if (!fits) return fail(wanted);
    return value_->get<std::int64_t>();
  }
  Result<std::string> text(const std::string& wanted = "a string") const {
    if (!value_->is_string()) return fail(wanted);
    return value_->get<std::string>();
  }
  Result<std::vector<Place>> array(const std::string& wanted) const {
    if (!value_->is_array()) return fail(wanted);
    std::vector<Place> places;
    for (std::size_t i = 0; i < value_->size(); ++i)
      places.emplace_back((*value_)[i], path_ + "[" + std::to_string(i) + "]");
    return places;
  }
  Result<Place> member(const std::string& key, const std::string& wanted) const {
    const auto found = value_->find(key);
    if (found == value_->end()) return bad_input(wanted, "nothing", path_ + "." + key);
    return Place(*found, path_ + "." + key);
  }

 private:
  const json* value_;
  std::string path_;
};

template <typename Enum>
Status read_name(const Place& place, std::span<const EnumName<Enum>> names, Enum& value) {
  std::string wanted;
  for (const auto& [name, each] : names) {
    if (place.value() == name) {
      value = each;
      return {};
    }
    wanted.append(wanted.empty() ? "one of " : ", ").append(name);
  }
  return place.fail(wanted);
}

// Reads the field's value at `place` into `op`.
struct FieldReader {
  const Place& place;
  Op& op;

  Status operator()(IntegerField field) const {
    BT_TRY(value, place.integer());
    field.at(op) = value;
    return {};
  }
  Status operator()(IntegersField field) const {
    BT_TRY(items, place.array("an array of integers"));
    for (const Place& item : items) {
      BT_TRY(value, item.integer());
      field.at(op).push_back(value);
    }
    return {};
  }
  Status operator()(WindowField field) const {
    const std::vector<std::int64_t*> targets = field.at(op);
    const std::string wanted = targets.size() == 2 ? "two integers, [height, width]"
                                                   : "four integers, [top, left, bottom, right]";
    BT_TRY(items, place.array(wanted));
    if (items.size() != targets.size()) return place.fail(wanted);
    for (std::size_t i = 0; i < items.size(); ++i) {
      BT_TRY(value, items[i].integer());
      *targets[i] = value;
    }
    return {};
  }
  Status operator()(NumberField field) const {
    if (!place.value().is_number()) return place.fail("a number");
    field.at(op) = place.value().get<double>();
    return {};
  }
  Status operator()(FlagField field) const {
    if (!place.value().is_boolean()) return place.fail("true or false");
    field.at(op) = place.value().get<bool>();
    return {};
  }
  Status operator()(TextField field) const {
    BT_TRY(value, place.text());
    field.at(op) = std::move(value);
    return {};
  }
  Status operator()(NamesField field) const {
    BT_TRY(items, place.array("an array of names"));
    for (const Place& item : items) {
      BT_TRY(value, item.text("the name of an operation"));
      field.at(op).push_back(std::move(value));
    }
    return {};
  }
  Status operator()(InputKindField field) const {
    return read_name(place, input_kind_names(), field.at(op));
  }
  Status operator()(ActivationField field) const {
    return read_name(place, activation_names(), field.at(op));
  }
  Status operator()(LayoutField field) const {
    return read_name(place, layout_names(), field.at(op));
  }
};

Status check_keys(const Place& place, const Op& op) {
  for (const auto& [key, value] : place.value().items()) {
    bool known = key == "name" || key == "op";
    std::string allowed = "name, op";
    for (const OpField& field : op_fields()) {
      if (!field.allowed_in(op.kind)) continue;
      known = known || key == field.key;
      allowed.append(", ").append(field.key);
    }
    if (!known)
      return bad_input("only these keys in " + std::string(name_of(op.kind)) + ": " + allowed,
                       "\"" + key + "\"", place.path());
  }
  return {};
}

Result<Op> read_op(const Place& place) {
  if (!place.value().is_object()) return place.fail("an object: one operation");
  Op op;
  BT_TRY(name, place.member("name", "the operation's name"));
  BT_TRY(name_text, name.text());
  op.name = std::move(name_text);
  BT_TRY(kind, place.member("op", "the operation's kind"));
  BT_TRY_VOID(read_name(kind, op_kind_names(), op.kind));
  BT_TRY_VOID(check_keys(place, op));
  for (const OpField& field : op_fields()) {
    if (!field.allowed_in(op.kind) || (!field.required && !place.value().contains(field.key)))
      continue;
    BT_TRY(value, place.member(field.key, "this key in " + std::string(name_of(op.kind))));
    BT_TRY_VOID(std::visit(FieldReader{value, op}, field.value));
  }
  return op;
}

Status read_dims(const Place& root, Model& model) {
  if (!root.value().contains("dims")) return {};
  BT_TRY(dims, root.member("dims", ""));
  if (!dims.value().is_object()) return dims.fail("an object of integers");
  for (const auto& [key, value] : dims.value().items()) {
    BT_TRY(size, Place(value, dims.path() + "." + key).integer());
    model.dims[key] = size;
  }
  return {};
}

// The file of an imported model.
Status read_origin(const Place& root, Model& model) {
  if (!root.value().contains("file")) return {};
  BT_TRY(place, root.member("file", ""));
  if (!place.value().is_object()) return place.fail("an object: format, path, digest, batch_dim");
  ModelFile file;
  const std::pair<const char*, std::string&> keys[] = {{"format", file.format},
                                                       {"path", file.path},
                                                       {"digest", file.digest},
                                                       {"batch_dim", file.batch_dim}};
  for (const auto& [key, target] : keys) {
    if (key == std::string_view("batch_dim") && !place.value().contains(key)) continue;
    BT_TRY(value, place.member(key, "a text"));
    BT_TRY(text, value.text());
    target = std::move(text);
  }
  const auto known = opaque_formats();
  const bool is_known = file.format == "onnx" || file.format == kCommandFormat ||
                        std::any_of(known.begin(), known.end(),
                                    [&](const auto& one) { return one.name == file.format; });
  if (!is_known) return place.fail("a file of the format onnx, ort, xml or command");
  if (place.value().size() > std::size(keys))
    return place.fail("only format, path, digest, batch_dim");
  model.file = std::move(file);
  return {};
}

Status read_head(const Place& root, Model& model) {
  if (!root.value().is_object()) return root.fail("an object: a model");
  BT_TRY(version, root.member("schema_version", "1"));
  if (version.value() != kSchemaVersion) return version.fail("1, the version this program reads");
  BT_TRY(name, root.member("name", "the model's name"));
  BT_TRY(name_text, name.text());
  model.name = std::move(name_text);
  BT_TRY(output, root.member("output", "the name of the operation that is the result"));
  BT_TRY(output_text, output.text());
  model.output = std::move(output_text);
  for (const auto& [key, value] : root.value().items()) {
    const Place place(value, root.path() + "." + key);
    if (key == "description") {
      BT_TRY(text, place.text());
      model.description = std::move(text);
    } else if (key == "unbuilt_parameters") {
      if (!value.is_number() || value.get<double>() < 0)
        return place.fail("a number of at least 0");
      model.unbuilt_parameters = value.get<double>();
    } else if (key != "schema_version" && key != "name" && key != "output" && key != "ops" &&
               key != "dims" && key != "file") {
      return bad_input(
          "only schema_version, name, description, dims, file, unbuilt_parameters, ops, output",
          "\"" + key + "\"", root.path());
    }
  }
  BT_TRY_VOID(read_origin(root, model));
  return read_dims(root, model);
}

tl::unexpected<Error> syntax_error(const json::parse_error& error, std::string_view text,
                                   std::string_view file_name) {
  const std::size_t at = std::min(error.byte == 0 ? 0 : error.byte - 1, text.size());
  std::size_t line = 1, column = 1;
  for (const char c : text.substr(0, at)) {
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  std::string what = error.what();  // "[json.exception...] parse error at line 1, column 2: ..."
  const std::size_t colon = what.find(": ");
  if (colon != std::string::npos) what = what.substr(colon + 2);
  return bad_input(
      "JSON", what,
      std::string(file_name) + ":" + std::to_string(line) + ":" + std::to_string(column));
}

Result<json> parse_json(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxFileBytes)
    return bad_input("a model of at most " + std::to_string(kMaxFileBytes >> 20) + " MiB of JSON",
                     std::to_string(text.size()) + " bytes", std::string(file_name));
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    return syntax_error(error, text, file_name);
  } catch (const json::exception& error) {  // a number beyond double
    return bad_input("JSON", error.what(), std::string(file_name));
  }
}

}  // namespace

Result<Model> parse_model(std::string_view text, std::string_view file_name) {
  const std::string prefix = std::string(file_name) + ", ";
  BT_TRY(document, parse_json(text, file_name));
  const Place root(document, prefix + "$");
  Model model;
  BT_TRY_VOID(read_head(root, model));
  BT_TRY(ops, root.member("ops", "an array of operations"));
  BT_TRY(items, ops.array("an array of operations"));
  for (const Place& item : items) {
    BT_TRY(op, read_op(item));
    model.ops.push_back(std::move(op));
  }
  BT_TRY_VOID(infer_shapes(model, prefix));
  return model;
}

Result<Model> read_model_file(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::is_regular_file(status))
    return bad_input("a model file",
                     std::filesystem::exists(status) ? "something that is no file" : "no such file",
                     path);
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1,
                   '\0');  // one byte more, so that parse_json sees it is too large
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file && !file.eof()))
    return bad_input("a readable model file", "no access", path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_model(text, path);
}

}  // namespace batchtune
