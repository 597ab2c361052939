// What a mistyped name was probably meant to be, for the last sentence of an Error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace batchtune {

// "Did you mean resnet-50 or resnet-18? There are: ..."; without the question where none is near.
std::string suggest(std::string_view wrong, const std::vector<std::string_view>& names);

}  // namespace batchtune
