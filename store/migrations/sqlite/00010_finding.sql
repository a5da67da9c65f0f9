-- +goose Up
-- Finding among very many: text in any part of a field, every shown column to sort by.

-- What finds text in customers who are not gone. A row's number is its place in
-- the order by company, so that the first matches of that order are the first
-- that it finds. Both tables are made from customers, and can be made anew.
CREATE VIRTUAL TABLE customers_text USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1');
CREATE TABLE customer_places (
    place INTEGER PRIMARY KEY,                   -- with gaps for those who come between
    cuid  TEXT    NOT NULL UNIQUE
);

CREATE INDEX customers_phone_text ON customers (phone, cuid);
CREATE INDEX customers_country_company ON customers (country_key, company_key, cuid);
CREATE INDEX customers_state_company ON customers (state_key, company_key, cuid);
CREATE INDEX customers_gone ON customers (gone_at) WHERE gone_at IS NOT NULL;

-- Customers whom somebody wants at hand.
CREATE TABLE pins (
    staff_id  INTEGER NOT NULL REFERENCES staff (id),
    cuid      TEXT    NOT NULL,
    pinned_at INTEGER NOT NULL,
    PRIMARY KEY (staff_id, cuid)
) WITHOUT ROWID;

-- Named filters, of the customers too.
ALTER TABLE audit_views RENAME TO views;
ALTER TABLE views ADD COLUMN page TEXT NOT NULL DEFAULT 'audit' CHECK (page IN ('audit', 'customers'));
DROP INDEX audit_views_staff;
CREATE INDEX views_staff ON views (staff_id, page);
