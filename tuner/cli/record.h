// --record FILE: what a session measured, as tables that `replay` reads. The session is in the
// database before; a table that could not be written can be had from it again.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/core/table.h"
#include "tuner/core/trial.h"

namespace batchtune {

// Before anything is measured: FILE can be written, and no batch is left out, neither by the
// strategy (a table of what a search chose to look at would flatter it) nor since the session
// follows another, as its `links` or settings say. "" for `file`: nothing is recorded.
Status check_record(const std::string& file, const std::string& strategy,
                    const std::vector<Setting>& links);

// One table for each group that has rows: every candidate that was measured or ended otherwise,
// with its raw timed samples. Rounds are numbered from 0 in the order of the session, for all
// tables alike; those without the anchor are left out. Memory is that of the last probe that
// fitted, else the account of the preparation.
std::vector<RecordedTable> tables_of(const SessionRecord& record, const Conclusion& conclusion);

// Whether it was recorded on a simulated device.
bool is_simulated(const RecordedTable& table);

// "5 of 60 candidates" where the session ended before it had gone through its list, else "". Where
// all batches are allowed there is no end to reach: "5 candidates".
std::string part_of_sweep(const SessionRecord& record, const std::vector<RecordedTable>& tables);

// Writes them; an error, too, when there is nothing to write. Its `todo` says how to do it again.
// Part of a sweep is said to be one on stderr, and replaces no file.
Status record_tables(const std::string& file, const TuneReport& report);

// The same of a session that has just ended, after its report has been printed. One that was
// interrupted or failed is not recorded: it can be gone on with. What
// happened is said on stderr (the good news not if `quiet`), and the exit code is `code` or, where
// nothing could be written, kEnvironment.
int record_after_report(const std::string& file, const TuneReport& report, int code, bool quiet);

}  // namespace batchtune
