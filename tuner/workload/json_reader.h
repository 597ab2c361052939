// Reads members of a JSON object with the path of each, so that an error says where it is. For
// files that describe things. The first error is kept and later reads give defaults: a reader function looks
// like a list of members, and asks for the error once at its end.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune {

class JsonErrors {
 public:
  explicit JsonErrors(std::string_view file_name) : file_name_(file_name) {}

  void add(std::string wanted, std::string found, const std::string& path);
  const std::optional<Error>& first() const { return first_; }

 private:
  std::string file_name_;
  std::optional<Error> first_;
};

// Parses text; broken JSON gives line and column, repeated members and absurd depth are errors.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view file_name);

class ObjectReader {
 public:
  // `json` must outlive the reader.
  ObjectReader(const nlohmann::json& json, std::string path, JsonErrors& errors);

  // Required members have no default. Null counts as absent.
  std::string text(const char* name, std::optional<std::string> otherwise = std::nullopt);
  double positive(const char* name);
  std::optional<double> optional_positive(const char* name);
  std::optional<double> optional_non_negative(const char* name);
  std::int64_t integer(const char* name, std::int64_t low, std::int64_t high,
                       std::optional<std::int64_t> otherwise = std::nullopt);
  bool boolean(const char* name, bool otherwise);
  // Readers of an array's objects or the member itself; empty or null when absent.
  std::vector<ObjectReader> objects(const char* name, bool required);
  const nlohmann::json* member(const char* name, bool required);

  void refuse_unknown_members();  // call last: names what was never asked for
  void fail(const char* name, std::string wanted, std::string found);
  const std::string& path() const { return path_; }

 private:
  std::optional<double> number(const char* name, bool required, bool zero_allowed);

  const nlohmann::json& json_;
  std::string path_;
  JsonErrors& errors_;
  std::vector<std::string> known_;
};

// What a value looks like in an error: short text of any JSON.
std::string shown(const nlohmann::json& json);

}  // namespace batchtune
