-- +goose Up
-- Who writes to a text index leaves a piece in it and merges none: a write that comes at
-- the wrong time would wait for megabytes. They are merged behind the writes' back, in
-- small steps, or by the write that leaves so many after all.
INSERT INTO audit_text (audit_text, rank) VALUES ('automerge', 0);
INSERT INTO audit_text (audit_text, rank) VALUES ('crisismerge', 1000);
INSERT INTO customers_text (customers_text, rank) VALUES ('automerge', 0);
INSERT INTO customers_text (customers_text, rank) VALUES ('crisismerge', 1000);
