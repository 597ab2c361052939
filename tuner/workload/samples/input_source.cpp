#include "tuner/workload/samples/input_source.h"

#include <algorithm>
#include <utility>

#include "tuner/workload/samples/sample_array.h"
#include "tuner/workload/opaque.h"
#include "tuner/workload/weights.h"

namespace batchtune {

using samples::Entry;
using samples::EntryReader;
using samples::SampleArray;
using samples::SampleFile;

struct InputSource::Named {
  std::string input;
  SampleArray array;
};

namespace {

constexpr std::string_view kEnding = ".npy";       // of an archive's entries
constexpr std::string_view kUnnamed = "arr_0";     // what numpy.savez calls an array without a name
constexpr std::string_view kArchiveMagic = "PK";
constexpr std::int64_t kLeastVocabulary = 2;  // what importers say where nothing is known: masks

// "input.npy" -> "input"
std::string array_name(const Entry& entry) {
  const bool ends = entry.name.size() > kEnding.size() && entry.name.ends_with(kEnding);
  return ends ? entry.name.substr(0, entry.name.size() - kEnding.size()) : entry.name;
}

// The whole file as one entry without a name.
Entry only_entry(const SampleFile& file) {
  Entry entry;
  entry.packed = entry.size = file.size();
  return entry;
}

Result<std::vector<Entry>> entries_in(const SampleFile& file) {
  std::byte first[2]{};
  if (file.size() >= sizeof first) BT_TRY_VOID(file.read(0, first));
  if (std::string_view(reinterpret_cast<const char*>(first), sizeof first) != kArchiveMagic)
    return std::vector<Entry>{only_entry(file)};
  return samples::entries_of(file);
}

std::vector<const Op*> inputs_of(const Model& model) {
  std::vector<const Op*> inputs;
  for (const Op& op : model.ops)
    if (op.kind == OpKind::input) inputs.push_back(&op);
  return inputs;
}

template <typename Range, typename Text>
std::string list_of(const Range& range, Text text) {
  std::string list;
  for (const auto& one : range) list += (list.empty() ? "" : ", ") + std::string(text(one));
  return list.empty() ? "none" : list;
}

// The entry that is this input's; more than one input needs names.
Result<Entry> entry_of(const std::vector<Entry>& entries, const Op& input, bool only,
                       const SampleFile& file) {
  const auto named = [&](const Entry& entry) { return array_name(entry) == input.name; };
  const auto found = std::find_if(entries.begin(), entries.end(), named);
  if (std::count_if(entries.begin(), entries.end(), named) > 1)
    return bad_input("one array \"" + input.name + "\"", "several", file.name());
  if (found != entries.end()) return *found;
  const std::string first = entries.size() == 1 ? array_name(entries.front()) : "";
  if (only && entries.size() == 1 && (first.empty() || first == kUnnamed)) return entries.front();
  return bad_input("an array \"" + input.name + "\" for the model's input of that name",
                   list_of(entries, [](const Entry& entry) {
                     const std::string name = array_name(entry);
                     return name.empty() ? std::string("one array without a name") : name;
                   }),
                   file.name(), "Write it with numpy.savez(\"data.npz\", **{\"" + input.name +
                                    "\": array})");
}

Status check_counts(const SampleArray& first, const SampleArray& other) {
  if (first.samples() == other.samples()) return {};
  return bad_input("as many samples as " + first.where() + " has: " +
                       std::to_string(first.samples()),
                   std::to_string(other.samples()), other.where());
}

}  // namespace

InputSource::InputSource() = default;
InputSource::InputSource(InputSource&&) noexcept = default;
InputSource& InputSource::operator=(InputSource&&) noexcept = default;
InputSource::~InputSource() = default;

Result<InputSource> InputSource::open(const std::string& path, const Model& model) {
  InputSource source;
  if (path.empty()) return source;
  BT_TRY(file, SampleFile::open(path));
  BT_TRY(entries, entries_in(*file));
  const std::vector<const Op*> inputs = inputs_of(model);
  for (const Op* input : inputs) {
    BT_TRY(entry, entry_of(entries, *input, inputs.size() == 1, *file));
    const std::string name = array_name(entry);
    BT_TRY(array, SampleArray::open(EntryReader(file, std::move(entry)), name));
    // Of an imported model an input of integers that picks from no table has a made-up vocabulary,
    // and of one that only its runtime reads every one has.
    const bool known =
        !is_opaque(model) && (!model.file || input->vocabulary > kLeastVocabulary);
    BT_TRY_VOID(array.check(*input, known));
    if (!source.arrays_.empty())
      BT_TRY_VOID(check_counts(source.arrays_.front().array, array));
    source.samples_ = array.samples();
    source.arrays_.push_back({input->name, std::move(array)});
  }
  if (source.arrays_.empty())
    return bad_input("a model with inputs", model.name + ", which has none", file->name());
  return source;
}

SampleArray& InputSource::array_of(const Op& input) {
  const auto found = std::find_if(arrays_.begin(), arrays_.end(),
                                  [&](const Named& named) { return named.input == input.name; });
  return found->array;  // open() has one for each
}

Status InputSource::read(const Op& input, std::int64_t sample, std::span<double> values) {
  return array_of(input).read(sample % samples_, 0, values);
}

Status InputSource::fill(std::uint64_t seed, const Op& input, std::int64_t sample,
                         std::span<float> values, std::int64_t first) {
  if (!is_file()) {
    fill_input(seed, input, sample, values, first);
    return {};
  }
  std::vector<double> numbers(values.size());
  BT_TRY_VOID(array_of(input).read(sample % samples_, first, numbers));
  std::transform(numbers.begin(), numbers.end(), values.begin(),
                 [](double number) { return static_cast<float>(number); });
  return {};
}

Status InputSource::fill_ids(std::uint64_t seed, const Op& input, std::int64_t sample,
                             std::span<std::int32_t> ids) {
  if (!is_file()) {
    fill_token_ids(seed, input, sample, ids);
    return {};
  }
  std::vector<std::int64_t> numbers(ids.size());
  BT_TRY_VOID(array_of(input).read(sample % samples_, 0, numbers));
  std::transform(numbers.begin(), numbers.end(), ids.begin(),
                 [](std::int64_t number) { return static_cast<std::int32_t>(number); });
  return {};
}

}  // namespace batchtune
