// The header of NumPy's .npy format, versions 1 to 3: a magic number, then a Python dictionary with
// the element type, the order and the shape. Internal to this folder. Source: numpy.lib.format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tuner/core/error.h"
#include "tuner/workload/model.h"
#include "tuner/workload/samples/sample_file.h"

namespace batchtune::samples {

enum class NumberKind { floating, signed_integer, unsigned_integer, boolean };

struct NpyHeader {
  std::string type;  // as the file says it: "<f4"
  NumberKind kind = NumberKind::floating;
  int bytes = 4;         // of an element: 1, 2, 4 or 8
  bool swapped = false;  // highest byte first
  bool fortran = false;  // the first dimension varies fastest
  Shape shape;           // samples first; at least one dimension and one element
  std::uint64_t start = 0;  // of the elements in the entry
};

// Checked against the entry: as many elements as it has bytes for, 2^43 at most. Errors name it.
Result<NpyHeader> read_npy_header(EntryReader& reader);

// An element at `bytes`; of 64-bit integers what a double can hold.
double number_at(const NpyHeader& header, const std::byte* bytes);
// Of integers and booleans; unsigned ones beyond 2^63 become -1, which no use of ours takes.
std::int64_t integer_at(const NpyHeader& header, const std::byte* bytes);

}  // namespace batchtune::samples
