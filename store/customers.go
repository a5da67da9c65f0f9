package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Customer is a row of the mirror: what ATOM last said of a customer.
type Customer struct {
	CUID, Company, Email, Name, Address, Country, City, Zip, State, Phone, Website string

	Created   string    // as ATOM wrote it
	Fields    []Field   // every field that ATOM gave, in order, without credentials
	SeenAt    time.Time // when the mirror first had it
	ChangedAt time.Time
	GoneAt    time.Time // zero while ATOM lists it
	Digest    []byte    // of ATOM's own object; only to be stored, nil when it is not from the list
}

// Field is one field of ATOM's customer object, its value as text.
type Field struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// Fold drops case, accents and outer space, so that texts compare as people
// expect.
func Fold(s string) string {
	s = strings.TrimSpace(s)
	folded := make([]byte, 0, len(s))
	for _, r := range s {
		if int(r) >= len(latin) {
			return strings.TrimSpace(foldAny(s)) // an accent may have kept a space from being the outer one
		}
		folded = append(folded, latin[r]...)
	}
	return string(folded)
}

// latin are the letters that most texts are made of, each folded: none of them
// joins with its neighbours, so that it can be looked up.
var latin = func() (all [0x180]string) {
	for r := range all {
		all[r] = foldAny(string(rune(r)))
	}
	return all
}()

func foldAny(s string) string {
	bare := make([]byte, 0, len(s))
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		if !unicode.Is(unicode.Mn, r) {
			bare = utf8.AppendRune(bare, r)
		}
	}
	return norm.NFC.String(string(bare))
}

const customerColumns = `cuid, company, email, name, address, country, city, zip, state, phone, website,
	created, fields, seen_at, changed_at, gone_at`

func scanCustomer(row scanner) (Customer, error) {
	var c Customer
	var fields string
	var seen, changed, gone sql.NullInt64
	err := row.Scan(&c.CUID, &c.Company, &c.Email, &c.Name, &c.Address, &c.Country, &c.City, &c.Zip, &c.State, &c.Phone, &c.Website,
		&c.Created, &fields, &seen, &changed, &gone)
	if err != nil {
		return c, err
	}
	c.SeenAt, c.ChangedAt, c.GoneAt = fromMillis(seen), fromMillis(changed), fromMillis(gone)
	return c, json.Unmarshal([]byte(fields), &c.Fields)
}

// Customer returns one customer of the mirror, gone ones too.
func (db *DB) Customer(ctx context.Context, cuid string) (Customer, error) {
	return one(scanCustomer(db.reader.QueryRowContext(ctx, `SELECT `+customerColumns+` FROM customers WHERE cuid = $1`, cuid)))
}

// CustomersByEmail returns the customers that share an e-mail, in any case,
// without those that are gone.
func (db *DB) CustomersByEmail(ctx context.Context, email string) ([]Customer, error) {
	return collect(ctx, db.reader, scanCustomer, `SELECT `+customerColumns+`
		FROM customers WHERE email_key = $1 AND gone_at IS NULL ORDER BY company_key, cuid LIMIT 100`, Fold(email))
}

// SharingEmail returns the cuids of the customers who share an e-mail, in any
// case, without those that are gone; at most 100.
func (db *DB) SharingEmail(ctx context.Context, email string) ([]string, error) {
	return collect(ctx, db.reader, func(s scanner) (v string, err error) { return v, s.Scan(&v) },
		`SELECT cuid FROM customers WHERE email_key = $1 AND gone_at IS NULL ORDER BY cuid LIMIT 100`, Fold(email))
}

// RecentCustomers returns the customers that this member of staff acted on
// last; fewer than limit when there were fewer lately.
func (db *DB) RecentCustomers(ctx context.Context, staffID int64, limit int) ([]Customer, error) {
	// Some subjects are no customers: phone numbers, members of staff.
	subjects, err := db.index.RecentSubjects(ctx, db.reader, staffID, 4*limit)
	var recent []Customer
	for i := 0; err == nil && i < len(subjects) && len(recent) < limit; i++ {
		var c Customer
		switch c, err = db.Customer(ctx, subjects[i]); {
		case err == nil:
			recent = append(recent, c)
		case errors.Is(err, ErrNotFound):
			err = nil
		}
	}
	return recent, err
}

// CountCustomers counts those that are not gone.
func (db *DB) CountCustomers(ctx context.Context) (int, error) {
	db.heed(ctx)
	return db.totals.matching(expr{}, func() (n int, err error) {
		return n, db.reader.QueryRowContext(ctx, `SELECT count(*) FROM customers WHERE gone_at IS NULL`).Scan(&n)
	})
}

// digits keeps a phone number's digits, so that it is found however written.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}

const createdLayout = "2006-01-02T15:04:05.000000" // of a createdKey

// createdKey makes creation dates of differing forms sort as dates where they
// can be read.
func createdKey(created string) string {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, created); err == nil {
			return t.UTC().Format(createdLayout)
		}
	}
	return cutKey(created)
}
