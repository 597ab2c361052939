// --input: the file of samples that all backends of a session compute on.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/workload/model.h"

namespace batchtune {

inline constexpr char kInputDigest[] = "input.digest";

// The path that workers, which may run elsewhere, understand; "" stays "".
std::string absolute_input(const std::string& path);

// The file's settings in force: path, digest, number of samples; none without --input. It is opened as
// workers will, so that a file that does not fit the model is an error before anything is measured;
// where a command alone reads it, or only a runtime knows the model's inputs, it may be anything
// that can be read.
Result<std::vector<Setting>> input_settings(const TuningRequest& request, const Model& model);

// "" or why rounds of that session cannot be gone on with: its file has another content now.
std::string changed_input(const SessionHeader& stored);

// "" or what two sessions' samples differ in.
std::string other_input(const SessionHeader& then, const SessionHeader& now);

}  // namespace batchtune
