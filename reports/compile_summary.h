// What a session spent on compilers, from its preparations. For text_report.cpp and json_report.cpp
// alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reports/report.h"

namespace batchtune {

struct CompileSummary {
  int used = 0;                       // compilations that preparations needed
  std::optional<std::int64_t> limit;  // --max-compiles; nullopt: there was none
  Seconds waited = 0;                 // for them
  int in_background = 0;              // of these, ready when they were needed
  int from_cache = 0;                 // programs that were compiled before the session
};
// nullopt: nothing was compiled, or the backends do not say.
std::optional<CompileSummary> summarise_compiles(const SessionRecord& record);

// "6 compilations of at most 6, 12 min waited for; 2 of them were ready when they were needed; 1
// program was compiled before"
std::string compile_words(const CompileSummary& summary);

}  // namespace batchtune
