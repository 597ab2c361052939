// A model loaded in a worker, and the preparation of its programs: made, run once, and their output
// checked before anything is timed. It says in the beacon what it is at.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/measure/beacon.h"
#include "tuner/measure/protocol.h"

namespace batchtune {

class LoadedGroup {
 public:
  // `backend` must outlive the group.
  static Outcome<LoadedGroup> load(Backend& backend, const protocol::Load& request,
                                   protocol::Loaded& answer);

  // nullptr when it did not get ready: the answer's ending says why. Programs must not outlive the
  // group.
  std::unique_ptr<Program> prepare(const protocol::Prepare& request, Beacon& beacon,
                                   protocol::Prepared& answer);
  void compile_ahead(const Candidate& candidate) { loaded_->compile_ahead(candidate); }

 private:
  LoadedGroup(Backend& backend, const LoadOptions& options)
      : backend_(&backend), options_(options) {}
  Ending check(const protocol::Prepare& request, Program& program, Beacon& beacon,
               protocol::Prepared& answer);
  Ending compare_with_batch_1(const std::vector<std::vector<float>>& outputs) const;
  Ending make_batch_1_output(Beacon& beacon, protocol::Prepared& answer);
  Ending verify(const std::vector<float>& output, Beacon& beacon, protocol::Prepared& answer);
  Ending make_reference_output(Beacon& beacon, protocol::Prepared& answer);

  Backend* backend_;
  LoadOptions options_;
  Model model_;
  std::unique_ptr<LoadedModel> loaded_;
  std::optional<std::vector<float>> batch_1_output_;    // of sample 0: what others are held against
  bool output_told_ = false;                            // to the parent
  std::optional<std::vector<float>> reference_output_;  // the same by the reference kernels
  double reference_tolerance_ = 0;
  std::string no_reference_;  // why there is none; empty while untried
};

}  // namespace batchtune
