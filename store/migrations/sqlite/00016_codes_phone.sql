-- +goose Up
-- The active codes of a number, while it is typed.
CREATE INDEX codes_phone ON codes (phone, sent_at);
