#include "tuner/backend/openvino/options.h"

#include <array>
#include <string_view>

#include "tuner/backend/runtime/parameters.h"

namespace batchtune::openvino {
namespace {

constexpr char kWhere[] = "openvino";
constexpr std::array<runtime::Parameter, 6> kParameters{
    {{"library", "/path", "libopenvino_c.so (looked for)"},
     {"hint", "latency, throughput", "its performance hint (the runtime's)"},
     {"pinning", "0, 1", "whether its threads keep to CPUs (the runtime's)"},
     {"denormals", "0, 1", "whether they are computed, or taken as zero (the runtime's)"},
     {"dynamic", "0, 1", "one compiled model with its batch left open, not one for each batch (0)"},
     {"found", "words", ""}}};

}  // namespace

std::span<const runtime::Parameter> parameters() {
  return kParameters;
}

Result<CompileSettings> parse_settings(const std::string& parameters) {
  CompileSettings settings;
  BT_TRY(given, runtime::parse_parameters(parameters, kParameters, kWhere));
  for (const auto& [name, text] : given) {
    const std::string where = std::string(kWhere) + ", " + name;
    if (name == "library") {
      settings.library = text;
    } else if (name == "found") {
      settings.found = text;
    } else if (name == "hint") {
      if (text != "latency" && text != "throughput")
        return bad_input("latency or throughput", "\"" + text + "\"", where);
      settings.hint = text;
    } else {
      BT_TRY(on, runtime::parse_switch(text, where));
      if (name == "pinning")
        settings.pinning = text;
      else if (name == "denormals")
        settings.denormals = text;
      else
        settings.dynamic = on;
    }
  }
  return settings;
}

bool computes_in(DType dtype) {
  return dtype == DType::f32 || dtype == DType::bf16;
}

Properties properties_of(const CompileSettings& settings, const CandidateGroup& group) {
  Properties properties{{kPrecisionKey, std::string(name_of(group.dtype))},
                        {"INFERENCE_NUM_THREADS", std::to_string(group.threads * group.instances)},
                        {"NUM_STREAMS", std::to_string(group.instances)}};
  if (!settings.hint.empty())
    properties.emplace_back("PERFORMANCE_HINT",
                            settings.hint == "latency" ? "LATENCY" : "THROUGHPUT");
  if (!settings.pinning.empty())
    properties.emplace_back("ENABLE_CPU_PINNING", settings.pinning == "1" ? "YES" : "NO");
  if (!settings.denormals.empty())
    properties.emplace_back("CPU_DENORMALS_OPTIMIZATION", settings.denormals == "1" ? "NO" : "YES");
  return properties;
}

}  // namespace batchtune::openvino
