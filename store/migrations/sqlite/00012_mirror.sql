-- +goose Up
-- What a customer looked like in ATOM's list, so that a sync passes over those who have not changed.
ALTER TABLE customers ADD COLUMN digest BLOB;    -- NULL while the row is not from a list
-- It holds all that a sync reads of those who are as they were; new ones come in at its end.
CREATE INDEX customers_listed ON customers (seen_at, cuid, digest, gone_at) WHERE gone_at IS NULL;

-- Customers and SMS codes that somebody else made with frontdesk's credentials.
CREATE TABLE outside (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     TEXT    NOT NULL CHECK (kind IN ('customer', 'sms')),
    subject  TEXT    NOT NULL,                   -- a cuid, or iP1's ID
    name     TEXT    NOT NULL,                   -- the company, or the phone number as iP1 writes it
    email    TEXT    NOT NULL DEFAULT '',
    made_at  INTEGER,                            -- as the service says
    state    TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'found')),  -- waiting: it may turn out to be frontdesk's own
    found_at INTEGER NOT NULL,
    known_at INTEGER,                            -- when an admin said that it is known
    known_by TEXT    NOT NULL DEFAULT '',
    UNIQUE (kind, subject)
);
CREATE INDEX outside_waiting ON outside (kind, id) WHERE state = 'waiting';
CREATE INDEX outside_open    ON outside (id) WHERE state = 'found' AND known_at IS NULL;
CREATE INDEX open_creates_cuid ON open_creates (cuid) WHERE cuid <> '';

-- How far iP1's list of codes has been looked at, by the account that it is of.
CREATE TABLE sms_seen (
    account TEXT    PRIMARY KEY,
    ip1_id  INTEGER NOT NULL                     -- the highest
);

-- Indexes of customers that are off while the mirror is filled for the first time.
CREATE TABLE fill_indexes (
    name TEXT PRIMARY KEY,
    sql  TEXT NOT NULL
);
