// What lines of several languages share: names, shapes and quoting.
#pragma once

#include <cstdint>
#include <string>

#include "reports/how_to_set.h"

namespace batchtune::set {

// Of one run of what is compiled: of dynamic batching the batch that users' are split into.
std::int64_t compiled_batch(const HowToSet& what);

// "users' batches of 12"; "" without dynamic batching.
std::string users_words(const HowToSet& what);

// A text as Python and C write it; names in files may have quotes.
std::string quoted(const std::string& text);

// For the shell, in quotes unless it is of the plainest characters.
std::string shell_word(const std::string& text);

std::string shape_of(const DeployedInput& input, std::int64_t batch);  // "[8, 3, 224, 224]"

std::string file_of(const HowToSet& what);  // of a model of the zoo: that it is exported to

// "resnet-50_b8.pt": what is compiled for a batch.
std::string saved_name(const HowToSet& what, const char* ending);

}  // namespace batchtune::set
