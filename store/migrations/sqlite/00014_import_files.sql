-- +goose Up
-- What is being done with a draft, and the form that it came from.

ALTER TABLE imports ADD COLUMN busy    TEXT NOT NULL DEFAULT '';  -- 'reading' or 'checking': it cannot be started meanwhile
ALTER TABLE imports ADD COLUMN receipt TEXT NOT NULL DEFAULT '';  -- of the upload, so that sending it twice makes one import
CREATE UNIQUE INDEX imports_receipt ON imports (staff_id, receipt) WHERE receipt <> '';
