// A deployment point that could be chosen, and the group of points that differ in the batch alone.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "tuner/core/dtype.h"

namespace batchtune {

// All axes but the batch ("G" in the JSON). A front and a boundary belong to a group.
struct CandidateGroup {
  std::string backend;  // "cpu"; "" on a device of the catalogue, which nothing runs on
  DType dtype = DType::f32;
  int threads = 1;    // of each instance
  int instances = 1;  // side by side, each with `threads` threads and its own batch
  std::map<std::string, std::int64_t> dims;  // free dimensions of the model: {"seq": 128}
  int cores = 1;        // of the device, that the instances are spread over; 1 where a backend has none
  std::string variant = {};  // named way of compiling ("bf16"); "" for the only one
  // Dynamic batching: the batch that is compiled. `batch` samples of one user are split into runs of it, the last
  // one padded. 0: a batch is compiled as it is.
  std::int64_t compiled_batch = 0;

  auto operator<=>(const CandidateGroup&) const = default;
};

struct Candidate {
  CandidateGroup group;
  std::int64_t batch = 1;  // samples per run and instance, at least 1

  auto operator<=>(const Candidate&) const = default;
};

// "cpu bf16, 2 threads"; two instances of one thread each: "cpu f32, 2 x 1 thread".
std::string to_string(const CandidateGroup& group);
std::string to_string(const Candidate& candidate);  // "cpu bf16, 2 threads, batch 8"

}  // namespace batchtune
