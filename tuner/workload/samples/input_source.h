// What a model's inputs get: seeded samples (weights.h), or those of a file, cycled to fill a batch
// of any size. Every backend takes them from here, so that outputs can be compared across backends.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/workload/model.h"

namespace batchtune {

namespace samples {
class SampleArray;
}

class InputSource {
 public:
  InputSource();  // seeded samples
  // A .npz file with an array for each of the model's inputs, named like it; or of a model with one
  // input a .npy file, or a .npz with one array without a name of its own (arr_0). The first
  // dimension of an array is of samples, the rest is the input's shape per sample; further arrays
  // are left alone. Element types: numbers, integers where ids are wanted. All of it is read and
  // checked here: no error comes later unless the file changes. `path` "": seeded samples.
  static Result<InputSource> open(const std::string& path, const Model& model);
  InputSource(InputSource&&) noexcept;
  InputSource& operator=(InputSource&&) noexcept;
  ~InputSource();

  bool is_file() const { return !arrays_.empty(); }
  std::int64_t samples() const { return samples_; }  // in the file; 0 of seeded ones

  // Elements `first` and on of sample `sample` (of the file: modulo its number) of an input
  // operation of the model. Seeded values are those of fill_input() and fill_token_ids().
  Status fill(std::uint64_t seed, const Op& input, std::int64_t sample, std::span<float> values,
              std::int64_t first = 0);
  Status fill_ids(std::uint64_t seed, const Op& input, std::int64_t sample,
                  std::span<std::int32_t> ids);
  // The file's numbers as they are; only where is_file().
  Status read(const Op& input, std::int64_t sample, std::span<double> values);

 private:
  struct Named;
  samples::SampleArray& array_of(const Op& input);

  std::vector<Named> arrays_;  // by input operation
  std::int64_t samples_ = 0;
};

}  // namespace batchtune
