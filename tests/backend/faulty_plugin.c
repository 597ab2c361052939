// The example plugin with one fault, as ordered: "./faulty_plugin.so:fault=leak". Each breaks one rule of the contract;
// "none" breaks none, and has a cancel() besides. "fault=hang@8" hangs at batch 8 alone.
#define _GNU_SOURCE
#define batchtune_plugin example_plugin
#include "tests/examples/plugin/matmul_plugin.c"
#undef batchtune_plugin

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static char fault[32] = "none";
static int is_broken;             // after_oom: from then on
static volatile int is_cancelled;
static float* shared_output;      // shared: of all programs
static int instances;             // of the last load
static bt_program* second_instance;  // two_instances: it gives another output

static long long only_batch;      // 0: any

static int has(const char* name) { return strcmp(fault, name) == 0; }
static int at(const char* name, int64_t batch) { return has(name) && (only_batch == 0 || only_batch == batch); }

static bt_status open_faulty(const char* parameters, bt_device** device) {
  if (*parameters != '\0' && sscanf(parameters, "fault=%31[a-z_]@%lld", fault, &only_batch) < 1)
    return BT_BAD_PARAMETERS;
  if (has("open")) return BT_FAILED;
  return open_device("", device);
}

static void say(bt_device* device, char* text, uint32_t size) {
  if (has("unterminated"))
    memset(text, 'x', size);
  else
    last_error(device, text, size);
}

static bt_status describe_faulty(bt_device* device, bt_device_info* info) {
  if (has("crash_describe")) raise(SIGSEGV);
  if (has("two_instances")) info->flags = BT_RUNS_SIDE_BY_SIDE;
  return describe(device, info);
}

// ---- a thread that goes on computing

static volatile int spinning;
static double last_run;
static pthread_t spinner;

static void* spin(void* unused) {
  while (spinning)
    if (now() - last_run < 0.02) usleep(1000);  // beside runs it waits
  return unused;
}

// ---- load, prepare, release

static bt_status load_faulty(bt_device* device, const bt_load_options* options, bt_model** model) {
  bt_load_options seen = *options;
  if (has("no_limit")) seen.memory_limit = 0;
  instances = options->instances;
  if (has("no_model")) return BT_OK;
  return load(device, &seen, model);
}

static void start_daemon(void) {
  static int is_started;
  if (is_started++ || fork() != 0) return;
  setsid();
  for (int file = 0; file < 64; ++file) close(file);
  sleep(20);
  _exit(0);
}

static bt_status prepare_faulty(bt_model* model, int64_t batch, bt_program** program) {
  if (at("crash_prepare", batch)) raise(SIGSEGV);
  if (at("unterminated", batch)) return BT_FAILED;
  if (has("daemon")) start_daemon();
  if (has("leak_files")) (void)!open("/dev/null", O_RDONLY);
  if (is_broken) return fail(model->device, BT_FAILED, "it is broken since memory ran out");
  const bt_status status = prepare(model, batch, program);
  if (status == BT_OUT_OF_MEMORY) {
    if (has("abort_oom")) abort();
    if (has("after_oom")) is_broken = 1;
    if (has("failed_oom")) return BT_FAILED;
  }
  static int prepared;
  if (status == BT_OK && has("two_instances") && instances > 1 && ++prepared % 2 == 0) second_instance = *program;
  if (status == BT_OK && has("spins") && !spinning) {
    spinning = 1;
    pthread_create(&spinner, NULL, spin, NULL);
  }
  return status;
}

static void release_faulty(bt_program* program) {
  if (spinning) {
    spinning = 0;
    pthread_join(spinner, NULL);
  }
  if (program == second_instance) second_instance = NULL;
  if (has("leak")) program->a = NULL;
  release(program);
}

static bt_status write_faulty(bt_program* program, uint32_t input, int64_t first, int64_t samples,
                              const void* values) {
  if (has("constant") && program->output != NULL) return BT_OK;  // keeps what it had first
  return write_input(program, input, first, samples, values);
}

// ---- run

// 10 ms of its own CPU time: on a busy machine as much as on a quiet one.
static void* burn(void* unused) {
  struct timespec used = {0, 0};
  while (used.tv_sec == 0 && used.tv_nsec < 10000000) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return unused;
}

