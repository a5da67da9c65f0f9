-- +goose Up
-- Who has begun what is under way: with PostgreSQL several processes serve at once.
ALTER TABLE audit_open ADD COLUMN replica INTEGER NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN replica INTEGER NOT NULL DEFAULT 0; -- that works on it while it is busy
ALTER TABLE imports ADD COLUMN speed REAL NOT NULL DEFAULT 0;      -- rows ended in a second, as of speed_at, for the replicas that do not send them
ALTER TABLE imports ADD COLUMN speed_at INTEGER;
