// A STAND-IN for AWS's neuronx-cc, for tests alone: takes its command line and an XLA program, and
// writes a text that nrt_stand_in.cpp takes for a NEFF. It compiles nothing.
//
// BATCHTUNE_NEURONX_CC_STAND_IN, NAME=VALUE;...
//   error = line on stderr, and exit 70
//   log = the same, in log-neuron-cc.txt alone
//   exit = status
//   signal = that ends it
//   sleep = seconds
//   flood = bytes on stdout and then on stderr, to block unread pipes
//   hbm = bytes of tensors from which on it fails as for want of memory
//   names = counted: input0, output0
//   calls = file to which each compilation adds a line: its target and further arguments
//   meet = N: it goes on once N compilations have begun (10 s at most, then it fails)
//   child = file: it starts a process that sleeps and writes its number there, and goes on
#include <spawn.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tuner/workload/hlo/hlo.pb.h"

extern char** environ;

namespace {

std::map<std::string, std::string> options() {
  std::map<std::string, std::string> read;
  const char* text = std::getenv("BATCHTUNE_NEURONX_CC_STAND_IN");
  std::istringstream stream(text == nullptr ? "" : text);
  for (std::string one; std::getline(stream, one, ';');)
    if (const std::size_t equals = one.find('='); equals != std::string::npos)
      read[one.substr(0, equals)] = one.substr(equals + 1);
  return read;
}

int type_of(const xla::ShapeProto& shape) {  // nrt_dtype_t
  return shape.element_type() == xla::BF16 ? 0x6 : shape.element_type() == xla::S32 ? 0x8 : 0xA;
}

std::int64_t bytes_of(const xla::ShapeProto& shape) {
  std::int64_t bytes = shape.element_type() == xla::BF16 ? 2 : 4;
  for (const std::int64_t size : shape.dimensions()) bytes *= size;
  return bytes;
}

std::string line_of(const std::string& usage, const std::string& name,
                    const xla::ShapeProto& shape) {
  std::string line = usage + " " + name + " " + std::to_string(type_of(shape)) + " " +
                     std::to_string(bytes_of(shape));
  for (const std::int64_t size : shape.dimensions()) line += " " + std::to_string(size);
  return line + "\n";
}

std::vector<xla::ShapeProto> results_of(const xla::ShapeProto& root) {
  if (root.element_type() != xla::TUPLE) return {root};
  return {root.tuple_shapes().begin(), root.tuple_shapes().end()};
}

std::int64_t product(const xla::ShapeProto& shape) {
  std::int64_t elements = 1;
  for (const std::int64_t size : shape.dimensions()) elements *= size;
  return elements;
}

// Of products and convolutions: 2 for each multiplication.
double flops_of(const xla::HloModuleProto& module) {
  std::map<std::int64_t, const xla::ShapeProto*> shapes;
  for (const auto& computation : module.computations())
    for (const auto& each : computation.instructions()) shapes[each.id()] = &each.shape();
  double flops = 0;
  for (const auto& computation : module.computations())
    for (const auto& each : computation.instructions()) {
      std::int64_t sums = 0;  // elements of a sum
      if (each.opcode() == "dot") {
        sums = 1;
        for (const std::int64_t at : each.dot_dimension_numbers().lhs_contracting_dimensions())
          sums *= shapes.at(each.operand_ids(0))->dimensions(static_cast<int>(at));
      } else if (each.opcode() == "convolution") {
        const auto& kernel = *shapes.at(each.operand_ids(1));
        const auto at = each.convolution_dimension_numbers().kernel_output_feature_dimension();
        sums = product(kernel) / kernel.dimensions(static_cast<int>(at));
      }
      flops += 2.0 * static_cast<double>(product(each.shape())) * static_cast<double>(sums);
    }
  return flops;
}

// Whether `wanted` lines are in the file within ten seconds.
bool meets(const std::string& path, int wanted) {
  for (int tries = 0; tries < 1000; ++tries) {
    std::ifstream file(path);
    int lines = 0;
    for (std::string line; std::getline(file, line);) ++lines;
    if (lines >= wanted) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

void start_child(const std::string& path) {
  pid_t child = 0;
  std::string name = "sleep", seconds = "600";
  char* const words[] = {name.data(), seconds.data(), nullptr};
  if (posix_spawnp(&child, "sleep", nullptr, nullptr, words, environ) == 0)
    std::ofstream(path) << child << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words == std::vector<std::string>{"--version"}) {
    std::cout << "NeuronX Compiler version 2.99.0.1+standin\n\nPython version none\n";
    return 0;
  }
  std::map<std::string, std::string> named;
  std::string further;  // arguments
  for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
    named[words[i]] = words[i + 1];
    if (words[i] != "--framework" && words[i] != "--target" && words[i] != "--output")
      further += " " + words[i] + " " + words[i + 1];
  }
  if (words.size() < 2 || words[0] != "compile" || named["--framework"] != "XLA" ||
      named["--target"].empty()) {
    std::cerr << "neuronx-cc stand-in: not a command line of neuronx-cc's\n";
    return 2;
  }
  auto told = options();
  if (!told["calls"].empty())
    std::ofstream(told["calls"], std::ios::app) << named["--target"] + further + "\n" << std::flush;
  if (!told["meet"].empty() && !meets(told["calls"], std::stoi(told["meet"]))) return 70;
  if (!told["child"].empty()) start_child(told["child"]);
  if (!told["flood"].empty())
    for (std::ostream* stream : {&std::cout, &std::cerr})
      *stream << std::string(std::stoul(told["flood"]), 'x') << '\n' << std::flush;
  if (!told["sleep"].empty())
    std::this_thread::sleep_for(std::chrono::duration<double>(std::stod(told["sleep"])));
  if (!told["signal"].empty()) std::raise(std::stoi(told["signal"]));
  if (!told["log"].empty()) std::ofstream("log-neuron-cc.txt") << told["log"] << '\n';
  if (!told["error"].empty()) std::cerr << told["error"] << '\n';
  if (!told["error"].empty() || !told["log"].empty()) return 70;
  if (!told["exit"].empty()) return std::stoi(told["exit"]);

  std::ifstream file(words[1], std::ios::binary);
  xla::HloModuleProto module;
  if (!module.ParseFromString({std::istreambuf_iterator<char>(file), {}})) {
    std::cerr << "neuronx-cc stand-in: " << words[1] << " is no XLA program\n";
    return 70;
  }
  const xla::HloComputationProto& entry = module.computations(module.computations_size() - 1);
  const bool counted = told["names"] == "counted";
  std::string neff = "NEFF STAND-IN, which no device runs\n";
  neff += "flops " + std::to_string(flops_of(module)) + "\n";
  if (named["--auto-cast"] == "all") neff += "cast\n";
  std::int64_t bytes = 0, inputs = 0, outputs = 0;
  for (const auto& each : entry.instructions()) {
    if (each.opcode() == "parameter") {
      const std::string name = each.frontend_attributes().map().at("neff_input_names");
      neff += line_of("input", counted ? "input" + std::to_string(inputs) : name, each.shape());
      bytes += bytes_of(each.shape());
      ++inputs;
    }
    if (each.id() != entry.root_id()) continue;
    std::istringstream names(each.frontend_attributes().map().at("neff_output_names"));
    for (const xla::ShapeProto& shape : results_of(each.shape())) {
      std::string name;
      std::getline(names, name, ',');
      neff += line_of("output", counted ? "output" + std::to_string(outputs) : name, shape);
      bytes += bytes_of(shape);
      ++outputs;
    }
  }
  if (!told["hbm"].empty() && bytes > std::stoll(told["hbm"])) {
    std::cerr << "ERROR: [NCC_EOOM002] Maximum peak HBM usage of " << bytes
              << " exceeds HBM limit of " << told["hbm"] << " for the stand-in.\n";
    return 70;
  }
  return std::ofstream(named["--output"]) << neff ? 0 : 70;
}
