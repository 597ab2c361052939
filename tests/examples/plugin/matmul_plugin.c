// A plugin for batchtune: fully connected networks on one thread of this processor, by a blocked loop in plain C.
//   batchtune tune mlp --backend ./libmatmul_plugin.so
//   batchtune tune mlp --backend ./libmatmul_plugin.so:block=64 --threads 1
// A start for one of your own: replace what struct bt_model and bt_program hold, and the loops.
#define _POSIX_C_SOURCE 199309L
#include <batchtune/plugin_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kMostLayers = 64 };

struct bt_device {
  int64_t block;  // rows of weights that are used for all samples before the next ones
  char error[256];
};

typedef struct layer {
  int64_t inner, columns;
  float* weights;  // [inner][columns]
  float* bias;     // [columns]
  int relu;
} layer;

struct bt_model {
  bt_device* device;
  layer layers[kMostLayers];
  int count;
  int64_t widest, weight_bytes, limit;
};

struct bt_program {
  bt_model* model;
  int64_t batch;
  float *input, *a, *b, *output;  // output: a or b, where the last layer's result is
};

static bt_status fail(bt_device* device, bt_status status, const char* words) {
  snprintf(device->error, sizeof device->error, "%s", words);
  return status;
}

static bt_status open_device(const char* parameters, bt_device** device) {
  long long block = 32;
  if (*parameters != '\0' && (sscanf(parameters, "block=%lld", &block) != 1 || block < 1))
    return BT_BAD_PARAMETERS;
  *device = calloc(1, sizeof **device);
  if (*device == NULL) return BT_OUT_OF_MEMORY;
  (*device)->block = block;
  return BT_OK;
}

static void close_device(bt_device* device) { free(device); }

static void last_error(bt_device* device, char* text, uint32_t size) {
  snprintf(text, size, "%s", device != NULL ? device->error : "block=N, rows of weights at a time");
}

static bt_status describe(bt_device* device, bt_device_info* info) {
  (void)device;
  info->device_name = "one thread, plain C";
  info->cores = 1;
  info->memory_kind = BT_MEMORY_ACCOUNT;
  return BT_OK;
}

static void unload(bt_model* model) {
  for (int i = 0; i < model->count; ++i) {
    free(model->layers[i].weights);
    free(model->layers[i].bias);
  }
  free(model);
}

// Whether an operation of the model has an activation: the text from its name to the next name is its own.
static int has_relu(const char* json, const char* op) {
  char key[160];
  snprintf(key, sizeof key, "{\"name\":\"%s\"", op);
  const char* own = strstr(json, key);
  const char* next = own != NULL ? strstr(own + 1, "{\"name\":") : NULL;
  const char* found = own != NULL ? strstr(own, "\"activation\":\"relu\"") : NULL;
  return found != NULL && (next == NULL || found < next);
}

// One input, then products with bias, each of the last one's result.
static int is_fully_connected(const bt_load_options* options) {
  int products = 0, all = 0;
  for (const char* at = options->model_json; (at = strstr(at, "\"op\":\"")) != NULL; ++at, ++all)
    products += strncmp(at, "\"op\":\"matmul\"", 13) == 0;
  return options->input_count == 1 && options->inputs[0].element == BT_F32 && products == all - 1 &&
         options->weight_count == 2 * (uint32_t)products && products <= kMostLayers &&
         strstr(options->model_json, "residual") == NULL && strcmp(options->dtype, "f32") == 0;
}

// Reads weight `index`; NULL when there is no memory for it.
static float* read_weight(const bt_load_options* options, uint32_t index) {
  const int64_t count = options->weights[index].elements;
  float* values = malloc((size_t)count * sizeof *values);
  if (values != NULL) options->read_weight(options->host, index, 0, count, values);
  return values;
}

static bt_status load(bt_device* device, const bt_load_options* options, bt_model** result) {
  if (!is_fully_connected(options))
    return fail(device, BT_UNSUPPORTED, "only f32 models of one input and products with bias");
  bt_model* model = calloc(1, sizeof *model);
  if (model == NULL) return fail(device, BT_OUT_OF_MEMORY, "no memory for the model");
  model->device = device;
  model->limit = options->memory_limit;
  model->widest = options->inputs[0].elements;
  for (int64_t inner = model->widest; (uint32_t)model->count < options->weight_count / 2;) {
    const uint32_t first = 2 * (uint32_t)model->count;
    layer* own = &model->layers[model->count++];
    own->inner = inner;
    own->columns = options->weights[first + 1].elements;
    own->weights = read_weight(options, first);
    own->bias = read_weight(options, first + 1);
    own->relu = has_relu(options->model_json, options->weights[first].op);
    model->weight_bytes += (own->inner + 1) * own->columns * (int64_t)sizeof(float);
    if (own->columns > model->widest) model->widest = own->columns;
    const int is_missing = own->weights == NULL || own->bias == NULL;
    if (is_missing || (model->limit > 0 && model->weight_bytes > model->limit)) {
      unload(model);
      return fail(device, BT_OUT_OF_MEMORY, "no memory for the weights");
    }
    inner = own->columns;
  }
  *result = model;
  return BT_OK;
}

