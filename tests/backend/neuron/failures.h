// Every failure that AWS's documents and issues tell of, as the stand-ins are told to make it, and what
// must become of it. `test_neuron "[.table]"` prints it as the table of tuner/backend/neuron/README.md.
#pragma once

#include "tuner/core/observation.h"

namespace batchtune::test {

struct Failure {
  const char* what;      // in the table; "" for a further row of the same class
  const char* runtime;   // of the stand-in for libnrt
  const char* compiler;  // of the stand-in for neuronx-cc
  TrialStatus status;
  const char* where;
  const char* evidence;  // has this in it
};

inline constexpr TrialStatus kNoMemory = TrialStatus::out_of_memory,
                             kCannot = TrialStatus::unsupported, kFailed = TrialStatus::failed,
                             kCrashed = TrialStatus::crashed, kTimeout = TrialStatus::timeout,
                             kWrong = TrialStatus::wrong_result;

inline constexpr Failure kFailures[] = {
    {"", "", "", TrialStatus::ok, "", ""},
    // The device's memory: which call finds no room depends on what the program needs it for.
    {"weights do not fit (nrt_tensor_allocate)", "memory=10000", "", kNoMemory, "device",
     "nrt_tensor_allocate gave NRT_RESOURCE (4); log: "},
    {"code and scratch memory do not fit (nrt_load)", "memory=200000", "", kNoMemory, "device",
     "nrt_load gave NRT_RESOURCE (4); log: "},
    {"inputs and outputs do not fit (nrt_tensor_allocate)", "memory=1118000", "", kNoMemory,
     "device", "(usage: tensors) on ND 0:NC 0"},
    {"", "allocate=4", "", kNoMemory, "device", "nrt_tensor_allocate gave NRT_RESOURCE (4)"},
    {"", "load=4;log=TDRV Failed to allocate 1.000GB (usage: shared scratchpad)", "", kNoMemory,
     "device", "nrt_load gave NRT_RESOURCE (4); log: TDRV Failed to allocate 1.000GB"},
    {"", "load=4;log=NMGR:kmgr_load_nn_post_metrics Failed to load NN: x.neff, err: 4", "",
     kNoMemory, "device", "Failed to load NN"},
    {"", "allocate=4;log=neuron:mc_alloc: device mempool [0:0] total 1073741568", "", kNoMemory,
     "device", "mc_alloc"},
    {"DMA rings do not fit (nrt_execute)",
     "execute=4;log=Failed to allocate 13.107MB (usage: dma rings)", "", kNoMemory, "device",
     "nrt_execute gave NRT_RESOURCE (4); log: Failed to allocate 13.107MB (usage: dma rings)"},
    {"", "execute=4;execute_from=3", "", kNoMemory, "device", "nrt_execute"},
    // Other resources have the same code.
    {"queue sets, semaphores or EFA buffers ended",
     "load=4;log=init_sp_resource failed ret=4", "", kFailed, "", "log: init_sp_resource"},
    {"", "load=4;log=too many queue sets: 600", "", kFailed, "", "queue sets"},
    {"", "load=4;log=EFA buffer is too small, failed to allocate", "", kFailed, "", "EFA"},
    {"host memory ended in the runtime", "load=11", "", kNoMemory, "host",
     "NRT_FAIL_HOST_MEM_ALLOC (11)"},
    {"NEFF of another version or device", "load=10", "", kCannot, "",
     "NRT_UNSUPPORTED_NEFF_VERSION (10)"},
    {"NEFF for more cores than there are", "load=9", "", kCannot, "",
     "NRT_LOAD_NOT_ENOUGH_NC (9)"},
    {"execution beyond NEURON_RT_EXEC_TIMEOUT", "execute=5", "", kTimeout, "", "NRT_TIMEOUT (5)"},
    {"hardware error", "execute=6", "", kFailed, "", "NRT_HW_ERROR (6)"},
    {"", "execute=101", "", kFailed, "", "NRT_EXEC_UNIT_UNRECOVERABLE (101)"},
    {"", "execute=1200", "", kFailed, "", "HW_ERR_COLLECTIVES"},
    {"", "execute=1201", "", kFailed, "", "HBM_UE"},
    {"", "execute=1202", "", kFailed, "", "NC_UE"},
    {"", "execute=1203", "", kFailed, "", "DMA_ABORT"},
    {"", "execute=1205", "", kFailed, "", "REPAIRABLE_HBM_UE"},
    {"values that are no numbers", "execute=1003", "", kWrong, "", "NUM_ERR"},
    {"core busy with another program", "execute=1005", "", kFailed, "", "NC_BUSY"},
    {"any other status", "execute=1002", "", kFailed, "", "NRT_EXEC_BAD_INPUT (1002)"},
    {"", "execute=1004", "", kFailed, "", "NRT_EXEC_COMPLETED_WITH_ERR (1004)"},
    {"", "execute=1006", "", kFailed, "", "NRT_EXEC_OOB (1006)"},
    {"", "execute=1204", "", kFailed, "", "NRT_EXEC_SW_NQ_OVERFLOW (1204)"},
    {"", "execute=7", "", kFailed, "", "NRT_QUEUE_FULL (7)"},
    {"", "execute=14", "", kFailed, "", "NRT_CLOSED (14)"},
    {"", "execute=1;log=Incompatible runtime state: NRT_STATE_CHILD", "", kFailed, "",
     "NRT_STATE_CHILD"},
    {"", "execute=4242", "", kFailed, "", "NRT_STATUS 4242"},
    {"", "info=2", "", kFailed, "", "nrt_get_model_tensor_info gave NRT_INVALID (2)"},
    {"", "write=3", "", kFailed, "", "nrt_tensor_write gave NRT_INVALID_HANDLE (3)"},
    {"", "read=1", "", kFailed, "", "nrt_tensor_read gave NRT_FAILURE (1)"},
    // The compiler.
    {"the compiler finds the device's memory too small", "", "hbm=1000", kNoMemory, "compile",
     "NCC_EOOM002"},
    {"", "", "error=ERROR: [NCC_EOOM001] not enough HBM", kNoMemory, "compile", "NCC_EOOM001"},
    {"", "",
     "error=[XCG815] Estimated peak HBM usage (22.839451) exceeds 16GB. Neff won't be able to "
     "load on chip",
     kNoMemory, "compile", "XCG815"},
    {"", "",
     "error=ERROR: [NCC_EVRF009] Size of total input and output tensors exceeds HBM limit of "
     "Trainium2",
     kNoMemory, "compile", "NCC_EVRF009"},
    {"", "",
     "log=[NCC_EXSP001] Size of HBM memory required for the model exceeds HBM limit of trn1",
     kNoMemory, "compile", "log-neuron-cc.txt: "},
    {"the compiler takes the host's memory (F137, SIGKILL)", "",
     "error=[F137] neuronx-cc was forcibly killed - This most commonly occurs due to insufficient "
     "system memory",
     kNoMemory, "host", "F137"},
    {"", "", "error=neuronx-cc failed with -9", kNoMemory, "host", "failed with -9"},
    {"", "", "error=MemoryError", kNoMemory, "host", "MemoryError"},
    {"", "", "exit=137", kNoMemory, "host", "signal 9"},
    {"", "", "signal=9", kNoMemory, "host", "signal 9"},
    {"too many instructions", "",
     "error=[NCC_EVRF007] the number of instructions generated exceeds the limit", kCannot, "",
     "NCC_EVRF007"},
    {"", "", "error=NCC_EBVF030 graph", kCannot, "", "NCC_EBVF030"},
    {"", "", "error=NCC_EXTP004 graph", kCannot, "", "NCC_EXTP004"},
    {"", "", "error=Compiler generated too many instructions (6888787)", kCannot, "", "6888787"},
    {"a tensor above 4 GB, in the compiler", "", "error=NCC_EVRF024 Output tensor size exceeds 4GB",
     kCannot, "", "NCC_EVRF024"},
    {"no room in the on-chip memory", "",
     "error=[GCA035] Instruction I-1 couldn't be allocated in SB", kCannot, "", "GCA035"},
    {"", "", "error=[NLA001] Allocated memory out of bound {0}@SB<1>", kCannot, "", "NLA001"},
    {"the compiler crashes", "", "error=[F139] neuronx-cc terminated abnormally", kCrashed, "",
     "F139"},
    {"", "", "error=[F134] neuronx-cc terminated abnormally", kCrashed, "", "F134"},
    {"", "", "signal=11", kCrashed, "", "signal 11"},
    {"arguments or a program that it refuses", "", "error=[NCC_EARG001] LNC", kFailed, "",
     "NCC_EARG001"},
    {"", "", "error=[NCC_EARG002] no such option", kFailed, "", "NCC_EARG002"},
    {"", "", "error=[NCC_EVRF064] HLO verification", kFailed, "", "NCC_EVRF064"},
    {"any other end of it, or no NEFF", "", "exit=70", kFailed, "", "exit status 70"},
    {"", "", "exit=0", kFailed, "", ""},
};

}  // namespace batchtune::test
