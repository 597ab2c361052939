#include "tuner/backend/onednn/weights.h"

#include <algorithm>
#include <numeric>

#include "kernels/bfloat16.h"

namespace batchtune::onednn {
namespace {

using Type = dnnl::memory::data_type;

// Elements that a thread makes at a time: 256 KiB of f32, in its second-level cache.
constexpr std::int64_t kPart = 1 << 16;

std::int64_t table_rows(const Op& op) {
  return std::accumulate(op.tables.begin(), op.tables.end(), op.vocabulary);
}

std::int64_t count_of(const Model& model, const Op& op, WeightRole role) {
  switch (role) {
    case WeightRole::matrix: {
      if (op.kind != OpKind::conv2d) return op.inner * op.columns;
      const Shape& in = model.ops[static_cast<std::size_t>(find_op(model, op.inputs[0]))].output;
      return op.window.kernel_h * op.window.kernel_w * (in[2] / op.groups) * op.columns;
    }
    case WeightRole::table:
      return table_rows(op) * op.columns;
    case WeightRole::bias:
    case WeightRole::gain:
      break;
  }
  return op.output.back();
}

// weights.h: per group [kernel_h][kernel_w][channels / groups][output channels / groups].
Desc filter(const Model& model, const Op& op) {
  const Shape& in = model.ops[static_cast<std::size_t>(find_op(model, op.inputs[0]))].output;
  const std::int64_t h = op.window.kernel_h, w = op.window.kernel_w;
  const std::int64_t ic = in[2] / op.groups, oc = op.columns / op.groups;
  if (op.groups == 1) return Desc({oc, ic, h, w}, Type::f32, Dims{1, oc, w * ic * oc, ic * oc});
  return Desc({op.groups, oc, ic, h, w}, Type::f32,
              Dims{h * w * ic * oc, 1, oc, w * ic * oc, ic * oc});
}

}  // namespace

Type type_of(DType dtype) {
  return dtype == DType::bf16 ? Type::bf16 : Type::f32;
}

Desc plain_weight(const Model& model, const Op& op, WeightRole role, DType dtype) {
  if (role == WeightRole::table)
    return Desc({table_rows(op), op.columns}, type_of(dtype), Dims{op.columns, 1});
  if (role != WeightRole::matrix) return Desc({op.output.back()}, Type::f32, Dims{1});
  if (op.kind == OpKind::conv2d) return filter(model, op);
  return Desc({op.inner, op.columns}, Type::f32, Dims{op.columns, 1});
}

WeightStore::WeightStore(const Model& model, DType dtype, const WeightValues& values,
                         const dnnl::engine& engine, cpu::Account& account, Lanes& lanes)
    : model_(model),
      dtype_(dtype),
      values_(values),
      engine_(engine),
      account_(account),
      lanes_(lanes) {}

bool WeightStore::give_up_unused() {
  return std::erase_if(entries_, [](const Entry& entry) { return entry.weight.use_count() == 1; }) >
         0;
}

Outcome<cpu::AccountedBuffer> WeightStore::allocate(Bytes bytes, const std::string& what) {
  auto buffer = cpu::allocate(account_, bytes, what);
  if (!buffer && give_up_unused()) buffer = cpu::allocate(account_, bytes, what);
  return buffer;
}

Outcome<void> WeightStore::allows(Bytes bytes, const std::string& what) {
  auto charge = account_.charge(bytes, what);
  if (!charge && give_up_unused()) charge = account_.charge(bytes, what);
  if (!charge) return tl::unexpected(charge.error());
  return {};
}

Outcome<SharedWeight> WeightStore::get(OpIndex op, WeightRole role, const Desc& wanted) {
  for (const Entry& entry : entries_)
    if (entry.op == op && entry.role == role && entry.weight->desc == wanted) return entry.weight;
  const Op& whose = model_.ops[static_cast<std::size_t>(op)];
  BT_TRY(buffer, allocate(static_cast<Bytes>(wanted.get_size()), "weights of " + whose.name));
  auto copy = std::make_shared<WeightCopy>(WeightCopy{wanted, std::move(buffer)});
  BT_TRY_VOID(make(whose, role, *copy));
  entries_.push_back({op, role, copy});
  return SharedWeight(std::move(copy));
}

void WeightStore::fill_plain(const Op& op, WeightRole role, std::int64_t count, DType dtype,
                             void* to) const {
  lanes_.for_each((count + kPart - 1) / kPart, [&](std::int64_t part) {
    constexpr std::int64_t kSlice = 1024;  // f32 values on the stack
    const std::int64_t end = std::min(count, (part + 1) * kPart);
    if (dtype == DType::f32)
      return values_.fill(
          op, role,
          {static_cast<float*>(to) + part * kPart, static_cast<std::size_t>(end - part * kPart)},
          part * kPart);
    float values[kSlice];
    for (std::int64_t first = part * kPart; first < end; first += kSlice) {
      const std::int64_t length = std::min(kSlice, end - first);
      values_.fill(op, role, {values, static_cast<std::size_t>(length)}, first);
      std::transform(values, values + length, static_cast<kernels::Bfloat16*>(to) + first,
                     kernels::to_bfloat16);
    }
  });
}

// Straight into the copy where it is as values are made; else by way of f32 values that are outside
// the account, and gone at the end.
Outcome<void> WeightStore::make(const Op& op, WeightRole role, const WeightCopy& copy) const {
  const std::int64_t count = count_of(model_, op, role);
  const Desc plain = plain_weight(model_, op, role, dtype_);
  Outcome<void> made;
  lanes_.within([&] {
    if (role != WeightRole::matrix || plain == copy.desc)
      return fill_plain(op, role, count, role == WeightRole::table ? dtype_ : DType::f32,
                        copy.buffer.buffer.data());
    const auto bytes = count * static_cast<Bytes>(sizeof(float));
    const auto values = kernels::AlignedBuffer::allocate(static_cast<std::size_t>(bytes));
    if (!values) {
      made = tl::unexpected(cpu::out_of_host_memory(bytes, "weights of " + op.name));
      return;
    }
    fill_plain(op, role, count, DType::f32, values.data());
    const Description reorder = describe_reorder(engine_, plain, copy.desc);
    const dnnl::memory from(plain, engine_, values.data());
    const dnnl::memory to(copy.desc, engine_, copy.buffer.buffer.data());
    dnnl::memory scratch(reorder.scratchpad_desc(), engine_);
    dnnl::stream stream(engine_);
    make_primitive(reorder).execute(
        stream, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, scratch}});
    stream.wait();
  });
  return made;
}

}  // namespace batchtune::onednn
