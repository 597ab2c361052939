// --max-compiles and what follows from devices that compile: how many compilations a search may use,
// and whether some may go on in the background. Kept among the session's settings, so that --resume
// asks what was asked then.
#pragma once

#include <optional>
#include <vector>

#include "tuner/cli/options.h"
#include "tuner/core/session.h"
#include "tuner/search/strategy.h"

namespace batchtune {

class Arguments;
void add_max_compiles_option(Arguments& arguments, TuningOptions& tuning);

// 0: "none". nullopt: not typed.
Result<std::optional<int>> parse_max_compiles(const TuningOptions& options);

// Of a session that chooses its batches: a limit where one was typed, or where some device compiles
// on other hardware; and whether all do. REQUIRES: the header has its devices and strategy.
std::vector<Setting> compile_settings(const TuningRequest& request, const SessionHeader& header);

// What such settings say to the search.
void apply_compile_settings(const std::vector<Setting>& effective, Problem& problem);

inline constexpr int kDefaultCompiles = 6;  // each takes minutes; six tell where the knee and the wall are

}  // namespace batchtune
