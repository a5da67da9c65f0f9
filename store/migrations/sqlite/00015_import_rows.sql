-- +goose Up
-- Rows of an import that are left out, for their e-mail is a customer's or an earlier row's already, are told from those to be mended.
-- The states that a row may have are a condition of the table, so it is built anew.
CREATE TABLE import_rows_anew (
    import_id  TEXT    NOT NULL REFERENCES imports (id),
    n          INTEGER NOT NULL,                 -- 1 is the first below the header
    cells      TEXT    NOT NULL,                 -- as in the file, as JSON
    mended     TEXT    NOT NULL DEFAULT '{}',    -- fields corrected by hand, as JSON; they win over the cells
    email_key  TEXT    NOT NULL,                 -- folded; '' when there is none
    state      TEXT    NOT NULL CHECK (state IN ('wrong', 'left', 'ready', 'sending', 'created', 'failed', 'unknown')),
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
INSERT INTO import_rows_anew (import_id, n, cells, mended, email_key, state, errors, message, cuid, act_id, tries, lost, again, changed_at)
    SELECT import_id, n, cells, mended, email_key,
        CASE WHEN state = 'wrong' AND (SELECT count(*) FROM json_each(errors)) = 1
            AND (json_extract(errors, '$.email') LIKE 'Same e-mail as row %' OR json_extract(errors, '$.email') LIKE 'Already a customer: %')
            THEN 'left' ELSE state END, -- wrong for nothing but their e-mail
        errors, message, cuid, act_id, tries, lost, again, changed_at FROM import_rows;
DROP TABLE import_rows; -- its indexes go with it
ALTER TABLE import_rows_anew RENAME TO import_rows;
CREATE INDEX import_rows_state ON import_rows (import_id, state, n);
CREATE INDEX import_rows_email ON import_rows (import_id, email_key) WHERE email_key <> '';
CREATE UNIQUE INDEX import_rows_act ON import_rows (act_id) WHERE act_id <> '';

-- How many rows of an import are in each state, kept by the triggers: everybody who watches an import asks for it all the time.
-- 'again' are the failed ones that may be sent as they are; they count as 'failed' too.
CREATE TABLE import_counts (
    import_id TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (import_id, state)
) WITHOUT ROWID;
INSERT INTO import_counts (import_id, state, n) SELECT import_id, state, count(*) FROM import_rows GROUP BY import_id, state;
INSERT INTO import_counts (import_id, state, n) SELECT import_id, 'again', count(*) FROM import_rows WHERE state = 'failed' AND again = 1 GROUP BY import_id;

-- +goose StatementBegin
CREATE TRIGGER import_rows_added AFTER INSERT ON import_rows
BEGIN
    INSERT INTO import_counts (import_id, state, n) VALUES (new.import_id, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO import_counts (import_id, state, n) SELECT new.import_id, 'again', 1 WHERE new.state = 'failed' AND new.again = 1
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER import_rows_changed AFTER UPDATE OF state, again ON import_rows WHEN old.state <> new.state OR old.again <> new.again
BEGIN
    UPDATE import_counts SET n = n - 1 WHERE import_id = old.import_id AND state = old.state;
    UPDATE import_counts SET n = n - 1 WHERE import_id = old.import_id AND state = 'again' AND old.state = 'failed' AND old.again = 1;
    INSERT INTO import_counts (import_id, state, n) VALUES (new.import_id, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO import_counts (import_id, state, n) SELECT new.import_id, 'again', 1 WHERE new.state = 'failed' AND new.again = 1
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER import_rows_gone AFTER DELETE ON import_rows
BEGIN
    UPDATE import_counts SET n = n - 1 WHERE import_id = old.import_id AND state = old.state;
    UPDATE import_counts SET n = n - 1 WHERE import_id = old.import_id AND state = 'again' AND old.state = 'failed' AND old.again = 1;
END;
-- +goose StatementEnd

-- An import leaves a receipt for every row: those whose time is over are found without looking at all of them.
CREATE INDEX receipts_expires ON receipts (expires_at);
CREATE INDEX receipts_secret ON receipts (created_at) WHERE secret IS NOT NULL;
