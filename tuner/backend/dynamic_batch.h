// Dynamic batching over any backend: one batch is compiled, and a user's batch is split into runs of it, the last one
// padded. A LoadedModel around a backend's own prepares such candidates (CandidateGroup::compiled_batch); all others
// it hands on as they are, so they cost nothing.
//
// A run of such a program is one request of a user. It takes ceil(batch / compiled batch) runs of the compiled
// program, whose durations are added up, and, where durations are the host's: copying each part of the input into
// one of the compiled batch, filling the last one up with zeros, and copying what users get of each output into one
// result, as servers do and frameworks around a compiled graph. Instances copy one after the other.
// Trap: the copies move as many bytes as the real ones, but not the program's own, which nobody can reach through
// Program. So each part computes on the compiled batch's samples: those of a user repeat every compiled batch.
#pragma once

#include <memory>
#include <optional>

#include "tuner/backend/backend.h"

namespace batchtune {

// Bytes of a sample at the model's inputs and at its output; 0 where they are not known: then nothing is copied.
struct SampleBytes {
  Bytes input = 0, output = 0;
};
SampleBytes sample_bytes_of(const Model& model, DType dtype);

// The group whose load it needs, since all compiled batches of a model share one.
CandidateGroup group_to_load(CandidateGroup group);

// `inner` is of `backend`, which outlives it. Programs of one compiled batch share one compiled program. The account
// limit is kept with the copies, where the inner program's memory is an account. Of a simulated backend nothing is
// copied: its time is another.
std::unique_ptr<LoadedModel> with_dynamic_batching(std::unique_ptr<LoadedModel> inner, Backend& backend,
                                                   const Model& model, const LoadOptions& options);

}  // namespace batchtune
