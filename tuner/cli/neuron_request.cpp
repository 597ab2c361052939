#include "tuner/cli/neuron_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <tuple>

#include "tuner/backend/backend_list.h"
#include "tuner/backend/neuron/options.h"
#include "tuner/backend/simulated/simulated.h"

namespace batchtune {
namespace {

constexpr std::int64_t kMostNeuronCores = 1024;
constexpr char kCompilerArgs[] = "--compiler-args";

bool is_neuron_spec(const std::string& spec) {
  return split_backend_spec(spec).name == neuron::kName;
}

bool is_simulated_accelerator(const std::string& spec) {
  const auto [name, parameters] = split_backend_spec(spec);
  const BackendEntry* const entry = find_backend(name);
  return entry != nullptr && entry->simulated && names_accelerator(parameters);
}

// nullopt: it is not among the backends.
std::string* neuron_spec(std::vector<std::string>& specs) {
  const auto found = std::find_if(specs.begin(), specs.end(), is_neuron_spec);
  return found == specs.end() ? nullptr : &*found;
}

tl::unexpected<Error> without_neuron(const char* option) {
  return bad_input("the backend that it is meant for", "none among those asked for", option,
                   "Give --backend neuron with it");
}

Result<std::vector<int>> parse_counts(const std::string& text, const char* option) {
  std::vector<int> counts;
  if (text.empty()) return counts;
  BT_TRY(numbers, parse_batches(text, option));
  if (numbers.back() > kMostNeuronCores)
    return bad_input(fmt::format("numbers from 1 to {}", kMostNeuronCores), text, option);
  for (const std::int64_t number : numbers) counts.push_back(static_cast<int>(number));
  return counts;
}

// "bf16:--auto-cast all"; without a name where the text begins with an option.
CompilerVariant parse_variant(const std::string& text) {
  const auto is_of_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
  };
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const bool named = colon != std::string::npos && !name.empty() && name[0] != '-' &&
                     std::all_of(name.begin(), name.end(), is_of_name);
  return named ? CompilerVariant{name, text.substr(colon + 1)} : CompilerVariant{"", text};
}

Status parse_variants(const TuningOptions& options, TuningRequest& request) {
  for (const std::string& text : options.compiler_args) {
    CompilerVariant variant = parse_variant(text);
    if (variant.name.empty() && options.compiler_args.size() > 1)
      return bad_input("a name before each where there are several: 'bf16:--auto-cast all'",
                       "'" + text + "'", kCompilerArgs);
    for (const CompilerVariant& other : request.variants)
      if (other.name == variant.name)
        return bad_input("each name once", "'" + variant.name + "' twice", kCompilerArgs);
    request.variants.push_back(std::move(variant));
  }
  if (!request.variants.empty() && !options.neff.empty())
    return bad_input("NEFFs, or arguments of the compiler that makes them", "both", kCompilerArgs);
  return {};
}

// One without a name is said to the backend, as it always was.
Status add_parameters(const TuningOptions& options, TuningRequest& request) {
  const bool is_asked_for = !options.neff.empty() || !options.compiler_args.empty();
  if (is_asked_for && request.backends.empty()) request.backends.emplace_back(neuron::kName);
  std::string* const spec = neuron_spec(request.backends);
  const bool has_cores = spec != nullptr || std::any_of(request.backends.begin(), request.backends.end(),
                                                        is_simulated_accelerator);
  const std::tuple<const char*, bool, bool> given[] = {
      {"--neff", !options.neff.empty(), spec != nullptr},
      {kCompilerArgs, !options.compiler_args.empty(), spec != nullptr},
      {"--cores", !options.cores.empty(), has_cores},
      {"--in-flight", !options.in_flight.empty(), has_cores}};
  for (const auto& [option, is_given, has_use] : given)
    if (is_given && !has_use) return without_neuron(option);
  if (spec == nullptr) return {};
  if (!options.neff.empty()) *spec = with_parameter(*spec, "neff", options.neff);
  if (request.variants.size() == 1 && request.variants.front().name.empty()) {
    *spec = with_parameter(*spec, "arguments", request.variants.front().arguments);
    request.variants.clear();
  }
  if (!request.cores.empty() && request.cores.back() > 1)
    *spec = with_parameter(*spec, "take", std::to_string(request.cores.back()));
  BT_TRY_VOID(neuron::parse_settings(split_backend_spec(*spec).parameters));
  return {};
}

bool was_typed(const TuningRequest& request, const char* name) {
  return std::any_of(request.given.begin(), request.given.end(),
                     [&](const Setting& setting) { return setting.name == name; });
}

// Executions in flight on all of so many cores.
std::vector<int> instances_on(int cores, const TuningRequest& request) {
  std::vector<int> instances;
  for (const int each : request.in_flight) instances.push_back(cores * each);
  if (!request.in_flight.empty()) return instances;
  if (!was_typed(request, "instances") || request.auto_instances) return {cores};
  for (const int all : request.instances)
    if (all % cores == 0) instances.push_back(all);
  return instances;
}

}  // namespace

void add_neuron_options(Arguments& arguments, TuningOptions& options) {
  arguments.value(
      "--neff", options.neff,
      "for --backend neuron: NEFFs of yours, a file for each batch size: model_b{batch}.neff");
  arguments.repeated("--compiler-args", options.compiler_args,
                     "for --backend neuron: given to neuronx-cc too, such as '--auto-cast all'; with a "
                     "name ('bf16:--auto-cast all', 'base:') it may be repeated: each is tried");
  arguments.value("--cores", options.cores,
                  "for neuron and simulated accelerators: cores that each have the whole model, side by side, "
                  "or a list: 1,2,4 (default 1)");
  arguments.value("--in-flight", options.in_flight,
                  "likewise: executions under way on each core, or a list: 1,2 (default "
                  "1); --instances counts those of all cores");
}

Status parse_neuron_options(const TuningOptions& options, TuningRequest& request) {
  BT_TRY(cores, parse_counts(options.cores, "--cores"));
  BT_TRY(in_flight, parse_counts(options.in_flight, "--in-flight"));
  request.cores = std::move(cores);
  request.in_flight = std::move(in_flight);
  if (!request.in_flight.empty() && !options.instances.empty() && request.backends.size() == 1)
    return bad_input("--in-flight (on each core) or --instances (on all)", "both", "--in-flight");
  BT_TRY_VOID(parse_variants(options, request));
  return add_parameters(options, request);
}

std::vector<Split> neuron_splits(const TuningRequest& request) {
  std::vector<Split> splits;
  for (const int cores : request.cores.empty() ? std::vector{1} : request.cores)
    for (const int instances : instances_on(cores, request)) splits.push_back({instances, 1, cores});
  return splits;
}

std::vector<CompilerVariant> variants_of(const TuningRequest& request, const std::string& backend) {
  if (backend == neuron::kName && !request.variants.empty()) return request.variants;
  return {CompilerVariant{}};
}

}  // namespace batchtune
