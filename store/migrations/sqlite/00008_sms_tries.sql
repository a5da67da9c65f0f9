-- +goose Up
-- Codes cannot be guessed: how long they are, and how often a wrong one was tried.

ALTER TABLE codes ADD COLUMN length INTEGER NOT NULL DEFAULT 0;  -- in characters; 0 when it is not known

-- Tries that were wrong, or may have been; a row is there before its call goes out.
CREATE TABLE sms_tries (
    act_id  TEXT    PRIMARY KEY,
    code_id INTEGER NOT NULL,                    -- on whose page it was tried
    phone   TEXT    NOT NULL,                    -- E.164
    at      INTEGER NOT NULL
);
CREATE INDEX sms_tries_code  ON sms_tries (code_id);
CREATE INDEX sms_tries_phone ON sms_tries (phone, at);
