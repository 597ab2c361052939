#include "storage/exchange/json_place.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace batchtune::exchange {
namespace {

// Deeper than any file of ours.
constexpr int kDeepest = 16;

std::string line_and_column(std::string_view text, std::size_t byte) {
  byte = std::min(byte, text.size());
  const std::string_view before = text.substr(0, byte);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t feed = before.rfind('\n');
  const std::size_t column = feed == std::string_view::npos ? byte + 1 : byte - feed;
  return std::to_string(lines + 1) + ":" + std::to_string(column);
}

// The library's message without its prefix and place, which the error says in its own way; it may
// repeat bytes of a file that is no text.
std::string reason(const Json::exception& error) {
  std::string text = error.what();
  const std::size_t place_end = text.find(": ");
  const std::size_t prefix_end = text.find("] ");
  if (place_end != std::string::npos)
    text = text.substr(place_end + 2);
  else if (prefix_end != std::string::npos)
    text = text.substr(prefix_end + 2);
  constexpr std::size_t kLongest = 160;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  for (char& character : text)
    if (character < ' ' || character > '~') character = '?';
  return text;
}

std::string shown(const Json& json) {
  constexpr std::size_t kLongest = 60;
  if (json.is_array()) return "an array of " + std::to_string(json.size());
  if (json.is_object()) return "an object";
  std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

std::optional<std::int64_t> integer_in(const Json& value, std::int64_t least, std::int64_t most) {
  // Unsigned numbers above the signed range must not wrap into it.
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>()))
    return std::nullopt;
  const auto number = value.get<std::int64_t>();
  return number >= least && number <= most ? std::optional(number) : std::nullopt;
}

std::string range_words(std::int64_t least, std::int64_t most) {
  return "an integer from " + std::to_string(least) + " to " + std::to_string(most);
}

bool is_positive(const Json& value) {
  return value.is_number() && value.get<double>() > 0;  // the parser lets no infinity pass
}

}  // namespace

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
    if (complaint.empty()) return json;
  } catch (const Json::parse_error& error) {
    if (complaint.empty())
      return bad_input("JSON", reason(error),
                       std::string(file_name) + ":" +
                           line_and_column(text, error.byte == 0 ? 0 : error.byte - 1));
  } catch (const Json::exception& error) {  // a number beyond double
    return bad_input("JSON", reason(error), std::string(file_name));
  }
  return bad_input("JSON", complaint, std::string(file_name));
}

void Place::refuse(std::string wanted, std::string found) const {
  throw Refused{{ErrorKind::bad_input, std::move(wanted), std::move(found),
                 std::string(file_name_) + ", " + path_, ""}};
}

std::optional<Place> Place::find(const char* name) const {
  if (!value_->is_object()) refuse("an object", shown(*value_));
  const auto found = value_->find(name);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return Place(*found, path_ + "." + name, file_name_);
}

Place Place::at(const char* name) const {
  const auto place = find(name);
  if (!place)
    Place(*value_, path_ + "." + name, file_name_)
        .refuse("this member", value_->contains(name) ? "null" : "nothing");
  return *place;
}

std::vector<std::string> Place::member_names() const {
  if (!value_->is_object()) refuse("an object", shown(*value_));
  std::vector<std::string> names;
  for (const auto& [name, value] : value_->items()) names.push_back(name);
  return names;
}

std::size_t Place::size() const {
  if (!value_->is_array()) refuse("an array", shown(*value_));
  return value_->size();
}

Place Place::operator[](std::size_t index) const {
  return Place((*value_)[index], path_ + "[" + std::to_string(index) + "]", file_name_);
}

std::string Place::text() const {
  if (!value_->is_string()) refuse("a string", shown(*value_));
  return value_->get<std::string>();
}

std::string Place::text_or(const char* name, std::string otherwise) const {
  const auto place = find(name);
  return place ? place->text() : std::move(otherwise);
}

double Place::positive() const {
  if (!is_positive(*value_)) refuse("a positive number", shown(*value_));
  return value_->get<double>();
}

std::optional<double> Place::optional_number(const char* name, double least) const {
  const auto place = find(name);
  if (!place) return std::nullopt;
  const Json& value = *place->value_;
  if (!value.is_number() || value.get<double>() < least)
    place->refuse("a number of at least " + shown(Json(least)), shown(value));
  return value.get<double>();
}

std::int64_t Place::integer(std::int64_t least, std::int64_t most) const {
  const auto number = integer_in(*value_, least, most);
  if (!number) refuse(range_words(least, most), shown(*value_));
  return *number;
}

std::vector<double> Place::numbers() const {
  std::vector<double> list(size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& value = (*value_)[i];
    if (!value.is_number() || value.get<double>() < 0)
      (*this)[i].refuse("a number of at least 0", shown(value));
    list[i] = value.get<double>();
  }
  return list;
}

std::vector<double> Place::positive_numbers() const {
  std::vector<double> list(size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!is_positive((*value_)[i])) (*this)[i].positive();
    list[i] = (*value_)[i].get<double>();
  }
  return list;
}

std::vector<int> Place::integers(int least, int most) const {
  std::vector<int> list(size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto number = integer_in((*value_)[i], least, most);
    if (!number) (*this)[i].refuse(range_words(least, most), shown((*value_)[i]));
    list[i] = static_cast<int>(*number);
  }
  return list;
}

}  // namespace batchtune::exchange
