// Operations over the last dimension, in f32.
#include "tuner/workload/hlo/op_writer.h"

namespace batchtune::hlo {

// Less each row's largest element first, which changes nothing but that no exponential overflows.
Value OpWriter::softmax() {
  Value x = wide(in());
  if (op_.scale != 1) x = w_.binary("multiply", x, op_.scale);
  const Value largest = w_.folded(Fold::maximum, x, {last()});
  const Value powers =
      w_.unary("exponential", w_.binary("subtract", x, along_columns(largest, x.shape)));
  const Value sum = w_.folded(Fold::sum, powers, {last()});
  return narrow(w_.binary("divide", powers, along_columns(sum, x.shape)));
}

Value OpWriter::mean_of_rows(const Value& x) {
  const Value sum = w_.folded(Fold::sum, x, {last()});
  return w_.binary("multiply", sum, 1.0 / static_cast<double>(x.shape.back()));
}

Value OpWriter::normalised(const Value& x) {
  const Value square = mean_of_rows(w_.binary("multiply", x, x));
  const Value factor = w_.unary("rsqrt", w_.binary("add", square, op_.epsilon));
  return w_.binary("multiply", x, along_columns(factor, x.shape));
}

Value OpWriter::layer_norm() {
  const Value x = wide(in());
  const Value gain = weight("gain", {op_.output.back()}, WeightRole::gain);
  const Value centred = w_.binary("subtract", x, along_columns(mean_of_rows(x), x.shape));
  const Value scaled = w_.binary("multiply", normalised(centred), along_rows(wide(gain), x.shape));
  return narrow(w_.binary("add", scaled, wide(bias())));
}

Value OpWriter::rms_norm() {
  const Value x = wide(in());
  const Value gain = weight("gain", {op_.output.back()}, WeightRole::gain);
  return narrow(w_.binary("multiply", normalised(x), along_rows(wide(gain), x.shape)));
}

}  // namespace batchtune::hlo
