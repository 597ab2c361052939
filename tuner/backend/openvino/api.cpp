#include "tuner/backend/openvino/api.h"

#include "tuner/backend/runtime/endings.h"

namespace batchtune::openvino {
namespace {

using runtime::Element;

template <typename Function>
void take(const runtime::SharedLibrary& library, const char* name, Function*& function,
          std::string& missing) {
  function = reinterpret_cast<Function*>(library.symbol(name));
  if (function == nullptr) missing += (missing.empty() ? "" : ", ") + std::string(name);
}

// The order of types from boolean on, which is the same in all versions; where it begins is not.
constexpr Element kFromBoolean[] = {Element::boolean, Element::bf16, Element::f16, Element::f32,
                                    Element::f64};
constexpr int kTypesBeforeI8 = 1;  // i4
constexpr Element kFromI8[] = {Element::i8, Element::i16, Element::i32, Element::i64};
constexpr Element kFromU8[] = {Element::u8, Element::u16, Element::u32, Element::u64};
constexpr int kMostSmallTypes =
    12;  // of less than a byte, between i64 and u8: more in each version

}  // namespace

Result<std::unique_ptr<Api>> Api::open(const std::string& path) {
  BT_TRY(library, runtime::SharedLibrary::open(path));
  std::unique_ptr<Api> api(new Api(std::move(library)));
  BT_TRY_VOID(api->bind_functions());
  Version version{};
  if (api->functions_.get_version(&version) == 0) {
    api->version_ = version.build_number;
    api->functions_.free_version(&version);
  }
  api->find_element_numbers();
  return api;
}

Status Api::bind_functions() {
  std::string missing, optional;
  Functions& f = functions_;
  take(library_, "ov_get_openvino_version", f.get_version, missing);
  take(library_, "ov_version_free", f.free_version, missing);
  take(library_, "ov_get_error_info", f.error_info, missing);
  take(library_, "ov_get_last_err_msg", f.last_error, optional);
  take(library_, "ov_free", f.free_text, missing);
  take(library_, "ov_core_create", f.create_core, missing);
  take(library_, "ov_core_free", f.free_core, missing);
  take(library_, "ov_core_read_model", f.read_file, missing);
  take(library_, "ov_core_read_model_from_memory_buffer", f.read_bytes, missing);
  take(library_, "ov_model_free", f.free_graph, missing);
  take(library_, "ov_model_inputs_size", f.inputs_size, missing);
  take(library_, "ov_model_const_input_by_name", f.input_by_name, missing);
  take(library_, "ov_model_outputs_size", f.outputs_size, missing);
  take(library_, "ov_model_const_input_by_index", f.input_at, missing);
  take(library_, "ov_model_const_output_by_index", f.output_at, missing);
  take(library_, "ov_port_get_any_name", f.port_name, missing);
  take(library_, "ov_port_get_element_type", f.port_element, missing);
  take(library_, "ov_output_const_port_free", f.free_port, missing);
  take(library_, "ov_port_get_partial_shape", f.port_shape, missing);
  take(library_, "ov_partial_shape_free", f.free_partial_shape, missing);
  take(library_, "ov_model_reshape", f.reshape, missing);
  take(library_, "ov_core_compile_model", f.compile, missing);
  take(library_, "ov_compiled_model_free", f.free_compiled, missing);
  take(library_, "ov_compiled_model_get_property", f.get_property, missing);
  take(library_, "ov_compiled_model_create_infer_request", f.create_request, missing);
  take(library_, "ov_infer_request_free", f.free_request, missing);
  take(library_, "ov_infer_request_get_tensor", f.get_tensor, missing);
  take(library_, "ov_infer_request_get_output_tensor_by_index", f.get_output_at, missing);
  take(library_, "ov_infer_request_set_tensor", f.set_tensor, missing);
  take(library_, "ov_infer_request_infer", f.infer, missing);
  take(library_, "ov_core_get_property", f.core_property, missing);
  take(library_, "ov_infer_request_get_profiling_info", f.node_profiles, missing);
  take(library_, "ov_profiling_info_list_free", f.free_node_profiles, missing);
  take(library_, "ov_tensor_create", f.create_tensor, missing);
  take(library_, "ov_tensor_free", f.free_tensor, missing);
  take(library_, "ov_tensor_get_shape", f.tensor_shape, missing);
  take(library_, "ov_shape_free", f.free_shape, missing);
  take(library_, "ov_tensor_get_element_type", f.tensor_element, missing);
  take(library_, "ov_tensor_get_byte_size", f.tensor_bytes, missing);
  take(library_, "ov_tensor_data", f.tensor_data, missing);
  if (missing.empty()) return {};
  return environment_error("the C library of OpenVINO 2023.0 or newer", "one without " + missing,
                           library_.path(), "Install a newer one, or give --runtime-library PATH");
}

// 0: no such type.
std::size_t Api::bytes_of_eight(int number) const {
  std::int64_t eight = 8;
  Tensor* tensor = nullptr;
  std::size_t bytes = 0;
  if (functions_.create_tensor(number, {1, &eight}, &tensor) != 0) return 0;
  (void)functions_.tensor_bytes(tensor, &bytes);
  functions_.free_tensor(tensor);
  return bytes;
}

// In libraries up to 2024 an undefined type comes first, before the dynamic one, and f32 is 5
// instead of 4. Eight values tell every small type from a whole byte.
void Api::find_element_numbers() {
  constexpr int kF32 = 4, kF32Before = 5;
  constexpr std::size_t kBytesOfEight = 8 * sizeof(float);
  int number = (bytes_of_eight(kF32) == kBytesOfEight ? kF32 : kF32Before) - 3;
  for (const Element element : kFromBoolean) elements_.emplace_back(number++, element);
  number += kTypesBeforeI8;
  for (const Element element : kFromI8) elements_.emplace_back(number++, element);
  for (int small = 0; small < kMostSmallTypes && bytes_of_eight(number) != 8; ++small) ++number;
  for (const Element element : kFromU8) elements_.emplace_back(number++, element);
}

std::optional<Element> Api::element_of(int number) const {
  for (const auto& [theirs, ours] : elements_)
    if (theirs == number) return ours;
  return std::nullopt;
}

Outcome<void> Api::check(const char* what, int status) const {
  if (status == 0) return {};
  std::string message = functions_.error_info(status);
  if (functions_.last_error != nullptr)
    if (const char* text = functions_.last_error(); text != nullptr) {
      if (*text != '\0') message = text;
      functions_.free_text(text);
    }
  return tl::unexpected(runtime::ending_of_message(
      std::string("OpenVINO could not ") + what, message,
      status == kNotImplemented ? runtime::Refusal::cannot : runtime::Refusal::fault));
}

std::string Api::name_of(const Port* port) const {
  char* text = nullptr;
  if (functions_.port_name(port, &text) != 0 || text == nullptr) return "";
  std::string name = text;
  functions_.free_text(text);
  return name;
}

std::string Api::property(const CompiledModel* model, const char* key) const {
  char* text = nullptr;
  if (functions_.get_property(model, key, &text) != 0 || text == nullptr) return "";
  std::string value = text;
  functions_.free_text(text);
  return value;
}

std::string Api::device_property(const Core& core, const char* device, const char* key) const {
  char* text = nullptr;
  if (functions_.core_property(&core, device, key, &text) != 0 || text == nullptr) return "";
  std::string value = text;
  functions_.free_text(text);
  return value;
}

}  // namespace batchtune::openvino
