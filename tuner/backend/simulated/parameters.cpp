#include "tuner/backend/simulated/parameters.h"

#include <algorithm>
#include <string_view>

#include "tuner/backend/simulated/accelerator_file.h"
#include "tuner/backend/simulated/parameter_readers.h"

namespace batchtune::simulated {
namespace {

constexpr int kMostSpeedLevels = 16;  // the slowest is then 3.2 times as slow
constexpr int kMostCompilers = 1024;

enum class Of { all, plain };  // plain: the device that is no accelerator

struct Row {
  const char* name;
  const char* values;
  const char* meaning;
  Reader read;
  Of of = Of::all;
};

std::vector<Row> rows_of_device(Parameters& p) {
  return {{"wall", "2GiB", "memory that programs really get (16 GiB; an accelerator's own)", bytes(p.wall)},
          {"rate", "50G", "f32 FLOP/s of one thread (100 G)", rate(p.rate), Of::plain},
          {"overhead", "20us", "of launching one operation (20 us)", seconds(p.overhead), Of::plain},
          {"tile", "8", "a batch costs as much as the next multiple (4)", count(p.tile), Of::plain},
          {"hump", "8", "samples that fit its cache (any number)", count(p.hump), Of::plain},
          {"uneven", "20%", "each further instance is slower by so much (0)", fraction(p.uneven)},
          {"slow", "8@1.05", "exactly that batch takes so much longer", slow_batch(p.slow)},
          {"load", "2s", "loading a model (0.1 s; an accelerator's own)", seconds(p.load)},
          {"prepare", "0.5s", "preparing a batch, without compiling (10 ms; an accelerator's own)", seconds(p.prepare)},
          {"compile", "4m", "compiling each batch (none; an accelerator: by model and batch)", some_seconds(p.compile)},
          {"compilers", "2", "compilations at a time (1)", count_to(kMostCompilers, "compilers", p.compilers)},
          {"compiled", "1+4+8", "batches that were compiled before", counts(p.compiled)},
          {"cache", "FOLDER", "keeps what was compiled for later sessions", words(p.cache)},
          {"hang", "16, 16@3", "hangs at that batch, in its third run", trigger(p.hang)},
          {"crash", "16, 16@3", "crashes likewise", trigger(p.crash)},
          {"abort", "16, 16@3", "aborts likewise", trigger(p.abort)},
          {"exit", "16, 16@3", "exits likewise", trigger(p.exit)},
          {"wrong", "16, 16@3", "gives a wrong output likewise", trigger(p.wrong)}};
}

std::vector<Row> rows_of_noise(NoiseParameters& n) {
  return {{"jitter", "2%", "standard deviation of the log of each run", fraction(n.jitter)},
          {"wander", "5%", "the same of a slow part", fraction(n.wander)},
          {"wander_seconds", "5s", "over which the slow part forgets itself", duration(n.wander_seconds)},
          {"neighbour", "30%", "share of the time that a neighbour is there", fraction(n.neighbour)},
          {"neighbour_seconds", "3s", "for so long at a time", duration(n.neighbour_seconds)},
          {"neighbour_factor", "1.5", "how much slower runs are then", factor(n.neighbour_factor)},
          {"drift", "1%", "slowing per minute", fraction(n.drift)},
          {"spikes", "1%", "share of runs that an interrupt hits", fraction(n.spikes)},
          {"spike_factor", "3", "how much longer these take", factor(n.spike_factor)},
          {"speed_levels", "3", "speeds of the machine, 8 % apart",
           count_to(kMostSpeedLevels, "levels", n.speed_levels)},
          {"speed_seconds", "20s", "between changes of speed", duration(n.speed_seconds)}};
}

std::vector<Row> rows_of(Parameters& parameters) {
  std::vector<Row> rows = rows_of_device(parameters);
  for (Row& row : rows_of_noise(parameters.noise)) rows.push_back(std::move(row));
  return rows;
}

Status set(const std::vector<Row>& rows, bool is_plain, const std::string& name,
           std::string_view text) {
  const auto allowed = [&](const Row& row) { return is_plain || row.of == Of::all; };
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  if (row != rows.end() && allowed(*row)) return row->read(text, name);
  std::string names;
  for (const Row& known : rows)
    if (allowed(known)) names += (names.empty() ? "" : ", ") + std::string(known.name);
  return bad_input(std::string("a parameter of the simulated ") +
                       (is_plain ? "device (" : "accelerator (") + names + ")",
                   "\"" + name + "\"", kWhere);
}

bool is_file(std::string_view text) {
  return text.ends_with(".json");
}

std::string names_of_accelerators() {
  std::string names;
  for (const Accelerator& device : accelerators())
    names += (names.empty() ? "" : ", ") + device.name;
  return names;
}

// As it is told, before anything is changed by parameters.
Parameters parameters_of(Accelerator device) {
  Parameters parameters;
  parameters.wall = static_cast<Bytes>(device.memory);
  parameters.load = device.load_base;
  parameters.prepare = device.prepare;
  parameters.noise = device.noise;
  parameters.accelerator = std::move(device);
  return parameters;
}

// The first item where it is no NAME=VALUE; the plain device else.
Result<Parameters> device_of(std::string_view item) {
  if (item.empty() || item.find('=') != std::string_view::npos) return Parameters();
  if (const Accelerator* built_in = find_accelerator(item)) return parameters_of(*built_in);
  if (!is_file(item))
    return bad_input("NAME=VALUE separated by commas, or first an accelerator (" +
                         names_of_accelerators() + ") or a description of one (.json)",
                     "\"" + std::string(item) + "\"", kWhere);
  BT_TRY(described, read_accelerator_file(std::string(item)));
  return parameters_of(std::move(described));
}

// What was set counts for the accelerator too: there is one place for each figure.
void settle(Parameters& parameters) {
  if (!parameters.accelerator) return;
  parameters.accelerator->memory = static_cast<double>(parameters.wall);
  parameters.accelerator->load_base = parameters.load;
  parameters.accelerator->prepare = parameters.prepare;
  parameters.accelerator->noise = parameters.noise;
}

std::string_view next_item(std::string_view& rest) {
  const std::string_view item = rest.substr(0, rest.find(','));
  rest.remove_prefix(std::min(item.size() + 1, rest.size()));
  return item;
}

}  // namespace

Result<Parameters> parse_parameters(const std::string& text) {
  std::string_view rest = text, after_device = text;
  const std::string_view first = next_item(after_device);
  BT_TRY(parameters, device_of(first));
  if (parameters.accelerator) rest = after_device;
  const std::vector<Row> rows = rows_of(parameters);
  while (!rest.empty()) {
    const std::string_view item = next_item(rest);
    const auto equals = item.find('=');
    if (equals == std::string_view::npos)
      return bad_input("NAME=VALUE separated by commas", "\"" + std::string(item) + "\"", kWhere);
    BT_TRY_VOID(set(rows, !parameters.accelerator, std::string(item.substr(0, equals)),
                    item.substr(equals + 1)));
  }
  settle(parameters);
  return parameters;
}

std::vector<runtime::Parameter> known_parameters() {
  Parameters none;
  std::vector<runtime::Parameter> known;
  for (const Row& row : rows_of(none)) known.push_back({row.name, row.values, row.meaning});
  return known;
}

}  // namespace batchtune::simulated
