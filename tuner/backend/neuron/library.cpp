#include "tuner/backend/neuron/library.h"

#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "tuner/backend/command/printed_lines.h"
#include "tuner/backend/neuron/captured_log.h"
#include "tuner/backend/neuron/endings.h"

namespace batchtune::neuron {
namespace {

constexpr char kDeviceFile[] = "/dev/neuron0";
constexpr char kInstallRuntime[] =
    "Install aws-neuronx-runtime-lib from https://apt.repos.neuron.amazonaws.com, or give "
    "library=PATH";
constexpr char kInstallDriver[] =
    "Run on an inf2, trn1, trn2 or trn3 instance and install aws-neuronx-dkms";

Result<runtime::SharedLibrary> open_library(const std::string& given) {
  if (!given.empty()) return runtime::SharedLibrary::open(given);
  auto library = runtime::SharedLibrary::open(kLibraryFile);
  if (!library)
    library = runtime::SharedLibrary::open(std::string(kLibraryFolder) + "/" + kLibraryFile);
  return library;
}

template <typename Function>
bool find(const runtime::SharedLibrary& library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(library.symbol(name));
  return function != nullptr;
}

}  // namespace

Result<std::unique_ptr<Library>> Library::open(const std::string& given) {
  auto opened = open_library(given);
  if (!opened)
    return environment_error(
        "AWS Neuron's runtime, " + std::string(kLibraryFile), opened.error().found,
        given.empty() ? "the loader's folders and " + std::string(kLibraryFolder) : given,
        kInstallRuntime);
  std::unique_ptr<Library> library(new Library(std::move(*opened)));
  BT_TRY_VOID(library->find_functions());
  BT_TRY_VOID(library->initialise());
  return library;
}

Library::~Library() {
  if (is_open_) call_.close();
}

Status Library::find_functions() {
  const char* missing = nullptr;
  const auto need = [&](const char* name, auto*& function) {
    if (!find(library_, name, function) && missing == nullptr) missing = name;
  };
  need("nrt_init", call_.init);
  need("nrt_close", call_.close);
  need("nrt_load", call_.load);
  need("nrt_unload", call_.unload);
  need("nrt_get_model_tensor_info", call_.get_model_tensor_info);
  need("nrt_free_model_tensor_info", call_.free_model_tensor_info);
  need("nrt_tensor_allocate", call_.tensor_allocate);
  need("nrt_tensor_free", call_.tensor_free);
  need("nrt_tensor_write", call_.tensor_write);
  need("nrt_tensor_read", call_.tensor_read);
  need("nrt_allocate_tensor_set", call_.allocate_tensor_set);
  need("nrt_destroy_tensor_set", call_.destroy_tensor_set);
  need("nrt_add_tensor_to_tensor_set", call_.add_tensor_to_tensor_set);
  need("nrt_execute", call_.execute);
  if (missing != nullptr)
    return environment_error("AWS Neuron's runtime with its interface of version 2",
                             "one without " + std::string(missing), path(), kInstallRuntime);
  find(library_, "nrt_get_version", call_.get_version);
  find(library_, "nrt_get_instance_info", call_.get_instance_info);
  find(library_, "nrt_get_visible_vnc_count", call_.get_visible_vnc_count);
  find(library_, "nrt_get_vnc_memory_stats", call_.get_vnc_memory_stats);
  return {};
}

Status Library::initialise() {
  if (call_.get_version != nullptr) {
    Version version{};
    if (call_.get_version(&version, sizeof(version)) == kSuccess) version_ = version;
  }
  CapturedLog log;
  const NrtStatus status = call_.init(kNoFramework, "", "");
  if (status == kSuccess) {
    is_open_ = true;
    return {};
  }
  const std::string told = log.telling_line();
  std::string found = "nrt_init gave " + name_of(status) + (told.empty() ? "" : ": " + told);
  std::error_code ignored;
  if (!std::filesystem::exists(kDeviceFile, ignored))
    return environment_error("a Neuron device", "no " + std::string(kDeviceFile) + "; " + found,
                             path(), kInstallDriver);
  return environment_error(
      "a free NeuronCore and a driver that fits the runtime", std::move(found), path(),
      "See which process holds the cores (neuron-ls), or update aws-neuronx-dkms");
}

std::string Library::version() const {
  if (!version_) return "of unknown version";
  std::string text = std::to_string(version_->major) + "." + std::to_string(version_->minor) + "." +
                     std::to_string(version_->patch);
  const std::string detail(version_->detail, strnlen(version_->detail, sizeof(version_->detail)));
  if (!detail.empty()) text += " (" + command::made_printable(detail) + ")";
  return text;
}

bool Library::has_large_tensors() const {
  constexpr std::uint64_t kMajor = 2, kMinor = 30;
  return version_ &&
         (version_->major > kMajor || (version_->major == kMajor && version_->minor >= kMinor));
}

std::optional<InstanceInfo> Library::instance() const {
  InstanceInfo info{};
  if (call_.get_instance_info == nullptr ||
      call_.get_instance_info(&info, sizeof(info)) != kSuccess)
    return std::nullopt;
  return info;
}

std::optional<int> Library::cores() const {
  std::uint32_t count = 0;
  if (call_.get_visible_vnc_count == nullptr || call_.get_visible_vnc_count(&count) != kSuccess)
    return std::nullopt;
  return static_cast<int>(count);
}

std::optional<MemoryStats> Library::memory(int core) const {
  MemoryStats stats{};
  std::size_t written = 0;
  if (call_.get_vnc_memory_stats == nullptr ||
      call_.get_vnc_memory_stats(static_cast<std::uint32_t>(core), &stats, sizeof(stats), &written) != kSuccess ||
      written < sizeof(stats))
    return std::nullopt;
  return stats;
}

}  // namespace batchtune::neuron
