// OpenVINO's C interface, declared anew: what is used of it, by name. Functions that return an int
// give 0 when they did what they should.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/runtime/element.h"
#include "tuner/backend/runtime/shared_library.h"

namespace batchtune::openvino {

struct Core;
struct Graph;  // a model as it was read, with its shapes still open
struct CompiledModel;
struct InferRequest;
struct Tensor;
struct Port;  // an input or output of a graph

struct Version {
  const char* build_number;
  const char* description;
};
struct Dimension {
  std::int64_t min, max;  // equal where it is fixed; both -1 where it is open
};
struct PartialShape {
  Dimension rank;
  Dimension* dims;
};
struct TensorShape {
  std::int64_t rank;
  std::int64_t* dims;
};

// What a node took, as a mean over the runs so far; times in microseconds.
struct NodeProfile {
  int status;  // kExecuted, or not run by itself
  std::int64_t real_time, cpu_time;
  const char *name, *exec_type, *kind;
};
inline constexpr int kExecuted = 2;
struct NodeProfiles {
  NodeProfile* nodes;
  std::size_t count;
};

inline constexpr int kNotImplemented = -2;

struct Functions {
  int (*get_version)(Version*) = nullptr;
  void (*free_version)(Version*) = nullptr;
  const char* (*error_info)(int status) = nullptr;
  const char* (*last_error)() = nullptr;  // nullptr in libraries before 2023.1
  void (*free_text)(const char*) = nullptr;
  int (*create_core)(Core**) = nullptr;
  void (*free_core)(Core*) = nullptr;
  int (*read_file)(const Core*, const char* path, const char* weights, Graph**) = nullptr;
  int (*read_bytes)(const Core*, const char*, std::size_t, const Tensor* weights,
                    Graph**) = nullptr;
  void (*free_graph)(Graph*) = nullptr;
  int (*inputs_size)(const Graph*, std::size_t*) = nullptr;
  int (*input_by_name)(const Graph*, const char* name, Port**) = nullptr;
  int (*outputs_size)(const Graph*, std::size_t*) = nullptr;
  int (*input_at)(const Graph*, std::size_t index, Port**) = nullptr;
  int (*output_at)(const Graph*, std::size_t index, Port**) = nullptr;
  int (*port_name)(const Port*, char** name) = nullptr;  // fails where it has none
  int (*port_element)(const Port*, int*) = nullptr;
  void (*free_port)(Port*) = nullptr;
  int (*port_shape)(const Port*, PartialShape*) = nullptr;
  void (*free_partial_shape)(PartialShape*) = nullptr;
  int (*reshape)(const Graph*, const char** names, const PartialShape*, std::size_t) = nullptr;
  // Then as many texts as `texts` says: key, value, key, value, ...
  int (*compile)(const Core*, const Graph*, const char* device, std::size_t texts, CompiledModel**,
                 ...) = nullptr;
  void (*free_compiled)(CompiledModel*) = nullptr;
  int (*get_property)(const CompiledModel*, const char* key, char** value) = nullptr;
  int (*create_request)(const CompiledModel*, InferRequest**) = nullptr;
  void (*free_request)(InferRequest*) = nullptr;
  int (*get_tensor)(const InferRequest*, const char* name, Tensor**) = nullptr;
  int (*get_output_at)(const InferRequest*, std::size_t index, Tensor**) = nullptr;
  int (*set_tensor)(InferRequest*, const char* name, const Tensor*) = nullptr;
  int (*infer)(InferRequest*) = nullptr;
  int (*core_property)(const Core*, const char* device, const char* key, char** value) = nullptr;
  int (*node_profiles)(const InferRequest*, NodeProfiles*) = nullptr;
  void (*free_node_profiles)(NodeProfiles*) = nullptr;
  int (*create_tensor)(int element, TensorShape, Tensor**) = nullptr;
  void (*free_tensor)(Tensor*) = nullptr;
  int (*tensor_shape)(const Tensor*, TensorShape*) = nullptr;
  int (*free_shape)(TensorShape*) = nullptr;
  int (*tensor_element)(const Tensor*, int*) = nullptr;
  int (*tensor_bytes)(const Tensor*, std::size_t*) = nullptr;
  int (*tensor_data)(const Tensor*, void**) = nullptr;
};

class Api {
 public:
  // Errors: no library, or one that lacks a function (named).
  static Result<std::unique_ptr<Api>> open(const std::string& path);

  const Functions* operator->() const { return &functions_; }
  const std::string& library_version() const { return version_; }  // "2026.4.1-..."
  const std::string& path() const { return library_.path(); }

  // What a call gave; `what` it was for: an Ending's reason ("OpenVINO could not ...").
  Outcome<void> check(const char* what, int status) const;

  // nullopt: a type that has no values of ours. Their numbers are not the same in every version of
  // the library, so they were found out by the sizes of tensors.
  std::optional<runtime::Element> element_of(int number) const;

  // "" for a port without one.
  std::string name_of(const Port* port) const;

  // "" when the compiled model has no such property.
  std::string property(const CompiledModel* model, const char* key) const;
  // Of a device before anything is compiled: what the runtime would do by itself. "" as above.
  std::string device_property(const Core& core, const char* device, const char* key) const;

 private:
  explicit Api(runtime::SharedLibrary library) : library_(std::move(library)) {}
  Status bind_functions();
  void find_element_numbers();
  std::size_t bytes_of_eight(int number) const;

  runtime::SharedLibrary library_;
  Functions functions_;
  std::string version_;
  std::vector<std::pair<int, runtime::Element>> elements_;
};

// Gives an object back with its function.
template <typename Object>
struct Releaser {
  void (*release)(Object*) = nullptr;
  void operator()(Object* object) const { release(object); }
};
template <typename Object>
using Owned = std::unique_ptr<Object, Releaser<Object>>;

}  // namespace batchtune::openvino
