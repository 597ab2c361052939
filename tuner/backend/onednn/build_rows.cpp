// What goes row by row or element by element.
#include <algorithm>
#include <cmath>

#include "kernels/bfloat16.h"
#include "tuner/backend/onednn/builder.h"

namespace batchtune::onednn {
namespace {

float to_f32(float value) {
  return value;
}
float to_f32(kernels::Bfloat16 value) {
  return kernels::to_float(value);
}
void store(float value, float& to) {
  to = value;
}
void store(float value, kernels::Bfloat16& to) {
  to = kernels::to_bfloat16(value);
}

constexpr std::int64_t kRowsAtATime = 16;  // that a thread takes

// y = x / sqrt(mean(x^2) + epsilon) * gain, of rows [0, count).
template <typename T>
void normalise_rows(const Lanes& lanes, std::int64_t count, std::int64_t length, float epsilon,
                    const T* x, const float* gain, T* y) {
  lanes.for_each((count + kRowsAtATime - 1) / kRowsAtATime, [=](std::int64_t part) {
    const std::int64_t end = std::min(count, (part + 1) * kRowsAtATime);
    for (std::int64_t row = part * kRowsAtATime; row < end; ++row) {
      const T* in = x + row * length;
      T* out = y + row * length;
      float sum = 0;
      for (std::int64_t i = 0; i < length; ++i) sum += to_f32(in[i]) * to_f32(in[i]);
      const float factor = 1 / std::sqrt(sum / static_cast<float>(length) + epsilon);
      for (std::int64_t i = 0; i < length; ++i) store(to_f32(in[i]) * factor * gain[i], out[i]);
    }
  });
}

struct EmbeddingTables {
  std::vector<std::int64_t> first_row, rows;  // of each, the first picked by ids
  std::int64_t columns = 0;
};

// Adds up one row of each table at every position of `samples` x `positions`.
template <typename T>
void embed_rows(const Lanes& lanes, const EmbeddingTables& tables, std::int64_t positions,
                std::int64_t count, const std::int32_t* ids, const T* table, T* out) {
  lanes.for_each((count + kRowsAtATime - 1) / kRowsAtATime, [&](std::int64_t part) {
    const std::int64_t end = std::min(count, (part + 1) * kRowsAtATime);
    for (std::int64_t i = part * kRowsAtATime; i < end; ++i)
      for (std::int64_t c = 0; c < tables.columns; ++c) {
        float sum = 0;
        for (std::size_t t = 0; t < tables.rows.size(); ++t) {
          const std::int64_t row = t == 0 ? ids[i] : i % positions % tables.rows[t];
          sum += to_f32(table[(tables.first_row[t] + row) * tables.columns + c]);
        }
        store(sum, out[i * tables.columns + c]);
      }
  });
}

}  // namespace

Outcome<void> GraphBuilder::embedding() {
  BT_TRY(table, vector_weight(WeightRole::table));
  EmbeddingTables tables{{0}, {op().vocabulary}, op().columns};
  for (const std::int64_t rows : op().tables) {
    tables.first_row.push_back(tables.first_row.back() + tables.rows.back());
    tables.rows.push_back(rows);
  }
  const int result = new_buffer(rows(batch_elements(now_), op().columns));
  const std::int64_t positions = op().output[0], count = batch() * positions;
  add_own_step("embedding (own)",
               {{0, {}, held(read()).buffer}, {0, {}, -1, table}, {0, {}, result}},
               [tables, positions, count, bf16 = context_.dtype == DType::bf16](
                   const Lanes& lanes, const std::vector<void*>& at) {
                 const auto* ids = static_cast<const std::int32_t*>(at[0]);
                 if (bf16)
                   embed_rows(lanes, tables, positions, count, ids,
                              static_cast<const kernels::Bfloat16*>(at[1]),
                              static_cast<kernels::Bfloat16*>(at[2]));
                 else
                   embed_rows(lanes, tables, positions, count, ids,
                              static_cast<const float*>(at[1]), static_cast<float*>(at[2]));
               });
  hold(result);
  return {};
}

Outcome<void> GraphBuilder::rms_norm() {
  BT_TRY(gain, vector_weight(WeightRole::gain));
  const std::int64_t length = op().output.back(), count = batch_elements(now_) / length;
  const int from = plain(read()), result = new_buffer(rows(batch_elements(now_), length));
  add_own_step(
      "rms_norm (own)", {{0, {}, from}, {0, {}, -1, gain}, {0, {}, result}},
      [count, length, epsilon = static_cast<float>(op().epsilon),
       bf16 = context_.dtype == DType::bf16](const Lanes& lanes, const std::vector<void*>& at) {
        const auto* weights = static_cast<const float*>(at[1]);
        if (bf16)
          normalise_rows(lanes, count, length, epsilon,
                         static_cast<const kernels::Bfloat16*>(at[0]), weights,
                         static_cast<kernels::Bfloat16*>(at[2]));
        else
          normalise_rows(lanes, count, length, epsilon, static_cast<const float*>(at[0]), weights,
                         static_cast<float*>(at[2]));
      });
  hold(result);
  return {};
}

Outcome<void> GraphBuilder::layer_norm() {
  const Desc data = rows(batch_elements(now_), op().output.back());
  Description chosen = describe_layer_norm(context_.engine, data, op().epsilon);
  BT_TRY(gain, vector_weight(WeightRole::gain));
  BT_TRY(bias, vector_weight(WeightRole::bias));
  const int from = plain(read()), result = new_buffer(data);
  add_step("layer_norm", std::move(chosen),
           {{DNNL_ARG_SRC, data, from},
            {DNNL_ARG_SCALE, gain->desc, -1, gain},
            {DNNL_ARG_SHIFT, bias->desc, -1, bias},
            {DNNL_ARG_DST, data, result}});
  hold(result);
  return {};
}

// The library's softmax has no factor: a step before it, into the place of the result.
void GraphBuilder::softmax() {
  const Desc data = rows(batch_elements(now_), op().output.back());
  int from = plain(read());
  const int own = take_over(read());
  const int result = own == from ? own : new_buffer(data);
  if (op().scale != 1) {
    add_step("scale", describe_scaling(context_.engine, data, op().scale),
             {{DNNL_ARG_SRC, data, from}, {DNNL_ARG_DST, data, result}});
    from = result;
  }
  add_step("softmax", describe_softmax(context_.engine, data, 1),
           {{DNNL_ARG_SRC, data, from}, {DNNL_ARG_DST, data, result}});
  hold(result);
}

void GraphBuilder::activation() {
  const Held& source = held(read());
  const Desc data =
      source.format ? *source.format : rows(batch_elements(now_), elements(op().output));
  const int own = take_over(read());
  const int from = source.buffer, result = own >= 0 ? own : new_buffer(data);
  add_step("activation", describe_activation(context_.engine, data, op().activation),
           {{DNNL_ARG_SRC, data, from}, {DNNL_ARG_DST, data, result}});
  hold(result, source.format);
}

// In the format of whichever is an image in one, the first if both are.
void GraphBuilder::binary(dnnl::algorithm algorithm) {
  const std::optional<Desc> format =
      held(read(0)).format ? held(read(0)).format : held(read(1)).format;
  const Desc data = format ? *format : rows(batch_elements(now_), elements(op().output));
  const int a = format ? in_format(read(0), data) : held(read(0)).buffer;
  const int b = format ? in_format(read(1), data) : held(read(1)).buffer;
  // Not where the operands are one: bf16 tails of oneDNN 3.2 come out wrong with all three in one
  // place.
  const int second[] = {b};
  const int own = take_over(read(0), second);
  const int result = own >= 0 && own == a ? own : new_buffer(data);
  add_step(algorithm == dnnl::algorithm::binary_add ? "add" : "multiply",
           describe_binary(context_.engine, algorithm, data),
           {{DNNL_ARG_SRC_0, data, a}, {DNNL_ARG_SRC_1, data, b}, {DNNL_ARG_DST, data, result}});
  hold(result, format);
}

}  // namespace batchtune::onednn
