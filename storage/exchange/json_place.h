// Reading JSON of others with the path of each value, so that an error says where it is. Private to
// this folder. Inside it a refusal is an exception (Refused), since every value may be one: the
// parser that starts reading catches it, and nothing leaves the folder.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune::exchange {

using Json = nlohmann::json;

// Broken JSON gives line and column; repeated members and absurd depth are errors.
Result<Json> parse_json(std::string_view text, std::string_view file_name);

struct Refused {
  Error error;
};

// A value and where it is. Points into the document, which must outlive it. All of it throws
// Refused where the value is not as wanted; a null member counts as absent.
class Place {
 public:
  Place(const Json& value, std::string path, std::string_view file_name)
      : value_(&value), path_(std::move(path)), file_name_(file_name) {}

  [[noreturn]] void refuse(std::string wanted, std::string found) const;

  Place at(const char* name) const;                   // member of an object; must be there
  std::optional<Place> find(const char* name) const;  // nullopt: absent or null
  std::vector<std::string> member_names() const;
  std::size_t size() const;  // of an array
  Place operator[](std::size_t index) const;

  std::string text() const;
  std::string text_or(const char* name, std::string otherwise) const;
  double positive() const;
  std::optional<double> optional_number(const char* name, double least) const;
  std::int64_t integer(std::int64_t least, std::int64_t most) const;
  // Of an array; numbers are at least 0.
  std::vector<double> numbers() const;
  std::vector<double> positive_numbers() const;
  std::vector<int> integers(int least, int most) const;

 private:
  const Json* value_;
  std::string path_;
  std::string_view file_name_;
};

}  // namespace batchtune::exchange
