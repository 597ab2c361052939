// neuronx-cc: an XLA program becomes a NEFF, once for each program, set of arguments and version of
// the compiler.
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/backend/neuron/options.h"

namespace batchtune::neuron {

struct Compiled {
  std::string neff;  // its bytes
  bool was_cached = false;
  Seconds seconds = 0;  // of compiling; 0 from the cache
};

class Compiler {
 public:
  // Asks the compiler for its version. Errors: there is none, or it does not say its version.
  static Result<Compiler> find(const Settings& settings, const std::string& target);

  const std::string& version() const { return version_; }
  std::string arguments() const;  // as they are given, target included

  // In a working directory of its own, which goes when it is done. Both of the compiler's streams
  // are drained. What fails is an Ending with the compiler's own words; a program that runs longer
  // than compile_timeout is a timeout.
  Outcome<Compiled> compile(const std::string& program) const;

 private:
  Compiler(Settings settings, std::string target, std::string version)
      : settings_(std::move(settings)), target_(std::move(target)), version_(std::move(version)) {}
  std::string entry_of(const std::string& program) const;
  Outcome<Compiled> compile_in(const std::string& folder, const std::string& program) const;

  Settings settings_;
  std::string target_, version_;
};

}  // namespace batchtune::neuron
