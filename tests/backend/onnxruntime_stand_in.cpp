// A stand-in for ONNX Runtime's library: the same table of functions, around a model of one f32
// input x [batch, n] and one output y = 2 x. What a session is made from is a text that says how it
// fails: "memory=load", "memory=run@8" (from batch 8 on), "fail=load", "cannot=load", "fail=run",
// or "" for not at all. A file is a model too, whose batch is fixed at 1 where its text begins so.
// Built a second time with BT_STAND_IN_IS_OLD, as a library that lacks the
// version asked for. It proves how failures are told; that the places in the table are right the
// real library does.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "tuner/backend/onnxruntime/api.h"

namespace batchtune::onnxruntime {

struct Status {
  ErrorCode code;
  std::string message;
};
struct Env {};
struct SessionOptions {};
struct Session {
  std::string fault;
  std::int64_t batch = -1;  // -1: any
};
struct TensorInfo {
  std::vector<std::int64_t> dims;
};
struct TypeInfo {
  TensorInfo tensor{{-1, 4}};
};
struct MemoryInfo {};
struct Allocator {};
struct Tensor {
  std::vector<std::int64_t> dims;
  std::vector<float> values;
};
struct Value {
  std::shared_ptr<Tensor> tensor;
};
struct IoBinding {
  std::shared_ptr<Tensor> input, output;  // output: nullptr until bound or made by a run
};

namespace {

using Function = void (*)();
constexpr std::size_t kFunctions = 150;
constexpr int kGeneral = 1;

Status* status(const std::string& message, int code = kGeneral) {
  return new Status{static_cast<ErrorCode>(code), message};
}

Allocator the_allocator;

// How a session ends: nullptr while it does not.
Status* fault_of(const std::string& fault, const std::string& when) {
  if (fault == "memory=" + when)
    return status("Failed to allocate memory for requested buffer of size 4096");
  if (fault == "fail=" + when) return status("Node (Conv_7) has inconsistent\ndimensions");
  if (fault == "cannot=" + when)
    return status("Could not find an implementation for Foo(13) node", 9);
  return nullptr;
}

Status* create_session_from_array(const Env*, const void* model, std::size_t size,
                                  const SessionOptions*, Session** session) {
  const std::string fault(static_cast<const char*>(model), size);
  if (Status* failed = fault_of(fault, "load")) return failed;
  *session = new Session{fault};
  return nullptr;
}

Status* create_session(const Env*, const char* path, const SessionOptions*, Session** session) {
  std::ifstream file(path);
  if (!file) return status(std::string("no file ") + path);
  *session = new Session{"", file.peek() == '1' ? 1 : -1};
  return nullptr;
}

Status* give_name(const char* name, char** text) {
  *text = static_cast<char*>(std::malloc(2));
  std::strcpy(*text, name);
  return nullptr;
}

std::int64_t count_of(const std::vector<std::int64_t>& dims) {
  std::int64_t count = 1;
  for (const std::int64_t size : dims) count *= size;
  return count;
}

std::shared_ptr<Tensor> make_tensor(std::vector<std::int64_t> dims) {
  const auto count = static_cast<std::size_t>(count_of(dims));
  return std::make_shared<Tensor>(Tensor{std::move(dims), std::vector<float>(count)});
}

Status* run_with_binding(Session* session, const RunOptions*, const IoBinding* binding) {
  const Tensor& input = *binding->input;
  if (Status* failed = fault_of(session->fault, "run")) return failed;
  if (session->fault == "memory=run@8" && input.dims[0] >= 8) return fault_of("memory=run", "run");
  auto* own = const_cast<IoBinding*>(binding);
  if (own->output == nullptr) own->output = make_tensor(input.dims);
  for (std::size_t i = 0; i < input.values.size(); ++i)
    own->output->values[i] = 2 * input.values[i];
  return nullptr;
}

struct Table {
  Function functions[kFunctions] = {};

  template <typename F>
  void set(Entry<F> entry, std::type_identity_t<F>* function) {
    functions[entry.place] = reinterpret_cast<Function>(function);
  }

  Table() {
    set(entry::get_error_code, [](const Status* s) { return s->code; });
    set(entry::get_error_message, [](const Status* s) { return s->message.c_str(); });
    set(entry::create_env, [](LogLevel, const char*, Env** env) -> Status* {
      *env = new Env;
      return nullptr;
    });
    set(entry::create_session_from_array, &create_session_from_array);
    set(entry::create_session, &create_session);
    set(entry::create_session_options, [](SessionOptions** options) -> Status* {
      *options = new SessionOptions;
      return nullptr;
    });
    set(entry::disable_cpu_mem_arena, [](SessionOptions*) -> Status* { return nullptr; });
    set(entry::set_optimization, [](SessionOptions*, Optimization) -> Status* { return nullptr; });
    set(entry::set_intra_op_threads, [](SessionOptions*, int) -> Status* { return nullptr; });
    set(entry::set_inter_op_threads, [](SessionOptions*, int) -> Status* { return nullptr; });
    set(entry::add_config_entry,
        [](SessionOptions*, const char*, const char*) -> Status* { return nullptr; });
    set_model_functions();
    set_tensor_functions();
    set_binding_functions();
    set_releases();
  }

