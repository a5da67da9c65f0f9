-- +goose Up
-- Times are UTC milliseconds since 1970, so that the same statements serve SQLite and PostgreSQL.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE staff (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    portal     TEXT    NOT NULL,
    username   TEXT    NOT NULL,                 -- trimmed, lower case
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'manager', 'admin')),
    state      TEXT    NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    added_by   TEXT    NOT NULL,
    added_at   INTEGER NOT NULL,
    seen_at    INTEGER,
    UNIQUE (portal, username)
);

CREATE TABLE sessions (
    token_hash TEXT    PRIMARY KEY,              -- SHA-256 of the cookie's token, as scs makes it
    id         TEXT    NOT NULL UNIQUE,          -- how pages and the audit log name the session
    staff_id   INTEGER NOT NULL REFERENCES staff (id),
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    data       BLOB    NOT NULL                  -- sealed
);
CREATE INDEX sessions_staff ON sessions (staff_id);

CREATE TABLE throttles (
    subject    TEXT    PRIMARY KEY,              -- "user:portal:name" or "address:ip"
    refusals   INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    last_at    INTEGER NOT NULL
);

CREATE TABLE customers (
    cuid       TEXT PRIMARY KEY,
    company    TEXT NOT NULL, email TEXT NOT NULL, name    TEXT NOT NULL,
    address    TEXT NOT NULL, country TEXT NOT NULL, city  TEXT NOT NULL,
    zip        TEXT NOT NULL, state TEXT NOT NULL, phone   TEXT NOT NULL,
    website    TEXT NOT NULL,
    created    TEXT    NOT NULL,                 -- as ATOM wrote it
    fields     TEXT    NOT NULL,                 -- every field that ATOM gave, in order, as JSON
    -- folded copies, for comparing without case and accents
    search      TEXT NOT NULL,
    company_key TEXT NOT NULL, email_key TEXT NOT NULL, country_key TEXT NOT NULL,
    state_key   TEXT NOT NULL, name_key TEXT NOT NULL, city_key TEXT NOT NULL,
    created_key TEXT NOT NULL,
    seen_at    INTEGER NOT NULL,                 -- first brought in
    changed_at INTEGER NOT NULL,
    gone_at    INTEGER
);
CREATE INDEX customers_company ON customers (company_key, cuid);
CREATE INDEX customers_email   ON customers (email_key, cuid);
CREATE INDEX customers_created ON customers (created_key, cuid);
CREATE INDEX customers_name    ON customers (name_key, cuid);
CREATE INDEX customers_city    ON customers (city_key, cuid);
CREATE INDEX customers_country ON customers (country_key, cuid);
CREATE INDEX customers_state   ON customers (state_key, cuid);

CREATE TABLE syncs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    outcome    TEXT    NOT NULL CHECK (outcome IN ('done', 'failed', 'doubted')),
    total      INTEGER NOT NULL DEFAULT 0,
    added      INTEGER NOT NULL DEFAULT 0,
    changed    INTEGER NOT NULL DEFAULT 0,
    gone       INTEGER NOT NULL DEFAULT 0,
    skipped    INTEGER NOT NULL DEFAULT 0,
    detail     TEXT    NOT NULL DEFAULT ''
);

CREATE TABLE credentials (
    cuid      TEXT    PRIMARY KEY,
    sealed    BLOB    NOT NULL,
    method    TEXT    NOT NULL,
    stored_at INTEGER NOT NULL,
    stored_by TEXT    NOT NULL
);

CREATE TABLE cpaas_tokens (
    staff_id  INTEGER PRIMARY KEY REFERENCES staff (id),
    sealed    BLOB    NOT NULL,
    stored_at INTEGER NOT NULL
);

-- Forms that a session's end kept from being sent.
CREATE TABLE drafts (
    id        TEXT    PRIMARY KEY,
    person    TEXT    NOT NULL,
    path      TEXT    NOT NULL,                  -- of the page with the form
    sealed    BLOB    NOT NULL,
    stored_at INTEGER NOT NULL
);
CREATE INDEX drafts_person ON drafts (person, path, stored_at);

-- Creates whose answer was lost, until a sync settles them.
CREATE TABLE open_creates (
    act_id     TEXT    PRIMARY KEY,
    email_key  TEXT    NOT NULL,
    company    TEXT    NOT NULL,
    email      TEXT    NOT NULL,
    started_at INTEGER NOT NULL,                 -- when the act began
    lost_at    INTEGER NOT NULL,                 -- when its answer was given up; later syncs count
    syncs      INTEGER NOT NULL DEFAULT 0,
    state      TEXT    NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'created', 'not created')),
    cuid       TEXT    NOT NULL DEFAULT '',
    settled_at INTEGER
);
CREATE INDEX open_creates_email ON open_creates (email_key) WHERE state = 'open';

CREATE TABLE codes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    act_id     TEXT    NOT NULL,
    ip1_id     INTEGER,                          -- null while the answer to the sending is unknown
    phone      TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    staff_id   INTEGER NOT NULL,
    staff_name TEXT    NOT NULL,
    sent_at    INTEGER NOT NULL,
    expires_at INTEGER,
    expired    INTEGER NOT NULL DEFAULT 0,
    used_at    INTEGER,
    checked_at INTEGER NOT NULL
);
CREATE INDEX codes_ip1 ON codes (ip1_id);

CREATE TABLE receipts (
    key        TEXT    PRIMARY KEY,
    act_id     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    answer     BLOB,                             -- sealed; null while the act is under way
    secret     BLOB                              -- sealed; key and token, or an SSO link, for minutes only
);
CREATE INDEX receipts_act ON receipts (act_id);

CREATE TABLE audit_entries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
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
CREATE INDEX audit_act     ON audit_entries (act_id);
CREATE INDEX audit_staff   ON audit_entries (staff_id, id);
CREATE INDEX audit_on      ON audit_entries (on_id, id);
CREATE INDEX audit_what    ON audit_entries (what, id);
CREATE INDEX audit_at      ON audit_entries (at);

-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
