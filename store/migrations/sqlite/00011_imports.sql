-- +goose Up
-- Spreadsheets of new customers: read, checked, then sent row by row.

CREATE TABLE imports (
    id          TEXT    PRIMARY KEY,
    staff_id    INTEGER NOT NULL REFERENCES staff (id),  -- who brought it in, and in whose name it runs
    file_name   TEXT    NOT NULL,
    format      TEXT    NOT NULL,                -- what the file was read as: "UTF-8, semicolon"
    header      TEXT    NOT NULL,                -- its columns' names, as JSON
    columns     TEXT    NOT NULL,                -- which column fills which field, as JSON: {"company": 0}
    state       TEXT    NOT NULL CHECK (state IN ('draft', 'running', 'paused', 'done', 'cancelled')),
    note        TEXT    NOT NULL DEFAULT '',     -- why it waits or was paused, for people
    concurrency INTEGER NOT NULL,                -- rows under way at once
    rate        INTEGER NOT NULL,                -- rows begun in a second at most
    made_at     INTEGER NOT NULL,
    started_at  INTEGER,                         -- for the first time
    ended_at    INTEGER
);
CREATE INDEX imports_staff ON imports (staff_id, made_at);

CREATE TABLE import_rows (
    import_id  TEXT    NOT NULL REFERENCES imports (id),
    n          INTEGER NOT NULL,                 -- 1 is the first below the header
    cells      TEXT    NOT NULL,                 -- as in the file, as JSON
    mended     TEXT    NOT NULL DEFAULT '{}',    -- fields corrected by hand, as JSON; they win over the cells
    email_key  TEXT    NOT NULL,                 -- folded; '' when there is none
    state      TEXT    NOT NULL CHECK (state IN ('wrong', 'ready', 'sending', 'created', 'failed', 'unknown')),
    errors     TEXT    NOT NULL DEFAULT '{}',    -- what is wrong, by field, as JSON
    message    TEXT    NOT NULL DEFAULT '',      -- how its last sending ended
    cuid       TEXT    NOT NULL DEFAULT '',      -- of the customer created
    act_id     TEXT    NOT NULL DEFAULT '',      -- of its last sending
    tries      INTEGER NOT NULL DEFAULT 0,       -- how often it was sent
    lost       INTEGER NOT NULL DEFAULT 0,       -- how often its answer was lost and nothing had been created
    again      INTEGER NOT NULL DEFAULT 0,       -- whether it failed through no fault of its own, and may be sent as it is
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (import_id, n)
) WITHOUT ROWID;
CREATE INDEX import_rows_state ON import_rows (import_id, state, n);
CREATE INDEX import_rows_email ON import_rows (import_id, email_key) WHERE email_key <> '';
CREATE UNIQUE INDEX import_rows_act ON import_rows (act_id) WHERE act_id <> '';
