#include "tuner/backend/neuron/handles.h"

#include <cstring>

#include "tuner/backend/neuron/captured_log.h"
#include "tuner/backend/neuron/endings.h"

namespace batchtune::neuron {
namespace {

constexpr std::size_t kOverflow = std::size_t{4} << 30;

Outcome<void> check(Step step, const char* function, NrtStatus status,
                    const std::string& log = "") {
  if (status == kSuccess) return {};
  return tl::unexpected(ending_of_call(step, function, status, log));
}

NeffTensor described(const TensorInfo& info) {
  NeffTensor tensor;
  tensor.name.assign(info.name, strnlen(info.name, sizeof(info.name)));
  tensor.bytes = info.size;
  tensor.type = info.type;
  for (std::uint32_t i = 0; i < info.ndim && info.shape != nullptr; ++i)
    tensor.shape.push_back(info.shape[i]);
  return tensor;
}

}  // namespace

Outcome<Tensor> Tensor::allocate(const Library& library, int core, const std::string& name,
                                 std::size_t bytes) {
  if (bytes >= kOverflow && !library.has_large_tensors())
    return tl::unexpected(
        Ending{TrialStatus::unsupported,
               "tensors of 4 GiB and more need a runtime of version 2.30 or newer",
               name + ": " + std::to_string(bytes) + " bytes; runtime " + library.version(), ""});
  NrtTensor* handle = nullptr;
  CapturedLog log;
  const NrtStatus status =
      library.call().tensor_allocate(kPlacementDevice, core, bytes, name.c_str(), &handle);
  BT_TRY_VOID(check(Step::allocate, "nrt_tensor_allocate", status, log.text()));
  return Tensor(library, handle, bytes);
}

Tensor::Tensor(Tensor&& other) noexcept
    : library_(other.library_),
      handle_(std::exchange(other.handle_, nullptr)),
      bytes_(other.bytes_) {}

Tensor::~Tensor() {
  if (handle_ != nullptr) library_->call().tensor_free(&handle_);
}

Outcome<void> Tensor::write(const void* from, std::size_t offset, std::size_t bytes) {
  return check(Step::transfer, "nrt_tensor_write",
               library_->call().tensor_write(handle_, from, offset, bytes));
}

Outcome<void> Tensor::read(void* to, std::size_t offset, std::size_t bytes) const {
  return check(Step::transfer, "nrt_tensor_read",
               library_->call().tensor_read(handle_, to, offset, bytes));
}

Outcome<TensorSet> TensorSet::make(const Library& library) {
  NrtTensorSet* handle = nullptr;
  BT_TRY_VOID(check(Step::allocate, "nrt_allocate_tensor_set",
                    library.call().allocate_tensor_set(&handle)));
  return TensorSet(library, handle);
}

TensorSet::TensorSet(TensorSet&& other) noexcept
    : library_(other.library_), handle_(std::exchange(other.handle_, nullptr)) {}

TensorSet::~TensorSet() {
  if (handle_ != nullptr) library_->call().destroy_tensor_set(&handle_);
}

Outcome<void> TensorSet::add(const std::string& name, const Tensor& tensor) {
  return check(Step::allocate, "nrt_add_tensor_to_tensor_set",
               library_->call().add_tensor_to_tensor_set(handle_, name.c_str(), tensor.handle_));
}

Outcome<LoadedNeff> LoadedNeff::load(const Library& library, int core, const std::string& neff) {
  NrtModel* handle = nullptr;
  CapturedLog log;
  const NrtStatus status =
      library.call().load(neff.data(), neff.size(), core, kCoreCount, &handle);
  BT_TRY_VOID(check(Step::load, "nrt_load", status, log.text()));
  LoadedNeff loaded(library, handle);
  BT_TRY_VOID(loaded.read_tensors());
  return loaded;
}

LoadedNeff::LoadedNeff(LoadedNeff&& other) noexcept
    : library_(other.library_),
      handle_(std::exchange(other.handle_, nullptr)),
      inputs_(std::move(other.inputs_)),
      outputs_(std::move(other.outputs_)) {}

LoadedNeff::~LoadedNeff() {
  if (handle_ != nullptr) library_->call().unload(handle_);
}

Outcome<void> LoadedNeff::read_tensors() {
  TensorInfoArray* infos = nullptr;
  const NrtStatus status = library_->call().get_model_tensor_info(handle_, &infos);
  BT_TRY_VOID(check(Step::describe, "nrt_get_model_tensor_info", status));
  const TensorInfo* const first = &infos->first;
  for (std::uint64_t i = 0; i < infos->count; ++i)
    (first[i].usage == kUsageInput ? inputs_ : outputs_).push_back(described(first[i]));
  library_->call().free_model_tensor_info(infos);
  return {};
}

NrtStatus LoadedNeff::execute(const TensorSet& inputs, const TensorSet& outputs) const {
  return library_->call().execute(handle_, inputs.handle(), outputs.handle());
}

}  // namespace batchtune::neuron
