-- +goose Up
-- The code that was last sent for a customer stands on their page.
CREATE INDEX codes_customer ON codes (cuid, id) WHERE cuid <> '';
