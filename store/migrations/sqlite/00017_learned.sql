-- +goose Up
-- What the services' answers were found to have: names and types of fields, words of
-- messages, statuses and hosts. Never a value.
CREATE TABLE learned (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    service    TEXT    NOT NULL,                   -- portal, atom or ip1
    endpoint   TEXT    NOT NULL,                   -- the call; of a message the one that it was first met at
    kind       TEXT    NOT NULL,                   -- field, type, message, status, host or many
    what       TEXT    NOT NULL,
    first_seen INTEGER NOT NULL,
    novel      INTEGER NOT NULL,                   -- 1: met after the time in which an endpoint is learned
    seen_at    INTEGER,                            -- when an admin said to have seen it
    seen_by    TEXT    NOT NULL DEFAULT '',
    UNIQUE (service, endpoint, kind, what)
);
CREATE INDEX learned_novel ON learned (id) WHERE novel = 1 AND seen_at IS NULL;
