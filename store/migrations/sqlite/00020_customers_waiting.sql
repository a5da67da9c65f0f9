-- +goose Up
-- Customers who are not in the text index yet: they are brought in behind the back of
-- the act that made them, many at once.
CREATE TABLE customers_waiting (
    cuid TEXT PRIMARY KEY
) WITHOUT ROWID;
