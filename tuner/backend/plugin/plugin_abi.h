// The C interface between batchtune and a device that it does not know: a shared library with one exported function,
// batchtune_plugin(), which gives a table of functions. `batchtune tune MODEL --backend ./libmydevice.so:PARAMETERS`
// loads it - in worker processes, never in the main one - and tunes on it as on every other backend.
// tests/examples/plugin/matmul_plugin.c is a whole one; `batchtune backend-check ./libmydevice.so` tells what is wrong
// with one. Compiles as C99 and as C++; needs nothing but this file.
//
// What holds for every function:
//
// - Units: seconds, bytes, FLOP per second. Counts are of elements or samples as the name says.
// - Versions: the table and each struct begin with their size. Members are only ever added at an end. What a plugin's
//   table is too short for is absent; what a struct of the host's is too short for must not be touched. Elements of
//   arrays never grow. BT_PLUGIN_ABI_VERSION rises when that is not enough: then both sides must be equal.
// - Threads: the host makes one call at a time, with two exceptions: cancel(), and run() of different programs of a
//   model where BT_RUNS_SIDE_BY_SIDE is set. A plugin may have threads of its own; they must not spin once a call has
//   returned (others are measured then), and be gone with what they belong to.
// - Ownership: what the plugin makes (device, model, program) it also frees, when the host says so: programs before
//   their model, models before their device, in any order among themselves. Several of each may be there at once. What
//   the host hands over (strings, arrays, values) is the host's, and gone when the call returns: copy it. What the
//   plugin hands over lives as long as the device.
// - Failure: a function returns BT_OK or says why not, and makes nothing then. last_error() has the words.
//   Nothing may throw, exit or abort: a plugin that dies costs the trial in hand, and its process.
#ifndef BATCHTUNE_PLUGIN_ABI_H
#define BATCHTUNE_PLUGIN_ABI_H

#include <stdint.h>

#define BT_PLUGIN_ABI_VERSION 1u

#if defined(__GNUC__)
#define BT_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define BT_PLUGIN_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

// How a call ended. The first two are answers that the search learns from; any other number is taken for BT_FAILED.
typedef int32_t bt_status;
enum {
  BT_OK = 0,
  BT_OUT_OF_MEMORY = 1,  // of the device, of this machine, or over bt_load_options.memory_limit
  BT_UNSUPPORTED = 2,    // it cannot do that at all: this model, data type, batch, number of instances
  BT_FAILED = 3,         // anything else: a fault
  BT_CANCELLED = 4,      // cancel() was called
  BT_BAD_PARAMETERS = 5  // of open(): the text after ':' is not understood
};

// The plugin's own; the host sees pointers alone.
typedef struct bt_device bt_device;    // opened once in a process
typedef struct bt_model bt_model;      // loaded, its weights on the device
typedef struct bt_program bt_program;  // a batch made ready

// Whose clock the seconds of run() are from.
enum {
  BT_CLOCK_HOST = 0,    // CLOCK_MONOTONIC of this machine
  BT_CLOCK_DEVICE = 1,  // the device's own counters
  BT_CLOCK_VIRTUAL = 2  // of a simulator
};

// How memory() knows.
enum {
  BT_MEMORY_PROCESS = 0,  // it does not: the host looks at what its process holds
  BT_MEMORY_ACCOUNT = 1,  // exactly, and memory_limit is kept: load() and prepare() answer BT_OUT_OF_MEMORY
  BT_MEMORY_DEVICE = 2    // the device's driver says it; memory_limit is not kept
};

// bt_device_info.flags
enum {
  BT_SIMULATED = 1,            // nothing real is measured: reports say so
  BT_RUNS_SIDE_BY_SIDE = 2     // run() of different programs may be called from different threads at once
};

// What the device reaches for one data type: "f32", "tf32", "bf16", "f16", "fp8" or "int8".
typedef struct bt_peak {
  const char* dtype;
  double flops_per_second;
} bt_peak;

// What is not known stays as the host has set it: all zero.
typedef struct bt_device_info {
  uint32_t struct_size;     // the host's
  uint32_t flags;           // BT_SIMULATED ...
  const char* device_name;  // "NPU 3, 8 cores"
  int32_t cores;            // that compute in parallel
  int32_t clock;            // BT_CLOCK_HOST ...
  int32_t memory_kind;      // BT_MEMORY_PROCESS ...
  uint32_t peak_count;
  const bt_peak* peaks;     // none: estimates take this machine's processor for it
  double bytes_per_second;  // of the memory that holds weights and activations
  double memory_bytes;      // capacity of that memory
  double run_overhead;      // seconds that any run costs
  double layer_overhead;    // seconds that any operation costs
} bt_device_info;

// One weight of the model, f32, in the layout that tuner/workload/weights.h of batchtune states: matmul [K, N]; conv2d
// [group][kernel_h][kernel_w][channels / groups][output channels / groups]; embedding [rows, features].
typedef struct bt_weight {
  const char* op;    // the operation's name in model_json
  const char* role;  // "matrix", "bias", "gain" or "table"
  int64_t elements;
} bt_weight;

enum { BT_F32 = 0, BT_I32 = 1 /* token ids */ };

// An input or the output of the model, dense, [batch, dims...].
typedef struct bt_tensor {
  const char* op;    // the operation's name in model_json
  int32_t element;   // BT_F32 or BT_I32
  int32_t rank;      // number of dims
  const int64_t* dims;  // per sample; images are {height, width, channels}
  int64_t elements;  // per sample
} bt_tensor;

