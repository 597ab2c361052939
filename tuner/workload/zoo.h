// Models that every installation knows, computed from architecture parameters.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "tuner/core/error.h"
#include "tuner/workload/model.h"

namespace batchtune {

using ZooParameters = std::map<std::string, std::int64_t>;

struct ZooEntry {
  std::string_view name;
  std::string_view description;  // which variant, whose layer list
  ZooParameters defaults;        // {"seq": 128}; empty when it has none
  Model (*build)(const ZooParameters&);
};

std::span<const ZooEntry> zoo();
const ZooEntry* find_zoo_entry(std::string_view name);  // with or without parameters; nullptr: none

// "bert-large", "bert-large@seq=384". An unknown name or parameter names the nearest ones and what
// exists.
Result<Model> build_zoo_model(std::string_view name);

}  // namespace batchtune
