package store

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// FirstNumber is the first phone number in a field that people fill in, without
// an extension or a second number behind it: "Tel. 070-123 45 67, ext 5" is
// "070-123 45 67".
func FirstNumber(text string) string {
	text = strings.ReplaceAll(text, "(0)", "") // "+46 (0)70": the zero is not dialled
	start := strings.IndexFunc(text, func(r rune) bool { return r == '+' || r == '＋' || unicode.IsDigit(r) })
	if start < 0 {
		return ""
	}
	text = text[start:]
	n := 0
	for i, r := range text {
		switch {
		case unicode.IsDigit(r):
			n++
		case n >= 7 && (unicode.IsLetter(r) || strings.ContainsRune(",;/#|&*:\n", r)):
			return strings.TrimSpace(text[:i]) // so many digits are a number: this is behind it
		}
	}
	return strings.TrimSpace(text)
}

// firstDigits are the digits of the first number in a text, in any script, as ASCII.
func firstDigits(text string) string {
	return digits(phonenumbers.NormalizeDigitsOnly(FirstNumber(text))) // the library leaves some scripts' as they are
}

// phoneKey is what a number is found by however it is written: the last eight
// of its digits, or fewer, which neither a country code nor a leading zero
// changes. It is "" for what is too short to be a number.
func phoneKey(phone string) string {
	key := firstDigits(phone)
	if len(key) < 6 {
		return ""
	}
	return key[max(0, len(key)-8):]
}

// mayBePhone bounds the customers whose number ends alike.
const mayBePhone = 100

// CustomersByPhone returns the customers whose number may be this one (E.164):
// it ends alike. Whether it is, depends on the country that it is written for.
// Those that are gone are left out.
func (db *DB) CustomersByPhone(ctx context.Context, e164 string) ([]Customer, error) {
	number := digits(e164)
	if len(number) < 8 {
		return nil, nil
	}
	// Shorter national numbers have fewer digits when written without their country.
	last := func(n int) string { return number[len(number)-n:] }
	return collect(ctx, db.reader, scanCustomer, `SELECT `+customerColumns+`
		FROM customers WHERE phone_key IN ($1, $2, $3, $4, $5) AND gone_at IS NULL ORDER BY company_key, cuid LIMIT $6 + 0`,
		last(8), last(7), last(6), "0"+last(7), "0"+last(6), mayBePhone)
}

// fillPhoneKeys works out the keys of customers who came in before there were
// any. It starts over when it was broken off, and reads nothing afterwards.
func (db *DB) fillPhoneKeys(ctx context.Context) error {
	missing, err := collect(ctx, db.pool, func(s scanner) (v [2]string, err error) { return v, s.Scan(&v[0], &v[1]) },
		`SELECT cuid, phone FROM customers WHERE phone_key IS NULL`)
	if err != nil || len(missing) == 0 {
		return err
	}
	tx, err := db.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, c := range missing {
		if _, err := tx.ExecContext(ctx, `UPDATE customers SET phone_key = $1 WHERE cuid = $2`, phoneKey(c[1]), c[0]); err != nil {
			return fmt.Errorf("work out phone keys: %w", err)
		}
	}
	return tx.Commit()
}
