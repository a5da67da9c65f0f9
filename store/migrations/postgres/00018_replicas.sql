-- +goose Up
-- Who has begun what is under way: several processes serve at once.
ALTER TABLE audit_open ADD COLUMN replica BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN replica BIGINT NOT NULL DEFAULT 0; -- that works on it while it is busy
ALTER TABLE imports ADD COLUMN speed DOUBLE PRECISION NOT NULL DEFAULT 0; -- rows ended in a second, as of speed_at, for the replicas that do not send them
ALTER TABLE imports ADD COLUMN speed_at BIGINT;

-- Those that serve, or have left something behind that is not cleared away yet. Each holds
-- a lock of its number as long as it is there.
CREATE TABLE replicas (
    id INTEGER PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    joined_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);

-- How often what the replicas remember has changed.
CREATE TABLE versions (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    remembered BIGINT NOT NULL, -- syncs' reports and named views
    customers BIGINT NOT NULL -- what is counted of them
);
INSERT INTO versions VALUES (1, 0, 0);

-- How far the sync under way has come.
CREATE TABLE sync_progress (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    replica BIGINT NOT NULL,
    at BIGINT NOT NULL,
    progress TEXT COLLATE "C" NOT NULL -- JSON
);
