// One array of a file of samples: checked once, then read sample by sample. Internal to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/workload/samples/npy.h"

namespace batchtune::samples {

class SampleArray {
 public:
  // `name`: the array's own, "" for that of a .npy file. An array in Fortran order is held in
  // memory, since a sample's elements lie all over it: at most 1 GiB.
  static Result<SampleArray> open(EntryReader reader, std::string name);

  const std::string& name() const { return name_; }
  const NpyHeader& header() const { return header_; }
  std::string where() const { return reader_.where(); }
  std::int64_t samples() const { return header_.shape.front(); }
  Shape sample_shape() const { return {header_.shape.begin() + 1, header_.shape.end()}; }

  // Elements `first` and on of a sample, in C order; within it.
  Status read(std::int64_t sample, std::int64_t first, std::span<double> values);
  Status read(std::int64_t sample, std::int64_t first, std::span<std::int64_t> values);  // no floats

  // Whether the array can be this operation's: shape, type, checksum and every value.
  Status check(const Op& input, bool known_vocabulary);

 private:
  SampleArray(EntryReader reader, std::string name)
      : reader_(std::move(reader)), name_(std::move(name)) {}
  template <typename Value, typename Convert>
  Status read_as(std::int64_t sample, std::int64_t first, std::span<Value> values, Convert convert);
  Status check_ids(const Op& input);
  Status check_finite();

  EntryReader reader_;
  std::string name_;
  NpyHeader header_;
  std::vector<std::byte> whole_;  // Fortran order: all elements as the file has them
};

}  // namespace batchtune::samples