static void release(bt_program* program) {
  free(program->input);
  free(program->a);
  free(program->b);
  free(program);
}

// Bytes of each of a program's three tensors; as a double, so that no batch overflows.
static double tensor_bytes(const bt_model* model, int64_t batch) {
  return (double)batch * (double)model->widest * (double)sizeof(float);
}

static bt_status prepare(bt_model* model, int64_t batch, bt_program** result) {
  const double bytes = tensor_bytes(model, batch);
  if (bytes > 1e18 || (model->limit > 0 && 3 * bytes + (double)model->weight_bytes > (double)model->limit))
    return fail(model->device, BT_OUT_OF_MEMORY, "the tensors do not fit");
  bt_program* program = calloc(1, sizeof *program);
  if (program == NULL) return fail(model->device, BT_OUT_OF_MEMORY, "no memory for the program");
  program->model = model;
  program->batch = batch;
  program->input = malloc((size_t)bytes);
  program->a = malloc((size_t)bytes);
  program->b = malloc((size_t)bytes);
  if (program->input == NULL || program->a == NULL || program->b == NULL) {
    release(program);
    return fail(model->device, BT_OUT_OF_MEMORY, "no memory for the tensors");
  }
  *result = program;
  return BT_OK;
}

static bt_status write_input(bt_program* program, uint32_t input, int64_t first, int64_t samples,
                             const void* values) {
  const size_t size = (size_t)program->model->layers[0].inner;
  (void)input;
  memcpy(program->input + (size_t)first * size, values, (size_t)samples * size * sizeof(float));
  return BT_OK;
}

static void multiply(const layer* own, const float* in, float* out, int64_t batch, int64_t block) {
  for (int64_t s = 0; s < batch; ++s)
    memcpy(out + s * own->columns, own->bias, (size_t)own->columns * sizeof(float));
  for (int64_t begin = 0; begin < own->inner; begin += block) {
    const int64_t end = begin + block < own->inner ? begin + block : own->inner;
    for (int64_t s = 0; s < batch; ++s)
      for (int64_t k = begin; k < end; ++k) {
        const float x = in[s * own->inner + k];
        const float* row = own->weights + k * own->columns;
        float* sums = out + s * own->columns;
        for (int64_t n = 0; n < own->columns; ++n) sums[n] += x * row[n];
      }
  }
  for (int64_t i = 0; own->relu && i < batch * own->columns; ++i)
    if (out[i] < 0) out[i] = 0;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bt_status run(bt_program* program, int32_t runs, double* seconds) {
  for (int32_t i = 0; i < runs; ++i) {
    const double start = now();
    const float* in = program->input;
    for (int l = 0; l < program->model->count; ++l) {
      program->output = l % 2 == 0 ? program->a : program->b;
      multiply(&program->model->layers[l], in, program->output, program->batch,
               program->model->device->block);
      in = program->output;
    }
    seconds[i] = now() - start;
  }
  return BT_OK;
}

static bt_status read_output(bt_program* program, int64_t samples, float* values, int64_t capacity,
                             int64_t* written) {
  (void)samples;
  if (program->output == NULL) return fail(program->model->device, BT_FAILED, "it did not run yet");
  memcpy(values, program->output, (size_t)capacity * sizeof(float));
  *written = capacity;
  return BT_OK;
}

static bt_status memory(bt_program* program, bt_memory* memory) {
  memory->weights = program->model->weight_bytes;
  memory->activations = 3 * (int64_t)tensor_bytes(program->model, program->batch);
  memory->workspace = 0;
  return BT_OK;
}

const bt_plugin* batchtune_plugin(void) {
  static const bt_plugin table = {
      BT_PLUGIN_ABI_VERSION, sizeof(bt_plugin), "matmul", "1.0",    open_device, close_device,
      last_error,            describe,          load,     unload,   prepare,     release,
      write_input,           run,               read_output, memory, NULL};
  return &table;
}
