// The Neuron backend opened on the stand-ins, as a worker would open it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "tuner/backend/backend.h"

namespace batchtune::test {

// What the stand-ins are told, until it goes; and a folder that goes with it.
class Told {
 public:
  explicit Told(const std::string& runtime = "", const std::string& compiler = "");
  ~Told();
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

  void tell(const std::string& runtime, const std::string& compiler);
  std::string folder() const { return folder_.string(); }
  std::string cache() const { return "cache=" + folder() + "/cache"; }  // a parameter
  std::ptrdiff_t compilations() const;                                  // that began

 private:
  std::filesystem::path folder_;
};

std::string stand_ins(const std::string& further = "");  // parameters of the backend
std::unique_ptr<Backend> opened(const std::string& further = "");

Model small_model();
LoadOptions options_of(DType dtype = DType::f32);
// Of the group: `instances` executions in flight on `cores` cores.
LoadOptions options_on(int cores, int instances);

std::unique_ptr<LoadedModel> loaded(Backend& backend, const LoadOptions& options,
                                    LoadReport* seen = nullptr);
std::unique_ptr<LoadedModel> loaded(Backend& backend);
std::unique_ptr<Program> prepared(LoadedModel& model, const LoadOptions& options,
                                  std::int64_t batch);
std::unique_ptr<Program> prepared(LoadedModel& model, std::int64_t batch);

// How a model ends that is loaded, prepared and run three times.
Ending ending_of_life(const std::string& further = "");

}  // namespace batchtune::test
