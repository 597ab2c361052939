-- Sessions, what they observed (never changed once written) and what was concluded from it (written again
-- whenever a session is finished). Times are seconds, sizes bytes, moments ISO 8601 UTC; an absent figure is
-- NULL, never 0. Sample BLOBs are little-endian doubles, warm runs first. README.md reads it by hand.
-- No JSON functions in here: SQLite 3.40 calls them unsafe in a schema that is not trusted (open.cpp).

CREATE TABLE environment(
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,                        -- of `json`: equal environments share a row
  cpu_model TEXT,                                   -- two of its entries
  kernel TEXT,
  json TEXT NOT NULL                                -- {"cpu.model": ..., "kernel": ...}
) STRICT;

CREATE TABLE session(
  id INTEGER PRIMARY KEY AUTOINCREMENT,             -- the session's number, never used again
  uuid TEXT NOT NULL UNIQUE,
  command TEXT NOT NULL,                            -- tune, measure
  started_at TEXT NOT NULL,
  finished_at TEXT,
  end TEXT NOT NULL DEFAULT 'running' CHECK (end IN ('running', 'converged', 'budget', 'interrupted', 'failed')),
  end_reason TEXT NOT NULL DEFAULT '',
  seed INTEGER NOT NULL,                            -- the unsigned seed's 64 bits
  strategy TEXT NOT NULL,
  model TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  model_json TEXT NOT NULL,                         -- the graph itself, as in a model file
  parameters REAL NOT NULL,
  flops_per_sample REAL NOT NULL,
  dense_parameters REAL NOT NULL,
  dense_flops_per_sample REAL NOT NULL,
  activation_bytes_per_sample REAL NOT NULL,
  wishes TEXT NOT NULL,                             -- objective and limits
  settings TEXT NOT NULL,                           -- {"requested": [...], "effective": [...]}
  environment INTEGER NOT NULL REFERENCES environment(id),
  reference_hash TEXT NOT NULL,                     -- of the reference programs; '' where there are none
  simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
  revision TEXT NOT NULL,
  branch TEXT NOT NULL,
  label TEXT NOT NULL,
  anchor INTEGER,                                   -- a trial
  best_trial INTEGER,
  best_backend TEXT,
  best_batch INTEGER,
  best_proven INTEGER CHECK (best_proven IN (0, 1))
) STRICT;
CREATE INDEX session_of_model ON session(model_hash);

CREATE TABLE device(
  session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  backend TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  memory_bytes REAL,
  json TEXT NOT NULL,                               -- all of it: peaks, memory levels, overheads
  PRIMARY KEY (session, ordinal)
) STRICT;

CREATE TABLE estimate(
  session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  backend TEXT NOT NULL,
  dtype TEXT NOT NULL,
  threads INTEGER NOT NULL,
  instances INTEGER NOT NULL,
  dims TEXT NOT NULL,
  batch INTEGER NOT NULL,                           -- the search's seed
  formula_batch INTEGER,
  guide_batch INTEGER,
  bound TEXT NOT NULL,
  json TEXT NOT NULL,                               -- formula terms and the curve
  PRIMARY KEY (session, ordinal)
) STRICT;

-- What was told to the strategy, in order. Exactly one transaction each.
CREATE TABLE observation(
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,                             -- from 1 within the session, without gaps
  kind TEXT NOT NULL CHECK (kind IN ('preparation', 'round', 'probe')),
  started REAL NOT NULL,                            -- since the session began
  device_time REAL NOT NULL,                        -- reported seconds, for the budget
  UNIQUE (session, seq)
) STRICT;

CREATE TABLE preparation(
  observation INTEGER PRIMARY KEY REFERENCES observation(id) ON DELETE CASCADE,
  trial INTEGER NOT NULL,
  backend TEXT NOT NULL,
  dtype TEXT NOT NULL,
  threads INTEGER NOT NULL,
  instances INTEGER NOT NULL,
  dims TEXT NOT NULL,
  batch INTEGER NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  evidence TEXT NOT NULL,
  place TEXT NOT NULL,                              -- of out_of_memory: device, host, compile
  prepare_seconds REAL NOT NULL,                    -- without loading weights
  load_seconds REAL NOT NULL,
  first_run REAL,
  memory_weights INTEGER,
  memory_activations INTEGER,
  memory_workspace INTEGER,
  memory_kind TEXT CHECK (memory_kind IN ('account', 'rss', 'device'))
) STRICT;

CREATE TABLE probe(
  observation INTEGER PRIMARY KEY REFERENCES observation(id) ON DELETE CASCADE,
  backend TEXT NOT NULL,
  dtype TEXT NOT NULL,
  threads INTEGER NOT NULL,
  instances INTEGER NOT NULL,
  dims TEXT NOT NULL,
  batch INTEGER NOT NULL,
  status TEXT NOT NULL,                             -- ok: it fits
  reason TEXT NOT NULL,
  evidence TEXT NOT NULL,
  place TEXT NOT NULL,
  memory_limit INTEGER,
  limiter TEXT NOT NULL,
  seconds REAL NOT NULL,
  memory_weights INTEGER,
  memory_activations INTEGER,
  memory_workspace INTEGER,
  memory_kind TEXT CHECK (memory_kind IN ('account', 'rss', 'device'))
) STRICT;

