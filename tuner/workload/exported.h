// What every exporter asks of a model.
#pragma once

#include <string_view>
#include <vector>

#include "tuner/workload/model.h"

namespace batchtune {

// Refuses a model with operations that are not ours (OpKind::foreign). `todo` says what to do with
// such a one.
Status check_exportable(const Model& model, std::string_view todo);

// The model's output, then whatever is computed and read by nothing (a decoder's new keys and
// values): it must be an output too, since compilers and runtimes leave out what leads to none.
std::vector<OpIndex> results_of(const Model& model);

}  // namespace batchtune
