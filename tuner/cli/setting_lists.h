// Lists of settings as they were given (TuningRequest::given, Settings::requested): made from
// texts, laid over each other, held against each other.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/core/value.h"

namespace batchtune {

// The setting `name` with these texts, as if each had been typed: one setting each where the option
// may be repeated, else a list with commas. An Error for an unknown name and for a flag that is
// neither true nor false; whether a value makes sense is parse_tuning()'s to say.
Result<std::vector<Setting>> settings_named(const std::string& name,
                                            const std::vector<std::string>& texts);

// `own` where it says something, `base` otherwise; all settings of a name go together.
std::vector<Setting> settings_over(const std::vector<Setting>& base,
                                   const std::vector<Setting>& own);

// The same for options that are no settings too (revision, branch, label).
TuningOptions options_over(const TuningOptions& base, const TuningOptions& own);

// "--batches: 1:400 then, 1:300 now; ...", or "". What is not given now agrees.
std::string changed_settings(const std::vector<Setting>& then, const std::vector<Setting>& now);

// The same of those that are not given now: "--batches: 1:400 then, the default now; ...".
std::string missing_settings(const std::vector<Setting>& then, const std::vector<Setting>& now);

}  // namespace batchtune