static void use_threads(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, burn, NULL);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
}

static bt_status run_faulty(bt_program* program, int32_t runs, double* seconds) {
  const int64_t batch = program->batch;
  is_cancelled = 0;
  if (at("crash_run", batch)) raise(SIGSEGV);
  if (at("hang", batch)) for (;;) pause();
  if (at("stuck", batch)) {  // until it is cancelled, which it tells
    while (!is_cancelled) usleep(1000);
    const char* const told = getenv("BT_FAULTY_PLUGIN_TOLD");
    if (told != NULL) close(open(told, O_CREAT | O_WRONLY, 0600));
    return fail(program->model->device, BT_CANCELLED, "cancelled");
  }
  if (has("threads")) use_threads();
  for (int32_t i = 0; i < runs; ++i) {
    const float* const before = program->output;
    if (has("lazy") && before != NULL) {  // returns while the device still works on it
      float* const kept = malloc(sizeof(float) * (size_t)(program->batch * program->model->widest));
      memcpy(kept, program->b, sizeof(float) * (size_t)(program->batch * program->model->widest));
      run(program, 1, &seconds[i]);
      memcpy(program->b, kept, sizeof(float) * (size_t)(program->batch * program->model->widest));
      free(kept);
    } else {
      run(program, 1, &seconds[i]);
    }
    if (is_cancelled && !has("deaf")) return fail(program->model->device, BT_CANCELLED, "cancelled");
    if (at("negative", batch)) seconds[i] = -1;
    if (at("zero", batch)) seconds[i] = 0;
    if (at("too_long", batch)) seconds[i] = 10;
    if (at("unwritten", batch)) seconds[i] = NAN;
  }
  last_run = now();
  const int64_t count = program->batch * program->model->layers[program->model->count - 1].columns;
  for (int64_t i = 0; i < count; ++i) {
    if (has("noise")) program->output[i] += (float)(rand() % 100);
    if (has("batch")) program->output[i] += (float)program->batch;
    if (at("nan", batch)) program->output[i] = NAN;
  }
  if (has("shared")) {
    free(shared_output);
    shared_output = malloc((size_t)count * sizeof(float));
    memcpy(shared_output, program->output, (size_t)count * sizeof(float));
  }
  return BT_OK;
}

static void cancel(bt_program* program) {
  (void)program;
  is_cancelled = 1;
}

static bt_status read_faulty(bt_program* program, int64_t samples, float* values, int64_t capacity,
                             int64_t* written) {
  float* const own = program->output;
  if (has("shared")) program->output = shared_output;
  const bt_status status = read_output(program, samples, values, capacity, written);
  program->output = own;
  if (at("short", program->batch)) --*written;
  if (at("overrun", program->batch)) values[capacity] = 1;
  if (program == second_instance) values[0] += 1;
  return status;
}

static bt_status memory_faulty(bt_program* program, bt_memory* told) {
  const bt_status status = memory(program, told);
  const int64_t of_four = 3 * (int64_t)tensor_bytes(program->model, 4);
  if (program->batch > 4 && has("shrinks")) told->activations = of_four / 2;
  if (program->batch > 4 && has("understates")) told->activations = of_four + program->batch;
  if (program->batch > 4 && has("negative_memory")) told->activations = -1;
  return status;
}

#ifndef BT_TEST_ABI_VERSION
#define BT_TEST_ABI_VERSION BT_PLUGIN_ABI_VERSION
#endif
#ifndef BT_TEST_TABLE_SIZE
#define BT_TEST_TABLE_SIZE sizeof(bt_plugin)
#endif
#ifndef BT_TEST_NAME
#define BT_TEST_NAME "faulty"
#endif

const bt_plugin* batchtune_plugin(void) {
  static const bt_plugin table = {
      BT_TEST_ABI_VERSION, BT_TEST_TABLE_SIZE, BT_TEST_NAME, "1.0",          open_faulty,    close_device,
      say,                 describe_faulty,    load_faulty,  unload,         prepare_faulty, release_faulty,
      write_faulty,        run_faulty,         read_faulty,  memory_faulty,  cancel};
  return &table;
}
