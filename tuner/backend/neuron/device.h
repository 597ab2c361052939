// Which device a runtime reports, what the compiler calls it, and what one of its NeuronCores can
// do by AWS's figures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tuner/core/device.h"

namespace batchtune::neuron {

struct CoreFigures {
  std::string_view target;  // of neuronx-cc; "" where it compiles for no such device
  std::string_view title;
  double bf16 = 0, f32 = 0;          // FLOP/s of a core
  double memory = 0, bandwidth = 0;  // bytes and bytes/s of a core's share
  std::string_view source;
  bool joined = false;  // the figures are of two physical cores in one logical: LNC=2, its default
};

// nullptr where nothing is known of it. `family`: of nrt_get_instance_info.
const CoreFigures* figures_of_family(std::uint32_t family);
const CoreFigures* figures_of_target(std::string_view target);

// "1" or "2" physical cores in a logical one: what was said, else the default of the device; "" where it
// has no such thing, or is not known.
std::string lnc_of(const CoreFigures* figures, const std::string& said);

// One NeuronCore, of which a process may have several. `memory_limit`: what the runtime says that it
// has; `lnc`: lnc_of().
DeviceInfo describe_core(const CoreFigures* figures, std::optional<double> memory_limit,
                         const std::string& lnc);

}  // namespace batchtune::neuron
