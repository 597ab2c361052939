// A backend's own parameters: "spinning=0,library=/usr/lib/libonnxruntime.so".
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "tuner/core/error.h"

namespace batchtune::runtime {

// Each name once, and one of `known`. `where` begins an error's place ("onnxruntime").
Result<std::map<std::string, std::string>> parse_parameters(std::string_view text,
                                                            std::span<const std::string_view> known,
                                                            const std::string& where);

// "0" or "1".
Result<bool> parse_switch(const std::string& text, const std::string& where);

}  // namespace batchtune::runtime
