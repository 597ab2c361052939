-- The evidence for a figure: what a visit, a probe, a trial and a session cost and how quiet the machine was.
-- NULL in rows written before this step. visit.host_state, until now always NULL, holds JSON with the members
-- of HostState (tuner/core/observation.h) that could be read: {"compute_canary": [...], "steal": 0.01, ...}.

ALTER TABLE observation ADD COLUMN wall REAL;                  -- real seconds that it took in all
ALTER TABLE observation ADD COLUMN canaries REAL;              -- of these, in canaries

ALTER TABLE probe ADD COLUMN soak REAL;                        -- seconds asked for; 0: it ran once
ALTER TABLE probe ADD COLUMN runs INTEGER;
ALTER TABLE probe ADD COLUMN peak_resident INTEGER;            -- of the whole process
ALTER TABLE probe ADD COLUMN spill_swapped INTEGER;            -- these two: memory that a limiter cannot see
ALTER TABLE probe ADD COLUMN spill_major_faults INTEGER;
ALTER TABLE probe ADD COLUMN killed INTEGER CHECK (killed IN (0, 1));

ALTER TABLE trial ADD COLUMN quiet_visits INTEGER;             -- of `visits`, undisturbed ones
ALTER TABLE trial ADD COLUMN autocorrelation REAL;             -- of neighbouring rounds

-- Every latency limit of every trial, and how it was decided.
CREATE TABLE trial_limit(
  session INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  metric TEXT NOT NULL,                                        -- p50, p90, p95, p99, p99.9, max
  seconds REAL NOT NULL,                                       -- the limit
  decision TEXT NOT NULL CHECK (decision IN ('kept', 'broken', 'unproven')),
  confidence REAL,                                             -- of the decision
  effective_samples REAL NOT NULL,
  runs INTEGER NOT NULL,                                       -- that were seen, disturbed ones too
  over INTEGER NOT NULL,                                       -- of these, above the limit
  PRIMARY KEY (session, trial, ordinal),
  FOREIGN KEY (session, trial) REFERENCES trial(session, id) ON DELETE CASCADE
) STRICT;

ALTER TABLE boundary ADD COLUMN exact INTEGER CHECK (exact IN (0, 1));  -- 0: the two batches are a band
ALTER TABLE boundary ADD COLUMN kills INTEGER;                 -- processes killed to find it

ALTER TABLE verdict ADD COLUMN headroom_share REAL;            -- of the memory limit
ALTER TABLE verdict ADD COLUMN soak_seconds REAL;              -- the choice under sustained load; NULL: not soaked
ALTER TABLE verdict ADD COLUMN soak_runs INTEGER;
ALTER TABLE verdict ADD COLUMN soak_peak INTEGER;
ALTER TABLE verdict ADD COLUMN soak_status TEXT;
ALTER TABLE verdict ADD COLUMN soak_reason TEXT;
ALTER TABLE verdict ADD COLUMN soak_evidence TEXT;
ALTER TABLE verdict ADD COLUMN soak_place TEXT;

ALTER TABLE session ADD COLUMN quiet_share REAL;               -- of the visits that canaries judged
ALTER TABLE session ADD COLUMN kills INTEGER;                  -- processes killed by memory probes
ALTER TABLE session ADD COLUMN overhead_in_interval REAL;      -- the tool's own cost: seconds inside one timed run,
ALTER TABLE session ADD COLUMN overhead_between_visits REAL;   -- seconds from visit to visit,
ALTER TABLE session ADD COLUMN overhead_outside_share REAL;    -- share of the wall time outside measuring
