// Runs a session to its end: workers, driver, store, conclusion. Used by tune and measure.
#pragma once

#include "reports/report.h"
#include "storage/store.h"
#include "tuner/cli/session_plan.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// `record.header.number` is the stored session's; its observations, if any, are told to the
// strategy again. SIGINT and SIGTERM end it early: the session is closed as interrupted, and what
// was seen is reported. One that comes when all is measured changes nothing of the session: it is
// concluded and closed as what it was, and nothing of it is left to resume.
Result<TuneReport> run_session(Store& store, SessionRecord record, Strategy& strategy,
                               SessionPlan plan, bool quiet);

// The signal that came while the last session ran, up to its being closed; 0 for none. Another
// session must not be started then, whatever became of this one.
int interrupting_signal();

// 0, 1 or 3 by what was found; of `measure`: by the measured batch that does best in its limits.
int finding_of(const TuneReport& report);

// The same, but 128 + signal where one cut the session short.
int exit_code(const TuneReport& report);

}  // namespace batchtune
