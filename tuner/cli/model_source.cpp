#include "tuner/cli/model_source.h"

#include <charconv>

#include "tuner/backend/backend_list.h"
#include "tuner/backend/command/options.h"
#include "tuner/cli/command.h"
#include "tuner/cli/defaults.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/model_path.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/opaque.h"
#include "tuner/workload/zoo.h"

namespace batchtune {
namespace {

constexpr std::string_view kCommand = "command";

// "" for a name of the zoo.
std::string_view ending_of(std::string_view name_or_path) {
  if (is_onnx_path(name_or_path)) return ".onnx";
  for (const OpaqueFormat& format : opaque_formats())
    if (is_path_with_ending(name_or_path, format.ending)) return format.ending;
  return "";
}

Status add_dim(const std::string& text, const std::string& where, ModelPath& model) {
  const std::size_t equals = text.rfind('=');
  const std::string name = text.substr(0, equals);
  std::int64_t size = 0;
  const char* const begin = text.data() + (equals == std::string::npos ? text.size() : equals + 1);
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(begin, end, size);
  if (name.empty() || begin == end || error != std::errc{} || rest != end)
    return bad_input("NAME=SIZE of a dimension", "'" + text + "'", where);
  const auto [known, added] = model.dims.emplace(name, size);
  if (added || known->second == size) return {};
  return bad_input("one size of the dimension " + name,
                   std::to_string(known->second) + " and " + std::to_string(size), where,
                   "Give it in one place");
}

std::string text_of(const ModelPath& model) {
  std::string text = model.path;
  char separator = '@';
  const auto add = [&](const std::string& name, const std::string& value) {
    text += separator + name + "=" + value;
    separator = ',';
  };
  for (const auto& [name, size] : model.dims) add(name, std::to_string(size));
  if (!model.batch_dim.empty()) add("batch", model.batch_dim);
  return text;
}

// What the one backend runs, where that is a command; "" where it is not, or there are others.
std::string command_of(const TuningRequest& request) {
  const std::vector<std::string> specs = backends_of(request);
  const auto [name, parameters] = split_backend_spec(specs.front());
  if (specs.size() != 1 || name != kCommand || parameters.empty()) return "";
  const auto settings = command::parse_settings(parameters);
  return settings ? settings->command : "";
}

Model named_model(const std::string& name, const std::string& command) {
  Model model = command_model(name, command);
  if (auto split = split_model_path(name, "")) model.dims = std::move(split->dims);
  return model;
}

}  // namespace

void add_model_options(Arguments& arguments, ModelOptions& options) {
  arguments.repeated("--dim", options.dims,
                     "NAME=SIZE of a free dimension of MODEL, as MODEL@NAME=SIZE; may be repeated");
  arguments.value("--batch-axis", options.batch_axis,
                  "NAME of the dimension that is the batch, where a file leaves that open, as "
                  "MODEL@batch=NAME");
}

Result<std::string> with_model_options(const std::string& name_or_path, const ModelOptions& options,
                                       const std::string& where) {
  if (!options.given()) return name_or_path;
  if (name_or_path.ends_with(".json"))
    return bad_input("dims in one place", "dims beside " + name_or_path, where,
                     "A .json file has its dims in it");
  const std::string_view ending = ending_of(name_or_path);
  BT_TRY(model, split_model_path(name_or_path, ending));
  for (const std::string& text : options.dims) BT_TRY_VOID(add_dim(text, where, model));
  if (options.batch_axis.empty()) return text_of(model);
  if (ending.empty())
    return bad_input("a file that leaves its batch open", name_or_path, "--batch-axis",
                     "Leave it out: the batch of other models is known");
  if (!model.batch_dim.empty() && model.batch_dim != options.batch_axis)
    return bad_input("one dimension that is the batch",
                     model.batch_dim + " and " + options.batch_axis, "--batch-axis",
                     "Give it in one place");
  model.batch_dim = options.batch_axis;
  return text_of(model);
}

Result<Model> load_measured_model(const std::string& name_or_path, const TuningRequest& request,
                                  bool quiet) {
  const std::string command = command_of(request);
  const bool is_known_file =
      !ending_of(name_or_path).empty() || name_or_path.ends_with(".json");
  if (command.empty() || is_known_file || find_zoo_entry(name_or_path) != nullptr)
    return load_model(name_or_path);
  Model model = named_model(name_or_path, command);
  BT_TRY_VOID(infer_shapes(model, "MODEL, "));
  if (!quiet)
    say("'" + name_or_path + "' is no model of the zoo, but a name for what --command runs: "
        "nothing is estimated");
  return model;
}

Status check_operations_known(const Model& model, const std::string& what) {
  if (!is_opaque(model)) return {};
  return bad_input("a model whose operations can be read, to " + what,
                   model.name + ": " + model.description, "MODEL",
                   "Give the .onnx file that it was made from; batchtune tune measures it as it is");
}

Status check_readers(const Model& model, const TuningRequest& request) {
  const OpaqueFormat* const format = format_of(model);
  if (format == nullptr) return {};
  for (const std::string& spec : backends_of(request)) {
    const std::string name = split_backend_spec(spec).name;
    const BackendEntry* const entry = find_backend(name);
    if (name == format->backend || name == kCommand || (entry != nullptr && entry->simulated))
      continue;
    return bad_input("the backend that reads " + std::string(format->title) + ": " +
                         std::string(format->backend),
                     name, "--backend");
  }
  return {};
}

}  // namespace batchtune
