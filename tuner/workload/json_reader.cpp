#include "tuner/workload/json_reader.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace batchtune {
namespace {

using Json = nlohmann::json;

// Deeper than any file of ours; the parser itself does not recurse, but its callers would.
constexpr int kDeepest = 16;

std::string line_and_column(std::string_view text, std::size_t byte) {
  byte = std::min(byte, text.size());
  const auto lines =
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(byte), '\n');
  const std::size_t line_start = byte == 0 ? std::string_view::npos : text.rfind('\n', byte - 1);
  const std::size_t column = line_start == std::string_view::npos ? byte + 1 : byte - line_start;
  return std::to_string(lines + 1) + ":" + std::to_string(column);
}

// The library's message without its prefix and place, which the error says in its own way.
std::string reason(const Json::exception& error) {
  const std::string text = error.what();
  const std::size_t place_end = text.find(": ");
  const std::size_t prefix_end = text.find("] ");
  if (place_end != std::string::npos) return text.substr(place_end + 2);
  return prefix_end == std::string::npos ? text : text.substr(prefix_end + 2);
}

}  // namespace

std::string shown(const Json& json) {
  constexpr std::size_t kLongest = 60;
  if (json.is_array()) return "an array of " + std::to_string(json.size());
  if (json.is_object()) return "an object";
  std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

void JsonErrors::add(std::string wanted, std::string found, const std::string& path) {
  if (first_) return;
  first_ = Error{ErrorKind::bad_input, std::move(wanted), std::move(found),
                 file_name_ + ", " + path, ""};
}

Result<Json> parse_json(std::string_view text, std::string_view file_name) {
  std::vector<std::set<std::string>> members;  // of the objects around the place being parsed
  std::string complaint;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kDeepest) complaint = "nesting deeper than " + std::to_string(kDeepest);
    if (event == Json::parse_event_t::object_start) members.emplace_back();
    if (event == Json::parse_event_t::object_end && !members.empty()) members.pop_back();
    if (event == Json::parse_event_t::key && !members.empty() &&
        !members.back().insert(value.get<std::string>()).second)
      complaint = "member " + shown(value) + " twice in one object";
    return complaint.empty();
  };
  try {
    Json json = Json::parse(text, watch);
    if (!complaint.empty())
      return bad_input("a device description", complaint, std::string(file_name));
    return json;
  } catch (const Json::parse_error& error) {
    return bad_input(
        "JSON", reason(error),
        std::string(file_name) + ":" + line_and_column(text, error.byte == 0 ? 0 : error.byte - 1));
  } catch (const Json::exception& error) {  // a number beyond double
    return bad_input("JSON", reason(error), std::string(file_name));
  }
}

ObjectReader::ObjectReader(const Json& json, std::string path, JsonErrors& errors)
    : json_(json), path_(std::move(path)), errors_(errors) {
  if (!json_.is_object()) errors_.add("an object", shown(json_), path_);
}

void ObjectReader::fail(const char* name, std::string wanted, std::string found) {
  errors_.add(std::move(wanted), std::move(found), path_ + "." + name);
}

const Json* ObjectReader::member(const char* name, bool required) {
  known_.emplace_back(name);
  if (!json_.is_object()) return nullptr;
  const auto found = json_.find(name);
  if (found == json_.end() || found->is_null()) {
    if (required) fail(name, "this member", found == json_.end() ? "nothing" : "null");
    return nullptr;
  }
  return &*found;
}

std::string ObjectReader::text(const char* name, std::optional<std::string> otherwise) {
  const Json* value = member(name, !otherwise);
  if (!value) return otherwise.value_or("");
  if (value->is_string()) return value->get<std::string>();
  fail(name, "a string", shown(*value));
  return "";
}

std::optional<double> ObjectReader::number(const char* name, bool required, bool zero_allowed) {
  const Json* value = member(name, required);
  if (!value) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : -1;
  if (std::isfinite(number) && (number > 0 || (zero_allowed && number == 0))) return number;
  fail(name, zero_allowed ? "a number of at least 0" : "a positive number", shown(*value));
  return std::nullopt;
}

double ObjectReader::positive(const char* name) {
  return number(name, true, false).value_or(1);
}

std::optional<double> ObjectReader::optional_positive(const char* name) {
  return number(name, false, false);
}

std::optional<double> ObjectReader::optional_non_negative(const char* name) {
  return number(name, false, true);
}

std::int64_t ObjectReader::integer(const char* name, std::int64_t low, std::int64_t high,
                                   std::optional<std::int64_t> otherwise) {
  const Json* value = member(name, !otherwise);
  if (!value) return otherwise.value_or(low);
  // Unsigned numbers above the signed range must not wrap into it.
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() ||
                     value->get<std::uint64_t>() <= static_cast<std::uint64_t>(high));
  if (fits && value->get<std::int64_t>() >= low && value->get<std::int64_t>() <= high)
    return value->get<std::int64_t>();
  fail(name, "an integer from " + std::to_string(low) + " to " + std::to_string(high),
       shown(*value));
  return low;
}

bool ObjectReader::boolean(const char* name, bool otherwise) {
  const Json* value = member(name, false);
  if (!value) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  fail(name, "true or false", shown(*value));
  return otherwise;
}

std::vector<ObjectReader> ObjectReader::objects(const char* name, bool required) {
  const Json* value = member(name, required);
  if (!value) return {};
  if (!value->is_array() || (required && value->empty())) {
    fail(name, required ? "an array of at least one object" : "an array of objects", shown(*value));
    return {};
  }
  std::vector<ObjectReader> readers;
  for (std::size_t i = 0; i < value->size(); ++i)
    readers.emplace_back((*value)[i], path_ + "." + name + "[" + std::to_string(i) + "]", errors_);
  return readers;
}

void ObjectReader::refuse_unknown_members() {
  if (!json_.is_object()) return;
  for (const auto& [name, value] : json_.items()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::string all;
    for (const std::string& known : known_) all += (all.empty() ? "" : ", ") + known;
    errors_.add("one of the members " + all, shown(Json(name)), path_);
  }
}

}  // namespace batchtune
