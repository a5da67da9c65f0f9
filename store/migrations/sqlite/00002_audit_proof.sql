-- +goose Up
-- The log proves itself: entries are numbered without gaps, their hashes form a
-- Merkle tree kept as tiles, and every commit signs the tree's head.

-- Without AUTOINCREMENT: the log numbers its entries itself.
ALTER TABLE audit_entries RENAME TO audit_entries_1;
CREATE TABLE audit_entries (
    id         INTEGER PRIMARY KEY,              -- 1, 2, 3 … without gaps
    at         INTEGER NOT NULL,
    act_id     TEXT    NOT NULL,
    phase      TEXT    NOT NULL CHECK (phase IN ('intent', 'outcome', 'event')),
    staff_id   INTEGER NOT NULL,                 -- 0: frontdesk itself, or nobody known
    staff_name TEXT    NOT NULL,
    portal     TEXT    NOT NULL,
    username   TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    session    TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    what       TEXT    NOT NULL,
    on_id      TEXT    NOT NULL,
    on_name    TEXT    NOT NULL,
    on_email   TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    service    TEXT    NOT NULL,
    status     INTEGER NOT NULL,
    duration   INTEGER NOT NULL,                 -- milliseconds
    outcome    TEXT    NOT NULL CHECK (outcome IN ('', 'done', 'refused', 'unreachable', 'unknown', 'denied')),
    detail     TEXT    NOT NULL,
    changes    TEXT    NOT NULL                  -- old → new, as JSON, or ''
);
INSERT INTO audit_entries
SELECT row_number() OVER (ORDER BY id), at, act_id, phase, staff_id, staff_name, portal, username, role, session, address, user_agent, request_id,
       what, on_id, on_name, on_email, reason, service, status, duration, outcome, detail, changes
FROM audit_entries_1 ORDER BY id;
DROP TABLE audit_entries_1;

-- An act's entries, and a subject's. Every other filter is answered from bitmaps in memory.
CREATE INDEX audit_act ON audit_entries (act_id);
CREATE INDEX audit_on  ON audit_entries (on_id, id) WHERE on_id <> '';
CREATE INDEX audit_restores ON audit_entries (id) WHERE what = 'declare restore';

-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- REPLACE deletes without that trigger.
-- +goose StatementBegin
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit_entries
WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd

-- Acts between intent and outcome.
CREATE TABLE audit_open (
    act_id   TEXT    PRIMARY KEY,
    entry_id INTEGER NOT NULL                    -- of the intent
);
INSERT INTO audit_open
SELECT i.act_id, max(i.id) FROM audit_entries i
WHERE i.phase = 'intent' AND NOT EXISTS (SELECT 1 FROM audit_entries o WHERE o.act_id = i.act_id AND o.phase = 'outcome')
GROUP BY i.act_id;

-- The tree's hashes: 256 to a tile, level 0 the entries' own, level 1 one for
-- each tile of level 0, and so on. Tiles of level 0 are written when they are
-- full; higher ones grow.
CREATE TABLE audit_tiles (
    level  INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    hashes BLOB    NOT NULL,
    PRIMARY KEY (level, n)
);

-- A signed head for each commit since the last full tile, with the hashes of
-- the entries that it added; of the commits before, one for each tile.
CREATE TABLE audit_checkpoints (
    size   INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    note   TEXT    NOT NULL,                     -- C2SP tlog-checkpoint
    leaves BLOB    NOT NULL
);

-- What finds text in entries; filled behind the log's back (audit_marks 'text').
CREATE VIRTUAL TABLE audit_text USING fts5 (subject, rest, content = '', detail = 'column', tokenize = 'trigram');

-- How far something that follows the log has come.
CREATE TABLE audit_marks (
    name    TEXT    PRIMARY KEY,                 -- "text", "facets", "stream file", "stream webhook"
    upto    INTEGER NOT NULL,                    -- ID of the last entry
    at      INTEGER NOT NULL,
    data    BLOB
);

-- Filters of the log that somebody gave a name.
CREATE TABLE audit_views (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id INTEGER NOT NULL REFERENCES staff (id),
    name     TEXT    NOT NULL,
    query    TEXT    NOT NULL,                   -- as in the address
    shared   INTEGER NOT NULL,
    made_at  INTEGER NOT NULL
);
CREATE INDEX audit_views_staff ON audit_views (staff_id);