// Where a tensor of the model is in its ONNX form.
typedef struct bt_onnx_tensor {
  const char* name;            // in the ONNX graph
  const char* op;              // in model_json
  int32_t batch_axis;          // of the ONNX tensor's dimensions
  int32_t rank;                // length of `permutation`; 0: dimensions are in the same order
  const int64_t* permutation;  // ONNX's per-sample dimension i is the model's permutation[i]
} bt_onnx_tensor;

// The model as ONNX with its batch left free: a file, or bytes where no file can be used as it is.
typedef struct bt_onnx {
  uint32_t struct_size;       // the plugin's
  uint32_t input_count, output_count;
  const char* path;           // absolute; NULL where there are bytes
  const void* bytes;          // a serialised ModelProto; NULL where there is a path
  uint64_t size;              // of bytes
  const char* external_data;  // folder of external data that `bytes` refers to; NULL for none
  const bt_onnx_tensor* inputs;
  const bt_onnx_tensor* outputs;
} bt_onnx;

typedef struct bt_load_options {
  uint32_t struct_size;    // the host's
  int32_t threads;         // that an instance shall use, at least 1; for devices that compute on this machine's CPUs
  int32_t instances;       // that will run side by side, at least 1; see run()
  const char* dtype;       // of arithmetic and activations: "f32", "bf16" ...
  int64_t memory_limit;    // that all programs of this model may hold together with it; 0: none
  const char* model_json;  // the graph: tuner/workload/model.schema.json of batchtune
  // Generated ones. None for a model that was imported: its weights are in the ONNX form.
  const bt_weight* weights;
  const bt_tensor* inputs;
  const bt_tensor* output;
  uint32_t weight_count, input_count;
  void* host;              // first argument of the three functions, which are for the time of load() alone
  // Elements [first, first + count) of weights[weight]. BT_FAILED: there are no such.
  bt_status (*read_weight)(void* host, uint32_t weight, int64_t first, int64_t count, float* values);
  // BT_UNSUPPORTED: the model has no ONNX form. May take as long as writing it; lives until load() returns.
  bt_status (*get_onnx)(void* host, bt_onnx* onnx);
  // Why one of the two did not work; until the next call.
  const char* (*host_error)(void* host);
} bt_load_options;

// Bytes that a program needs.
typedef struct bt_memory {
  uint32_t struct_size;  // the host's
  int64_t weights;       // of its model: shared by all programs, counted in full in each
  int64_t activations;   // inputs and outputs included
  int64_t workspace;     // the rest of it
} bt_memory;

// Required, but for those that say optional.
typedef struct bt_plugin {
  uint32_t abi_version;  // BT_PLUGIN_ABI_VERSION
  uint32_t struct_size;  // sizeof(bt_plugin)
  const char* name;      // of the backend, in tables and in the store: 1 to 32 of a-z, 0-9, '-' and '_'
  const char* version;   // of plugin and runtime, for people: "1.2, driver 535.54"

  // Text after the first ':' of --backend; "" for none. Called once, before everything else.
  bt_status (*open)(const char* parameters, bt_device** device);
  void (*close)(bt_device* device);
  // In words, why the last call on this device, its models or programs was not BT_OK; `device` NULL: why open() was
  // not. At most `size` bytes with the final NUL.
  void (*last_error)(bt_device* device, char* text, uint32_t size);

  // Cheap, and the same at every call.
  bt_status (*describe)(bt_device* device, bt_device_info* info);
  // Puts the weights on the device. The host takes the time.
  bt_status (*load)(bt_device* device, const bt_load_options* options, bt_model** model);
  void (*unload)(bt_model* model);

  // Makes `batch` samples (any from 1, however absurd) ready to run: compiles, allocates, touches. Once for each
  // instance. The host takes the time.
  bt_status (*prepare)(bt_model* model, int64_t batch, bt_program** program);
  void (*release)(bt_program* program);
  // Samples [first, first + samples) of inputs[input]: `samples` x elements values of its type. Every sample of every
  // input is written before the first run, and may be written again.
  bt_status (*write_input)(bt_program* program, uint32_t input, int64_t first, int64_t samples, const void* values);
  // Runs the batch `runs` >= 1 times, one after the other, and returns when the last is done and its output can be
  // read. seconds[i]: of run i alone, from its start to its completion; more than 0 on the host's clock. With several
  // instances each has a program and a thread of the host's, and the host takes the time.
  bt_status (*run)(bt_program* program, int32_t runs, double* seconds);
  // The output of the last run, f32: its first `samples` samples, `capacity` = samples x elements values. *written:
  // how many were written; it must be `capacity`.
  bt_status (*read_output)(bt_program* program, int64_t samples, float* values, int64_t capacity, int64_t* written);

  // Optional with BT_MEMORY_PROCESS. The same from prepare() to release().
  bt_status (*memory)(bt_program* program, bt_memory* memory);
  // Optional. From any thread: a run() of this program that is in progress returns BT_CANCELLED soon, within a second;
  // without one nothing happens. The program can be run again. Called where a worker is given up (--timeout), a second
  // before it is killed. Nothing may depend on it: when batchtune itself is killed, its workers are, without a word.
  void (*cancel)(bt_program* program);
} bt_plugin;

// The one name that a plugin exports. The table is the plugin's, constant, and may be asked for any number of times.
BT_PLUGIN_EXPORT const bt_plugin* batchtune_plugin(void);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // BATCHTUNE_PLUGIN_ABI_H
