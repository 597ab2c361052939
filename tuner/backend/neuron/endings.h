// How a trial ended, from what libnrt returned and logged, and from what neuronx-cc printed. The
// texts are those of AWS's documents and of issues at aws-neuron/aws-neuron-sdk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/command/rules.h"
#include "tuner/backend/neuron/abi.h"

namespace batchtune::neuron {

std::string name_of(NrtStatus status);  // "NRT_RESOURCE (4)"; "NRT_STATUS 77"

// Where in the life of a program a call was made: what NRT_RESOURCE means depends on it.
enum class Step { load, allocate, transfer, execute, describe };

// Of a call that did not succeed. `log`: what the runtime wrote meanwhile; "" for nothing.
// NRT_RESOURCE is out_of_memory of the device, unless the log names another resource.
Ending ending_of_call(Step step, const char* function, NrtStatus status, const std::string& log);

const std::vector<command::Rule>& log_rules();  // lines of libnrt's log
const std::vector<command::Rule>&
compiler_rules();  // lines that neuronx-cc prints; `where` is "compile" for the device's

// In words, of an ending by one of compiler_rules().
std::string reason_of_compiler(const Ending& ending);

}  // namespace batchtune::neuron
