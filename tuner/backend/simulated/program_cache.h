// Programs that were compiled, as a real compiler's cache would keep them: a file for each in a folder, whose name says
// of what it is. What is in the files is nobody's: they exist or not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/workload/model.h"

namespace batchtune::simulated {

// What a compiled program depends on: device, model, data type, variant and batch. Neither instances nor cores, which
// load the same program more than once.
std::string program_of(const std::string& device, const Model& model, const Candidate& candidate);

class ProgramCache {
 public:
  explicit ProgramCache(std::string folder) : folder_(std::move(folder)) {}  // "": keeps nothing

  // Batches of `group` whose programs are there, ascending. Nothing where the folder cannot be read.
  std::vector<std::int64_t> batches(const std::string& device, const Model& model,
                                    const CandidateGroup& group) const;
  // The folder is made. False: it could not be written; the program is compiled again next time.
  bool keep(const std::string& program) const;

 private:
  std::string folder_;
};

}  // namespace batchtune::simulated
