-- Axes of a candidate besides threads and instances: cores of the device, a named way of compiling, and the batch that
-- is compiled where users' batches are split into runs of it (NULL: a batch is compiled as it is). Rows written before
-- this step have one core, no name and no such batch.

ALTER TABLE estimate ADD COLUMN cores INTEGER NOT NULL DEFAULT 1;
ALTER TABLE estimate ADD COLUMN variant TEXT NOT NULL DEFAULT '';
ALTER TABLE estimate ADD COLUMN compiled_batch INTEGER;

ALTER TABLE preparation ADD COLUMN cores INTEGER NOT NULL DEFAULT 1;
ALTER TABLE preparation ADD COLUMN variant TEXT NOT NULL DEFAULT '';
ALTER TABLE preparation ADD COLUMN compiled_batch INTEGER;
ALTER TABLE preparation ADD COLUMN compile_seconds REAL;       -- of prepare_seconds, waited for the compiler; 0: compiled
                                                               -- before; NULL: the backend does not compile
ALTER TABLE preparation ADD COLUMN compiled TEXT;              -- batches that were compiled when the model was loaded: [1, 8]

ALTER TABLE probe ADD COLUMN cores INTEGER NOT NULL DEFAULT 1;
ALTER TABLE probe ADD COLUMN variant TEXT NOT NULL DEFAULT '';
ALTER TABLE probe ADD COLUMN compiled_batch INTEGER;

ALTER TABLE trial ADD COLUMN cores INTEGER NOT NULL DEFAULT 1;
ALTER TABLE trial ADD COLUMN variant TEXT NOT NULL DEFAULT '';
ALTER TABLE trial ADD COLUMN compiled_batch INTEGER;

ALTER TABLE boundary ADD COLUMN cores INTEGER NOT NULL DEFAULT 1;
ALTER TABLE boundary ADD COLUMN variant TEXT NOT NULL DEFAULT '';
ALTER TABLE boundary ADD COLUMN compiled_batch INTEGER;
