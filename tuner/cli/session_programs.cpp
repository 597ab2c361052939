#include "tuner/cli/session_programs.h"

#include <filesystem>
#include <system_error>

#include "tuner/backend/simulated/simulated.h"

namespace batchtune {
namespace {

constexpr char kCache[] = "cache=", kCompile[] = "compile=";

}  // namespace

SessionPrograms::SessionPrograms(const std::string& session_uuid) {
  std::error_code failed;
  const std::filesystem::path temporary = std::filesystem::temp_directory_path(failed);
  // A comma would end the parameter.
  if (!failed && temporary.string().find(',') == std::string::npos)
    folder_ = (temporary / ("batchtune-programs-" + session_uuid)).string();
}

SessionPrograms::~SessionPrograms() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string SessionPrograms::with_folder(const std::string& parameters) const {
  const bool compiles =
      names_accelerator(parameters) || parameters.find(kCompile) != std::string::npos;
  if (folder_.empty() || !compiles || parameters.find(kCache) != std::string::npos)
    return parameters;
  return parameters + "," + kCache + folder_;
}

}  // namespace batchtune