  void set_model_functions() {
    for (const auto& count : {entry::input_count, entry::output_count})
      set(count, [](const Session*, std::size_t* size) -> Status* {
        *size = 1;
        return nullptr;
      });
    set(entry::input_name,
        [](const Session*, std::size_t, Allocator*, char** text) { return give_name("x", text); });
    set(entry::output_name,
        [](const Session*, std::size_t, Allocator*, char** text) { return give_name("y", text); });
    for (const auto& type : {entry::input_type, entry::output_type})
      set(type, [](const Session* session, std::size_t, TypeInfo** info) -> Status* {
        *info = new TypeInfo{{{session->batch, 4}}};
        return nullptr;
      });
    set(entry::symbolic_dimensions,
        [](const TensorInfo* info, const char** names, std::size_t rank) -> Status* {
          for (std::size_t i = 0; i < rank; ++i) names[i] = info->dims[i] < 0 ? "N" : "";
          return nullptr;
        });
    set(entry::as_tensor_info, [](const TypeInfo* type, const TensorInfo** info) -> Status* {
      *info = &type->tensor;
      return nullptr;
    });
    set(entry::default_allocator, [](Allocator** allocator) -> Status* {
      *allocator = &the_allocator;
      return nullptr;
    });
    set(entry::allocator_free, [](Allocator*, void* memory) -> Status* {
      std::free(memory);
      return nullptr;
    });
  }

  void set_tensor_functions() {
    set(entry::create_tensor,
        [](Allocator*, const std::int64_t* dims, std::size_t rank, ElementType,
           Value** value) -> Status* {
          *value = new Value{make_tensor({dims, dims + rank})};
          return nullptr;
        });
    set(entry::is_tensor, [](const Value*, int* is) -> Status* {
      *is = 1;
      return nullptr;
    });
    set(entry::tensor_data, [](Value* value, void** data) -> Status* {
      *data = value->tensor->values.data();
      return nullptr;
    });
    set(entry::tensor_info, [](const Value* value, TensorInfo** info) -> Status* {
      *info = new TensorInfo{value->tensor->dims};
      return nullptr;
    });
    set(entry::element_type, [](const TensorInfo*, ElementType* type) -> Status* {
      *type = ElementType::f32;
      return nullptr;
    });
    set(entry::dimensions_count, [](const TensorInfo* info, std::size_t* rank) -> Status* {
      *rank = info->dims.size();
      return nullptr;
    });
    set(entry::dimensions, [](const TensorInfo* info, std::int64_t* dims, std::size_t) -> Status* {
      std::copy(info->dims.begin(), info->dims.end(), dims);
      return nullptr;
    });
    set(entry::create_cpu_memory_info, [](AllocatorType, MemoryType, MemoryInfo** info) -> Status* {
      *info = new MemoryInfo;
      return nullptr;
    });
  }

  void set_binding_functions() {
    set(entry::create_io_binding, [](Session*, IoBinding** binding) -> Status* {
      *binding = new IoBinding;
      return nullptr;
    });
    set(entry::bind_input, [](IoBinding* binding, const char*, const Value* value) -> Status* {
      binding->input = value->tensor;
      return nullptr;
    });
    set(entry::bind_output, [](IoBinding* binding, const char*, const Value* value) -> Status* {
      binding->output = value->tensor;
      return nullptr;
    });
    set(entry::bind_output_to_device,
        [](IoBinding*, const char*, const MemoryInfo*) -> Status* { return nullptr; });
    set(entry::bound_output_values,
        [](const IoBinding* binding, Allocator*, Value*** values, std::size_t* count) -> Status* {
          *values = static_cast<Value**>(std::malloc(sizeof(Value*)));
          **values = new Value{binding->output};
          *count = 1;
          return nullptr;
        });
    set(entry::run_with_binding, &run_with_binding);
  }

  void set_releases() {
    set(entry::release_env, [](Env* object) { delete object; });
    set(entry::release_status, [](Status* object) { delete object; });
    set(entry::release_memory_info, [](MemoryInfo* object) { delete object; });
    set(entry::release_session, [](Session* object) { delete object; });
    set(entry::release_value, [](Value* object) { delete object; });
    set(entry::release_type_info, [](TypeInfo* object) { delete object; });
    set(entry::release_tensor_info, [](TensorInfo* object) { delete object; });
    set(entry::release_session_options, [](SessionOptions* object) { delete object; });
    set(entry::release_io_binding, [](IoBinding* object) { delete object; });
  }
};

struct ApiBase {
  const void* (*get_api)(std::uint32_t version);
  const char* (*get_version_string)();
};

const void* get_api([[maybe_unused]] std::uint32_t version) {
#ifdef BT_STAND_IN_IS_OLD
  return nullptr;
#else
  static const Table table;
  return version <= kApiVersion ? static_cast<const void*>(table.functions) : nullptr;
#endif
}

const char* get_version_string() {
#ifdef BT_STAND_IN_IS_OLD
  return "1.4.0";
#else
  return "0.0-stand-in";
#endif
}

constexpr ApiBase kBase{&get_api, &get_version_string};

}  // namespace
}  // namespace batchtune::onnxruntime

extern "C" __attribute__((visibility("default"))) const void* OrtGetApiBase() {
  return &batchtune::onnxruntime::kBase;
}
