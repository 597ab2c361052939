#include "tuner/cli/openmp.h"

#include <cstdlib>
#include <string_view>

#include "tuner/backend/backend_list.h"
#include "tuner/cli/host.h"

namespace batchtune {
namespace {

constexpr std::string_view kBackendWithOpenMp = "onednn";
constexpr char kParameter[] = "spinning";
constexpr char kVariable[] = "GOMP_SPINCOUNT";  // of libgomp; wins over OMP_WAIT_POLICY

// The parameter's value in the spec; "" where it is not there.
std::string given_in(const std::string& parameters) {
  const std::string name = std::string(kParameter) + "=";
  const std::size_t at = parameters.starts_with(name) ? 0 : parameters.find("," + name);
  if (at == std::string::npos) return "";
  const std::size_t begin = parameters.find('=', at) + 1;
  return parameters.substr(begin, parameters.find(',', begin) - begin);
}

}  // namespace

std::string with_openmp_spinning(const std::string& spec) {
  const auto [name, parameters] = split_backend_spec(spec);
  if (name != kBackendWithOpenMp) return spec;
  if (const std::string given = given_in(parameters); !given.empty()) {
    setenv(kVariable, given.c_str(), 1);
    return spec;
  }
  for (const char* variable : {kVariable, "OMP_WAIT_POLICY"})
    if (const auto value = environment_variable(variable))
      return with_parameter(spec, kParameter, *value);
  setenv(kVariable, kSpinningPauses, 1);
  return with_parameter(spec, kParameter, kSpinningPauses);
}

}  // namespace batchtune
