-- +goose Up
-- Whatever acts write in every time, in one tree each instead of two: a commit waits for
-- every page.

CREATE TABLE audit_open_whole (
    act_id   TEXT    PRIMARY KEY,
    entry_id INTEGER NOT NULL,                   -- of the intent
    replica  INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO audit_open_whole (act_id, entry_id, replica) SELECT act_id, entry_id, replica FROM audit_open;
DROP TABLE audit_open;
ALTER TABLE audit_open_whole RENAME TO audit_open;

CREATE TABLE credentials_whole (
    cuid      TEXT    PRIMARY KEY,
    sealed    BLOB    NOT NULL,
    method    TEXT    NOT NULL,
    stored_at INTEGER NOT NULL,
    stored_by TEXT    NOT NULL
) WITHOUT ROWID;
INSERT INTO credentials_whole (cuid, sealed, method, stored_at, stored_by) SELECT cuid, sealed, method, stored_at, stored_by FROM credentials;
DROP TABLE credentials;
ALTER TABLE credentials_whole RENAME TO credentials;

CREATE TABLE receipts_whole (
    key        TEXT    PRIMARY KEY,
    act_id     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    answer     BLOB,                             -- sealed; null while the act is under way
    secret     BLOB                              -- sealed; key and token, or an SSO link, for minutes only
) WITHOUT ROWID;
INSERT INTO receipts_whole (key, act_id, created_at, expires_at, answer, secret) SELECT key, act_id, created_at, expires_at, answer, secret FROM receipts;
DROP TABLE receipts;
ALTER TABLE receipts_whole RENAME TO receipts;
CREATE INDEX receipts_act ON receipts (act_id);
CREATE INDEX receipts_expires ON receipts (expires_at);
CREATE INDEX receipts_secret ON receipts (created_at) WHERE secret IS NOT NULL;
