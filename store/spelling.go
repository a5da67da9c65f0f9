package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Spelling returns how the mirror mostly spells a country that it has under these
// folded names; "" when it has none of them. Of each name the first customers
// speak for the others.
func (db *DB) Spelling(ctx context.Context, keys []string) (string, error) {
	db.heed(ctx)
	most, best := 0, ""
	for _, key := range keys {
		n := 1
		if len(keys) > 1 {
			var err error
			if n, err = db.totals.of(countKey("country spelling", []any{key}), func() (n int, err error) {
				return n, db.reader.QueryRowContext(ctx, `SELECT count(*) FROM customers WHERE country_key = $1`, key).Scan(&n)
			}); err != nil {
				return "", fmt.Errorf("count a country: %w", err)
			}
		}
		if n > most {
			most, best = n, key
		}
	}
	if best == "" {
		return "", nil
	}
	spelled, err := collect(ctx, db.reader, func(s scanner) (v string, err error) { return v, s.Scan(&v) }, `
		SELECT trim(country) FROM (SELECT country FROM customers WHERE country_key = $1 AND gone_at IS NULL LIMIT 200 + 0) AS few
		GROUP BY trim(country) ORDER BY count(*) DESC, trim(country) LIMIT 1 + 0`, best)
	if err != nil || len(spelled) == 0 {
		return "", err
	}
	return spelled[0], nil
}

// companiesAlike is how many customers of one company are named at most.
const companiesAlike = 20

// CustomersOfCompany returns customers whose company is one of these folded names,
// without those that are gone.
func (db *DB) CustomersOfCompany(ctx context.Context, keys []string) ([]Customer, error) {
	wanted, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	return collect(ctx, db.reader, scanCustomer, `SELECT `+customerColumns+` FROM customers
		WHERE company_key IN (`+db.among(1)+`) AND gone_at IS NULL ORDER BY company_key, cuid LIMIT $2 + 0`, string(wanted), companiesAlike)
}
