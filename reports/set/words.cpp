#include "reports/set/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "reports/text/words.h"

namespace batchtune::set {
namespace {

// Of files that are made: "bert-base@seq=64" is "bert-base-seq-64".
std::string base_name(const HowToSet& what) {
  std::string base = what.model;
  for (char& c : base)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_') c = '-';
  return base;
}

// Means nothing else to a shell, wherever it stands in a word.
bool is_plain(char c) {
  constexpr std::string_view kPlain = "._-/=+:,@";
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || kPlain.find(c) != std::string_view::npos;
}

}  // namespace

std::int64_t compiled_batch(const HowToSet& what) {
  const std::int64_t compiled = what.candidate.group.compiled_batch;
  return compiled > 0 ? compiled : what.candidate.batch;
}

std::string users_words(const HowToSet& what) {
  std::vector<std::string> sizes;
  for (const UserBatch& user : what.users) sizes.push_back(fmt::to_string(user.batch));
  if (!sizes.empty()) return "users' batches (" + text::joined(sizes, ", ") + ")";
  if (what.candidate.group.compiled_batch > 0) return fmt::format("users' batches of {}", what.candidate.batch);
  return "";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string shell_word(const std::string& text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string shape_of(const DeployedInput& input, std::int64_t batch) {
  std::string text = fmt::format("[{}", batch);
  for (const std::int64_t size : input.shape) text += fmt::format(", {}", size);
  return text + "]";
}

std::string file_of(const HowToSet& what) {
  return what.file.empty() ? base_name(what) + ".onnx" : what.file;
}

std::string saved_name(const HowToSet& what, const char* ending) {
  return fmt::format("{}_b{}.{}", base_name(what), compiled_batch(what), ending);
}

}  // namespace batchtune::set
