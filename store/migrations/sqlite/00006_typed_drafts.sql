-- +goose Up
-- What is being typed is kept before it is posted, too: by which session, and in
-- which form. '' in session: it was posted when the session had ended already.
ALTER TABLE drafts ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE drafts ADD COLUMN post    TEXT NOT NULL DEFAULT '';   -- where the form posts to
