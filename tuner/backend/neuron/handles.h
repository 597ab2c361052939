// libnrt's handles, each freed once. They must go before the Library, tensor sets before the
// tensors in them, and a NEFF before both.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/neuron/library.h"
#include "tuner/workload/model.h"

namespace batchtune::neuron {

class Tensor {  // on a core; programs of that core alone can use it
 public:
  static Outcome<Tensor> allocate(const Library& library, int core, const std::string& name,
                                  std::size_t bytes);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) = delete;
  ~Tensor();

  std::size_t bytes() const { return bytes_; }
  Outcome<void> write(const void* from, std::size_t offset, std::size_t bytes);
  Outcome<void> read(void* to, std::size_t offset, std::size_t bytes) const;

 private:
  friend class TensorSet;
  Tensor(const Library& library, NrtTensor* handle, std::size_t bytes)
      : library_(&library), handle_(handle), bytes_(bytes) {}

  const Library* library_;
  NrtTensor* handle_;
  std::size_t bytes_;
};

class TensorSet {
 public:
  static Outcome<TensorSet> make(const Library& library);
  TensorSet(TensorSet&& other) noexcept;
  TensorSet& operator=(TensorSet&& other) = delete;
  ~TensorSet();

  Outcome<void> add(const std::string& name, const Tensor& tensor);
  NrtTensorSet* handle() const { return handle_; }

 private:
  TensorSet(const Library& library, NrtTensorSet* handle) : library_(&library), handle_(handle) {}

  const Library* library_;
  NrtTensorSet* handle_;
};

// What a NEFF says of one of its tensors.
struct NeffTensor {
  std::string name;
  std::size_t bytes = 0;
  ElementType type = ElementType::unknown;
  Shape shape;
};

class LoadedNeff {
 public:
  static Outcome<LoadedNeff> load(const Library& library, int core, const std::string& neff);
  LoadedNeff(LoadedNeff&& other) noexcept;
  LoadedNeff& operator=(LoadedNeff&& other) = delete;
  ~LoadedNeff();

  const std::vector<NeffTensor>& inputs() const { return inputs_; }
  const std::vector<NeffTensor>& outputs() const { return outputs_; }
  NrtStatus execute(const TensorSet& inputs,
                    const TensorSet& outputs) const;  // returns when it is done

 private:
  LoadedNeff(const Library& library, NrtModel* handle) : library_(&library), handle_(handle) {}
  Outcome<void> read_tensors();

  const Library* library_;
  NrtModel* handle_;
  std::vector<NeffTensor> inputs_, outputs_;
};

}  // namespace batchtune::neuron
