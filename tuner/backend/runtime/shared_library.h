// A runtime's shared library, open in this process: worker processes alone have one.
#pragma once

#include <memory>
#include <string>

#include "tuner/core/error.h"

namespace batchtune::runtime {

class SharedLibrary {
 public:
  // Its names are seen by nobody else. Errors: the loader's own words.
  static Result<SharedLibrary> open(const std::string& path);

  // nullptr when it exports no such name.
  void* symbol(const char* name) const;
  const std::string& path() const { return path_; }

 private:
  struct Closer {
    void operator()(void* handle) const;
  };
  SharedLibrary(std::string path, void* handle) : path_(std::move(path)), handle_(handle) {}

  std::string path_;
  std::unique_ptr<void, Closer> handle_;
};

}  // namespace batchtune::runtime
