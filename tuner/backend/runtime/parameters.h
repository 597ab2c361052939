// A backend's own parameters: "spinning=0,library=/usr/lib/libonnxruntime.so".
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "tuner/core/error.h"

namespace batchtune::runtime {

// What a backend may be told, for the user (`batchtune list options`).
struct Parameter {
  std::string_view name;
  std::string_view values;   // "0, 1"
  std::string_view meaning;  // with its default; "" for those that the program gives itself
};

// Each name once, and one of `known`. `where` begins an error's place ("onnxruntime").
Result<std::map<std::string, std::string>> parse_parameters(std::string_view text,
                                                            std::span<const std::string_view> known,
                                                            const std::string& where);

Result<std::map<std::string, std::string>> parse_parameters(std::string_view text,
                                                            std::span<const Parameter> known,
                                                            const std::string& where);

// "0" or "1".
Result<bool> parse_switch(const std::string& text, const std::string& where);

}  // namespace batchtune::runtime
