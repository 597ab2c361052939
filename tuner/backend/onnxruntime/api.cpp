#include "tuner/backend/onnxruntime/api.h"

#include "tuner/backend/runtime/endings.h"

namespace batchtune::onnxruntime {
namespace {

constexpr char kEntryPoint[] = "OrtGetApiBase";

// What the library's one exported function gives.
struct ApiBase {
  const void* (*get_api)(std::uint32_t version);  // nullptr: a version that it lacks
  const char* (*get_version_string)();
};

}  // namespace

Result<std::unique_ptr<Api>> Api::open(const std::string& path) {
  BT_TRY(library, runtime::SharedLibrary::open(path));
  const auto get_base = reinterpret_cast<const ApiBase* (*)()>(library.symbol(kEntryPoint));
  if (get_base == nullptr)
    return environment_error("the library of ONNX Runtime",
                             std::string("one without ") + kEntryPoint, path);
  const ApiBase* const base = get_base();
  std::string version = base->get_version_string();
  const void* const table = base->get_api(kApiVersion);
  if (table == nullptr)
    return environment_error(
        "an ONNX Runtime with version " + std::to_string(kApiVersion) + " of its C interface (1." +
            std::to_string(kApiVersion) + " or newer)",
        "ONNX Runtime " + version, path, "Install a newer one, or give --runtime-library PATH");
  return std::unique_ptr<Api>(
      new Api(std::move(library), static_cast<const Slot*>(table), std::move(version)));
}

Ending Api::ending_of(const char* what, Status* status) const {
  const Owned<Status> owned = own(status);
  const bool cannot =
      call(entry::get_error_code, static_cast<const Status*>(status)) == ErrorCode::not_implemented;
  return runtime::ending_of_message(
      std::string("ONNX Runtime could not ") + what,
      call(entry::get_error_message, static_cast<const Status*>(status)),
      cannot ? runtime::Refusal::cannot : runtime::Refusal::fault);
}

}  // namespace batchtune::onnxruntime
