-- +goose Up
-- By city, country and state customers come by company within each, as with one of them
-- chosen: one index each serves both.
DROP INDEX customers_country;
DROP INDEX customers_state;
DROP INDEX customers_city;
CREATE INDEX customers_city_company ON customers (city_key, company_key, cuid);
