// What the stand-in for libnrt has instead of NeuronCores: memory that is counted, programs that are
// no programs, results made up of inputs and weights, and time that passes. See nrt_stand_in.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace stand_in {

struct Tensor {
  int core = 0;
  std::vector<char> bytes;
};
using Set = std::map<std::string, Tensor*>;

struct Described {
  std::string name;
  bool is_input;
  int dtype;  // nrt_dtype_t
  std::size_t size;
  std::vector<std::uint32_t> shape;
};

struct Model {
  int core = 0;
  std::vector<Described> tensors;
  std::size_t own_bytes = 0;  // code and scratch memory
  double flops = 0;           // of a run
  bool cast = false;          // compiled with --auto-cast
};

struct Core {
  std::size_t used = 0;
  std::mutex busy;  // it executes one program at a time
};

class Device {
 public:
  void read_options();  // of the environment; the cores are those that this process may see
  void reset();

  bool has(const std::string& name) const { return options_.count(name) != 0; }
  std::string text(const std::string& name, const std::string& otherwise) const;
  long number(const std::string& name, long otherwise) const;
  double real(const std::string& name, double otherwise) const;

  int cores() const { return static_cast<int>(cores_.size()); }
  Core& core(int number) { return cores_[static_cast<std::size_t>(number)]; }
  bool take(int core, std::size_t bytes, const char* usage);  // false, and it says so as libnrt does

  void pass_host_time() const;
  void pass_time(const Model& model) const;

 private:
  std::map<std::string, std::string> options_;
  std::deque<Core> cores_;
};

bool parse_neff(const std::string& text, Model& model);
std::size_t batch_of(const Model& model);
// Every tensor of the usage is in the set, on the model's core, with the size that the NEFF says.
bool complete(const Model& model, const Set& set, bool inputs);
void compute(const Model& model, const Set& inputs, Set& outputs);

}  // namespace stand_in
