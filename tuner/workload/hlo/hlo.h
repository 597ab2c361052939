// A model as an XLA program of one batch size: a serialised HloModuleProto, which neuronx-cc and
// other XLA compilers read. Weights are parameters like the inputs: the same program serves every
// seed, and no message meets protobuf's limit of 2 GiB. It names no device and holds no values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/dtype.h"
#include "tuner/core/units.h"
#include "tuner/workload/model.h"
#include "tuner/workload/weights.h"

namespace batchtune {

enum class HloElement { f32, bf16, s32, f16, f64, s8, u8, s16, u16, u32, pred /* a byte */ };
std::string_view name_of(HloElement element);  // "f32"
std::size_t size_of(HloElement element);       // bytes

// A parameter or a result of the program, row-major.
struct HloTensor {
  std::string
      name;  // unique; as neff_input_names and neff_output_names it names the tensor of a NEFF too
  HloElement element = HloElement::f32;
  Shape shape;                          // whole: of inputs and results with the batch before it
  OpIndex op = 0;                       // whose tensor, or whose weight
  std::optional<WeightRole> role = {};  // of a weight; nullopt: an input of the model, or a result
  int table = 0;  // WeightRole::table: 0 is the vocabulary's; i the rows that further table i adds,
                  // one per position
  int constant = -1;   // of a file's program: the FileGraph's tensor whose value it is
  int batch_axis = 0;  // of an input or a result; -1: it has no batch

  bool operator==(const HloTensor&) const = default;
};
Bytes bytes_of(const HloTensor& tensor);
bool is_weight(const HloTensor& tensor);  // of a parameter: no input

struct HloModule {
  std::string bytes;  // HloModuleProto
  // In the order of their numbers: as the model's operations stand, of each its matrix, table or
  // gain first (further tables behind it), then its bias.
  std::vector<HloTensor> parameters;
  std::vector<HloTensor>
      results;  // the model's output, then what nothing reads (a decoder's new keys and values)
};

// The model at `batch` >= 1 samples. `dtype` (f32, bf16) is that of weights, inputs, results and
// what lies between; token ids are s32. In bf16, norms, softmax, averages, GELU and SiLU are
// computed in f32. Images stay NHWC. Equal arguments give equal bytes. Errors: another dtype;
// operations that are not ours (OpKind::foreign: file_program.h); a build without protobuf.
Result<HloModule> make_hlo(const Model& model, std::int64_t batch, DType dtype);

// Elements `first` and on of a weight: those of fill_weight(), in the program's layout. That is the
// model's but for grouped filters, which XLA wants as [kernel_h, kernel_w, channels / groups,
// output channels], and further tables of an embedding, which are spread over the positions.
void fill_hlo_weight(std::uint64_t seed, const Model& model, const HloTensor& weight,
                     std::span<float> values, std::int64_t first = 0);

}  // namespace batchtune
