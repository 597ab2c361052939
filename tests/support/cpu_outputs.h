// For programs that hold what we write for others against what our cpu backend computes: models by
// name, seeded inputs and outputs, raw values in files. They end with a message where anything
// fails.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tuner/backend/backend.h"

namespace batchtune::test {

[[noreturn]] void fail(const std::string& text);

template <typename T>
T value_or_fail(Result<T> result) {
  if (!result) fail(to_string(result.error()));
  return std::move(*result);
}

template <typename T>
T value_or_fail(Outcome<T> outcome) {
  if (!outcome) fail(outcome.error().reason + " " + outcome.error().evidence);
  return std::move(*outcome);
}

// As on the command line, or "random:N" for a random graph of seed N.
Model model_named(const std::string& name);

// Of `batch` samples one after the other.
std::vector<std::int32_t> ids_of(std::uint64_t seed, const Op& input, std::int64_t batch);
std::vector<float> values_of(std::uint64_t seed, const Op& input, std::int64_t batch);

// In f32, of the seeded inputs; [batch, output shape].
std::vector<float> cpu_output(const Model& model, std::uint64_t seed, std::int64_t batch);

void write_bytes(const std::string& path, const void* bytes, std::size_t size);
template <typename T>
void write_values(const std::string& path, const std::vector<T>& values) {
  write_bytes(path, values.data(), values.size() * sizeof(T));
}

}  // namespace batchtune::test