CREATE TABLE visit(
  observation INTEGER NOT NULL REFERENCES observation(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,                         -- order of recording
  position INTEGER NOT NULL,                        -- in the round, from 0
  instance INTEGER NOT NULL,
  trial INTEGER,                                    -- of exactly one of these two
  reference TEXT,
  warm INTEGER NOT NULL,                            -- so many samples at the front are warm-up
  disturbed INTEGER NOT NULL CHECK (disturbed IN (0, 1)),
  host_state TEXT,
  samples BLOB NOT NULL CHECK (length(samples) % 8 = 0),
  median REAL,                                      -- of the timed samples, for people with the shell
  PRIMARY KEY (observation, ordinal),
  CHECK ((trial IS NULL) <> (reference IS NULL))
) STRICT;

CREATE TABLE round_failure(
  observation INTEGER NOT NULL REFERENCES observation(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  evidence TEXT NOT NULL,
  place TEXT NOT NULL,
  PRIMARY KEY (observation, ordinal)
) STRICT;

-- Status as last observed; the figures are those of the last finish_session, NULL before.
CREATE TABLE trial(
  session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  backend TEXT NOT NULL,
  dtype TEXT NOT NULL,
  threads INTEGER NOT NULL,
  instances INTEGER NOT NULL,
  dims TEXT NOT NULL,
  batch INTEGER NOT NULL CHECK (batch > 0),
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  evidence TEXT NOT NULL,
  place TEXT NOT NULL,
  undisturbed REAL,
  undisturbed_low REAL,
  undisturbed_high REAL,
  p50 REAL,
  p90 REAL,
  p95 REAL,
  p99 REAL,
  p99_9 REAL,
  max REAL,
  throughput_undisturbed REAL,
  throughput_as_seen REAL,
  ratio_to_anchor REAL,
  ratio_low REAL,
  ratio_high REAL,
  visits INTEGER,
  samples INTEGER,
  memory INTEGER,
  memory_kind TEXT CHECK (memory_kind IN ('account', 'rss', 'device')),
  prepare_seconds REAL,
  on_front INTEGER CHECK (on_front IN (0, 1)),
  front_probability REAL,
  estimated_latency REAL,
  estimated_memory REAL,
  PRIMARY KEY (session, id)
) STRICT;
CREATE INDEX trial_by_batch ON trial(session, batch);

CREATE TABLE front(
  session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,                         -- one front per group of candidates
  position INTEGER NOT NULL,                        -- ascending latency
  trial INTEGER NOT NULL,
  PRIMARY KEY (session, ordinal, position)
) STRICT;

CREATE TABLE boundary(
  session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  backend TEXT NOT NULL,
  dtype TEXT NOT NULL,
  threads INTEGER NOT NULL,
  instances INTEGER NOT NULL,
  dims TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('predicted', 'probed')),
  limiter TEXT NOT NULL,
  largest_fitting INTEGER,                          -- 0: not even batch 1 fits
  smallest_failing INTEGER,
  evidence TEXT NOT NULL,
  PRIMARY KEY (session, ordinal)
) STRICT;

CREATE TABLE verdict(
  session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  backend TEXT NOT NULL,
  trial INTEGER,                                    -- NULL: nothing keeps the limits
  batch INTEGER,
  objective TEXT NOT NULL,
  reason TEXT NOT NULL,
  runner_up INTEGER,
  stability REAL,
  headroom REAL,
  nearest INTEGER,                                  -- when nothing fits: the trial, how far, what helps
  gap TEXT,
  levers TEXT,
  PRIMARY KEY (session, ordinal)
) STRICT;

-- What outlives a session; '' as device, model or software hash means any.
CREATE TABLE note(
  kind TEXT NOT NULL,
  device TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  software_hash TEXT NOT NULL,
  name TEXT NOT NULL,
  content TEXT NOT NULL,
  written_at TEXT NOT NULL,
  PRIMARY KEY (kind, device, model_hash, software_hash, name)
) STRICT;

CREATE VIEW result AS
  SELECT s.id AS session, s.model, t.id AS trial, t.backend, t.dtype, t.threads, t.instances, t.batch, t.status,
         t.undisturbed AS latency, t.p50, t.throughput_undisturbed AS throughput, t.throughput_as_seen,
         t.memory, t.on_front, (t.id IS s.best_trial) AS best, s.simulated
  FROM trial t JOIN session s ON s.id = t.session
  ORDER BY s.id, t.backend, t.dtype, t.threads, t.instances, t.batch;
