// libnrt.so.1, open in this process and initialised: the process holds its NeuronCores until the
// object goes. Only workers have one, since a process that was forked off afterwards cannot use it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tuner/backend/neuron/abi.h"
#include "tuner/backend/runtime/shared_library.h"
#include "tuner/core/error.h"

namespace batchtune::neuron {

inline constexpr char kLibraryFile[] = "libnrt.so.1";
inline constexpr char kLibraryFolder[] =
    "/opt/aws/neuron/lib";  // of the package aws-neuronx-runtime-lib

class Library {
 public:
  // `given`: a path, or "" for the loader's and then the package's folder. Errors say which of
  // library, driver and free core is missing, and how one gets it.
  static Result<std::unique_ptr<Library>> open(const std::string& given);
  ~Library();  // after everything that was made with it
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const Functions& call() const { return call_; }
  const std::string& path() const { return library_.path(); }
  std::string version() const;  // "2.34.10", with what it says of itself; "of unknown version"
  // Before 2.30 sizes overflow from 4 GiB on, without an error.
  bool has_large_tensors() const;
  std::optional<InstanceInfo> instance() const;
  std::optional<int> cores() const;  // that this process has; they are numbered from 0
  std::optional<MemoryStats> memory(int core) const;

 private:
  explicit Library(runtime::SharedLibrary library) : library_(std::move(library)) {}
  Status find_functions();
  Status initialise();

  runtime::SharedLibrary library_;
  Functions call_{};
  std::optional<Version> version_;
  bool is_open_ = false;
};

}  // namespace batchtune::neuron
