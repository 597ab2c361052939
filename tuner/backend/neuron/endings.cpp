#include "tuner/backend/neuron/endings.h"

#include <utility>

#include "tuner/backend/command/printed_lines.h"

namespace batchtune::neuron {
namespace {

constexpr std::pair<NrtStatus, const char*> kNames[] = {
    {kSuccess, "NRT_SUCCESS"},
    {kFailure, "NRT_FAILURE"},
    {kInvalid, "NRT_INVALID"},
    {kInvalidHandle, "NRT_INVALID_HANDLE"},
    {kResource, "NRT_RESOURCE"},
    {kTimeout, "NRT_TIMEOUT"},
    {kHardwareError, "NRT_HW_ERROR"},
    {kQueueFull, "NRT_QUEUE_FULL"},
    {kNotEnoughCores, "NRT_LOAD_NOT_ENOUGH_NC"},
    {kUnsupportedNeff, "NRT_UNSUPPORTED_NEFF_VERSION"},
    {kHostMemory, "NRT_FAIL_HOST_MEM_ALLOC"},
    {kUninitialized, "NRT_UNINITIALIZED"},
    {kClosed, "NRT_CLOSED"},
    {15, "NRT_QUEUE_EMPTY"},
    {1100, "NRT_COLL_PENDING"},
    {1206, "NRT_NETWORK_PROXY_FAILURE"},
    {kUnrecoverable, "NRT_EXEC_UNIT_UNRECOVERABLE"},
    {kBadInput, "NRT_EXEC_BAD_INPUT"},
    {kNumericalError, "NRT_EXEC_COMPLETED_WITH_NUM_ERR"},
    {kCompletedWithError, "NRT_EXEC_COMPLETED_WITH_ERR"},
    {kCoreBusy, "NRT_EXEC_NC_BUSY"},
    {kOutOfBounds, "NRT_EXEC_OOB"},
    {1200, "NRT_EXEC_HW_ERR_COLLECTIVES"},
    {1201, "NRT_EXEC_HW_ERR_HBM_UE"},
    {1202, "NRT_EXEC_HW_ERR_NC_UE"},
    {1203, "NRT_EXEC_HW_ERR_DMA_ABORT"},
    {1204, "NRT_EXEC_SW_NQ_OVERFLOW"},
    {kRepairableMemoryError, "NRT_EXEC_HW_ERR_REPAIRABLE_HBM_UE"},
};

bool is_hardware(NrtStatus status) {
  return status == kHardwareError || status == kUnrecoverable || status == kRepairableMemoryError ||
         (status >= kFirstHardwareError && status <= kLastHardwareError);
}

const char* words_of(Step step) {
  switch (step) {
    case Step::load:
      return "loading the program on the core";
    case Step::allocate:
      return "allocating its tensors";
    case Step::transfer:
      return "moving its tensors";
    case Step::execute:
      return "executing it";
    case Step::describe:
      return "describing its tensors";
  }
  return "";
}

struct Verdict {
  TrialStatus status;
  const char* reason;
  const char* where = "";
};

Verdict verdict_of(NrtStatus status, TrialStatus by_log) {
  if (is_hardware(status)) return {TrialStatus::failed, "the device reports a hardware error"};
  switch (status) {
    case kResource:
      if (by_log == TrialStatus::failed)
        return {TrialStatus::failed, "a resource of the device that is no memory ended"};
      return {TrialStatus::out_of_memory, "the memory of the device ended", "device"};
    case kHostMemory:
      return {TrialStatus::out_of_memory, "the memory of the host ended", "host"};
    case kTimeout:
      return {TrialStatus::timeout, "the device did not answer in time"};
    case kNotEnoughCores:
      return {TrialStatus::unsupported,
              "the program is for more NeuronCores than this process has"};
    case kUnsupportedNeff:
      return {TrialStatus::unsupported,
              "the runtime is too old for what the compiler wrote, or another device's"};
    case kNumericalError:
      return {TrialStatus::wrong_result, "the result has values that are no numbers"};
    case kBadInput:
      return {TrialStatus::failed, "the device refuses the inputs"};
    case kCoreBusy:
      return {TrialStatus::failed, "the NeuronCore is busy with another program"};
    default:
      return {TrialStatus::failed, "the runtime failed"};
  }
}

}  // namespace

std::string name_of(NrtStatus status) {
  for (const auto& [value, name] : kNames)
    if (value == status) return std::string(name) + " (" + std::to_string(value) + ")";
  return "NRT_STATUS " + std::to_string(status);
}

Ending ending_of_call(Step step, const char* function, NrtStatus status, const std::string& log) {
  command::PrintedLines lines(log_rules());
  lines.add(log);
  lines.finish();
  const bool ruled = lines.rule() < log_rules().size();
  const Verdict verdict =
      verdict_of(status, ruled ? log_rules()[lines.rule()].status : TrialStatus::ok);
  std::string evidence = std::string(function) + " gave " + name_of(status);
  if (ruled)
    evidence += "; log: " + lines.telling_line();
  else if (!lines.last().empty())
    evidence += "; log: " + lines.last().back();
  return {verdict.status, std::string(verdict.reason) + " while " + words_of(step),
          std::move(evidence), verdict.where};
}

// Other resources come first: their lines may speak of allocating as well.
const std::vector<command::Rule>& log_rules() {
  static const std::vector<command::Rule> rules = {
      {"queue set", TrialStatus::failed, ""},
      {"init_sp_resource", TrialStatus::failed, ""},
      {"semaphore", TrialStatus::failed, ""},
      {"efa ", TrialStatus::failed, ""},
      {"failed to allocate", TrialStatus::out_of_memory, "device"},
      {"failed to alloc", TrialStatus::out_of_memory, "device"},
      {"mc_alloc", TrialStatus::out_of_memory, "device"},
  };
  return rules;
}

// Host and crash come first: they are told in the last line, whatever the compiler had warned of
// before.
const std::vector<command::Rule>& compiler_rules() {
  constexpr TrialStatus kNoMemory = TrialStatus::out_of_memory, kCannot = TrialStatus::unsupported;
  static const std::vector<command::Rule> rules = {
      {"[f137]", kNoMemory, "host"},
      {"forcibly killed", kNoMemory, "host"},
      {"memoryerror", kNoMemory, "host"},
    {"failed with -9", kNoMemory, "host"},
      {"ncc_eoom", kNoMemory, "compile"},
      {"ncc_evrf009", kNoMemory, "compile"},
      {"ncc_exsp001", kNoMemory, "compile"},
      {"exceeds hbm limit", kNoMemory, "compile"},
      {"xcg815", kNoMemory, "compile"},
      {"won't be able to load on chip", kNoMemory, "compile"},
      {"ncc_evrf024", kCannot, ""},  // a tensor above 4 GB
      {"ncc_evrf007", kCannot, ""},  // too many instructions, as the next four
      {"ncc_ebvf030", kCannot, ""},
      {"ncc_extp004", kCannot, ""},
      {"too many instructions", kCannot, ""},
      {"instructions generated exceeds", kCannot, ""},
      {"[nla001]", kCannot, ""},  // no room in the on-chip memory, as the next
      {"[gca035]", kCannot, ""},
      {"ncc_emod025", kCannot, ""},
      {"ncc_earg", TrialStatus::failed, ""},
      {"ncc_evrf", TrialStatus::failed, ""},
      {"[f134]", TrialStatus::crashed, ""},
      {"[f139]", TrialStatus::crashed, ""},
      {"terminated abnormally", TrialStatus::crashed, ""},
  };
  return rules;
}

std::string reason_of_compiler(const Ending& ending) {
  switch (ending.status) {
    case TrialStatus::out_of_memory:
      return ending.where == "host"
                 ? "neuronx-cc took more memory than the host has"
                 : "neuronx-cc says that the program needs more memory than the device has";
    case TrialStatus::unsupported:
      return "neuronx-cc cannot compile a program of this size for the device";
    case TrialStatus::crashed:
      return "neuronx-cc crashed";
    default:
      return "neuronx-cc failed";
  }
}

}  // namespace batchtune::neuron
