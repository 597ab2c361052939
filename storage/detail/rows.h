// The core types as rows. Each writing function expects to be inside a transaction of its caller.
#pragma once

#include "storage/detail/database.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune::detail {

// session_rows.cpp
Result<std::int64_t> insert_session(const Database& database, const SessionHeader& header);
// Observations left out; an unknown number is a bad_input Error.
Result<SessionRecord> select_session(const Database& database, std::int64_t session);
// Of every `tune` that has finished, the newest first: what Store::finished_tunes() tells.
Result<std::vector<SessionHeader>> select_finished(const Database& database);

// observation_rows.cpp
Status insert_observation(const Database& database, std::int64_t session, std::int64_t sequence,
                          const Observation& observation);
Result<std::vector<Observation>> select_observations(const Database& database,
                                                     std::int64_t session);

// conclusion_rows.cpp
Status replace_conclusion(const Database& database, std::int64_t session,
                          const Conclusion& conclusion);
Status clear_conclusion(const Database& database, std::int64_t session);

// Helpers for columns that several tables share.
// backend, dtype, threads, instances, dims, cores, variant, compiled_batch; the batch follows them.
inline constexpr int kGroupColumns = 8;
Status bind_group(Statement& statement, const CandidateGroup& group);
Status bind_candidate(Statement& statement, const Candidate& candidate);
void bind_ending(Statement& statement, const Ending& ending);  // status, reason, evidence, place
Result<CandidateGroup> group_at(const Database& database, const Statement& statement, int column);
Result<Candidate> candidate_at(const Database& database, const Statement& statement, int column);

}  // namespace batchtune::detail
