// neuronx-cc: an XLA program becomes a NEFF, once for each program, set of arguments and version of
// the compiler.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/neuron/neff_cache.h"
#include "tuner/backend/neuron/options.h"

namespace batchtune::neuron {

struct Compiled {
  std::string neff;  // its bytes
  bool was_cached = false;
};

// What is to be compiled, and what of: for the cache.
struct Work {
  std::string program;
  NeffEntry entry;  // with all arguments: Compiler::arguments()
};

class Compiler {
 public:
  // Asks the compiler for its version. Errors: there is none, or it does not say its version.
  static Result<Compiler> find(const Settings& settings, const std::string& target);

  const std::string& version() const { return version_; }
  const NeffCache& cache() const { return cache_; }
  // As they are given: target, LNC, those of all, then the `further` ones of a variant.
  std::string arguments(const std::string& further) const;

  // In a working directory and a process group of its own, which both go when it is done. Both of
  // the compiler's streams are drained. What fails is an Ending with the compiler's own words; a
  // program that takes longer than compile_timeout is a timeout. May be called by several threads;
  // a stop ends it at once.
  Outcome<Compiled> compile(const Work& work, const std::stop_token& stop = {}) const;

 private:
  Compiler(const Settings& settings, std::string target, std::string version)
      : settings_(settings),
        target_(std::move(target)),
        version_(std::move(version)),
        cache_(settings.cache, version_) {}
  Outcome<std::string> compile_in(const std::string& folder, const Work& work,
                                  const std::stop_token& stop) const;

  Settings settings_;
  std::string target_, version_;
  NeffCache cache_;
};

}  // namespace batchtune::neuron
