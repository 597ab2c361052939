// What a command is told of the batch that it is to run: in its text, and in its environment.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuner/core/candidate.h"

namespace batchtune::command {

using Values = std::vector<std::pair<std::string, std::string>>;  // "batch": "8"

// batch, n, threads, instances, dtype, seed, and the model's free dimensions by their names. All
// are numbers or names of data types, so that nothing in them means something to a shell. n < 1:
// without n.
Values values_of(const Candidate& candidate, int n, std::uint64_t seed);

// {batch} becomes 8. ${batch}, which is the shell's, and names that are not among `values` stay.
std::string substitute(std::string_view command, const Values& values);

// The path of a file of samples, where there is one: the one value that a shell could misread, so it is
// quoted where it is filled in.
inline constexpr char kInputValue[] = "input";
std::string shell_quoted(std::string_view text);  // for /bin/sh, as one word

// BATCHTUNE_BATCH=8, ...; a dimension's name in upper case, other characters as "_".
std::vector<std::string> environment_of(const Values& values);

}  // namespace batchtune::command
