-- +goose Up
-- Whose number a code goes to, limits on sending, and callers who proved theirs.

ALTER TABLE codes ADD COLUMN cuid TEXT NOT NULL DEFAULT '';  -- of the customer it is for; '' when nobody is meant

-- What a number is found by however it is written; NULL while that is not worked out.
ALTER TABLE customers ADD COLUMN phone_key TEXT;
CREATE INDEX customers_phone ON customers (phone_key);

-- Codes that were sent, or may have been, for the limits; a row is there before its call goes out.
CREATE TABLE sms_sends (
    act_id   TEXT    PRIMARY KEY,
    phone    TEXT    NOT NULL,                   -- E.164
    staff_id INTEGER NOT NULL,
    cuid     TEXT    NOT NULL,
    at       INTEGER NOT NULL
);
CREATE INDEX sms_sends_phone ON sms_sends (phone, at);
CREATE INDEX sms_sends_staff ON sms_sends (staff_id, at);

-- Callers of customers who read out the right code.
CREATE TABLE proofs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    cuid       TEXT    NOT NULL,
    phone      TEXT    NOT NULL,                 -- E.164
    staff_id   INTEGER NOT NULL,
    staff_name TEXT    NOT NULL,
    entry_id   INTEGER NOT NULL,                 -- the verification's outcome in the audit log
    on_file    TEXT    NOT NULL CHECK (on_file IN ('theirs', 'none', 'others')),
    proved_at  INTEGER NOT NULL
);
CREATE INDEX proofs_customer ON proofs (cuid, id);
CREATE INDEX proofs_entry    ON proofs (entry_id);
