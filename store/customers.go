package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
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
}

// Field is one field of ATOM's customer object, its value as text.
type Field struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// Fold drops case, accents and outer space, so that texts compare as people
// expect.
func Fold(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for i := range len(s) {
		if s[i] >= 0x80 {
			folded, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), s)
			if err != nil {
				return s // invalid UTF-8 stays as it is
			}
			return folded
		}
	}
	return s
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

// CustomerSort is a column to sort by. A leading minus sorts downwards.
type CustomerSort string

var customerSorts = map[CustomerSort]string{
	"company": "company_key", "email": "email_key", "name": "name_key", "city": "city_key",
	"country": "country_key", "state": "state_key", "created": "created_key",
}

// Valid tells whether the mirror can be sorted so.
func (s CustomerSort) Valid() bool {
	_, ok := customerSorts[s.Column()]
	return ok
}

// Column is the sort without its direction.
func (s CustomerSort) Column() CustomerSort { return CustomerSort(strings.TrimPrefix(string(s), "-")) }

// Descending tells the direction.
func (s CustomerSort) Descending() bool { return strings.HasPrefix(string(s), "-") }

// CustomerQuery is what to list.
type CustomerQuery struct {
	Text    string // words that must all occur, each anywhere in company, e-mail, name, phone, city or cuid
	Country string // exact, any case
	State   string // exact, any case
	Sort    CustomerSort
	Cursor  string // from a former page's Next or Previous
	Limit   int
}

// CustomerPage is one page of a listing.
type CustomerPage struct {
	Customers []Customer
	Total     int    // of all pages
	Next      string // cursor of the next page, "" on the last
	Previous  string // cursor of the page before, "" on the first
}

// ErrBadCursor means that a page's cursor is not one of ours for this sort.
var ErrBadCursor = errors.New("bad cursor")

// cursor is a position in a sorted listing: the row that the page starts
// after, or (back) ends before. Rows that come or go meanwhile neither skip
// nor repeat others.
type cursor struct {
	Sort CustomerSort `json:"s"`
	Key  string       `json:"k"`
	CUID string       `json:"c"`
	Back bool         `json:"b,omitempty"`
}

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and a bool always marshal
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Bounds of a search, in words and in bytes of one word: SQLite refuses
// expressions and patterns that are too long, and no page may fail for that.
const maxWords, maxWord = 32, 200

// FindCustomers returns one page of the mirror.
func (db *DB) FindCustomers(ctx context.Context, q CustomerQuery) (CustomerPage, error) {
	var page CustomerPage
	if q.Sort == "" {
		q.Sort = "company"
	}
	column, ok := customerSorts[q.Sort.Column()]
	if !ok {
		return page, fmt.Errorf("sort by %q: %w", q.Sort, ErrBadCursor)
	}
	where, args := "gone_at IS NULL", []any{}
	add := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND "+condition, len(args))
	}
	words := strings.Fields(Fold(q.Text))
	for _, word := range words[:min(len(words), maxWords)] {
		if len(word) > maxWord {
			word = strings.ToValidUTF8(word[:maxWord], "")
		}
		condition := `search LIKE $%[1]d ESCAPE '\'`
		// A piece of a phone number is looked for as written and by its digits.
		if number := digits(word); number != "" && number != word && strings.Trim(word, "0123456789+-()./") == "" {
			condition = `(search LIKE $%[1]d ESCAPE '\' OR search LIKE '%%` + number + `%%')`
		}
		add(condition, "%"+likeEscape(word)+"%")
	}
	if q.Country != "" {
		add(`country_key = $%d`, Fold(q.Country))
	}
	if q.State != "" {
		add(`state_key = $%d`, Fold(q.State))
	}
	if err := db.reader.QueryRowContext(ctx, `SELECT count(*) FROM customers WHERE `+where, args...).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count customers: %w", err)
	}

	var at cursor
	if q.Cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
		if err != nil || json.Unmarshal(b, &at) != nil || at.Sort != q.Sort {
			return page, ErrBadCursor
		}
		after := ">"
		if at.Back != q.Sort.Descending() {
			after = "<"
		}
		args = append(args, at.Key, at.CUID)
		where += fmt.Sprintf(" AND (%s, cuid) %s ($%d, $%d)", column, after, len(args)-1, len(args))
	}
	direction := "ASC"
	if at.Back != q.Sort.Descending() {
		direction = "DESC"
	}
	args = append(args, q.Limit+1) // one more tells whether there is another page
	type row struct {
		Customer
		key string
	}
	rows, err := collect(ctx, db.reader, func(s scanner) (row, error) {
		var r row
		var err error
		r.Customer, err = scanCustomer(keyed{s, &r.key})
		return r, err
	}, fmt.Sprintf(`SELECT %s, %s FROM customers WHERE %s ORDER BY %s %s, cuid %s LIMIT $%d`,
		customerColumns, column, where, column, direction, direction, len(args)), args...)
	if err != nil {
		return page, fmt.Errorf("find customers: %w", err)
	}
	more := len(rows) > q.Limit
	if more {
		rows = rows[:q.Limit]
	}
	if at.Back {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	for _, r := range rows {
		page.Customers = append(page.Customers, r.Customer)
	}
	if len(rows) > 0 {
		first, last := rows[0], rows[len(rows)-1]
		if more || at.Back {
			page.Next = cursor{q.Sort, last.key, last.CUID, false}.String()
		}
		if (q.Cursor != "" && !at.Back) || (at.Back && more) {
			page.Previous = cursor{q.Sort, first.key, first.CUID, true}.String()
		}
	}
	return page, nil
}

// keyed scans one more column behind a customer's.
type keyed struct {
	scanner
	key *string
}

func (k keyed) Scan(dest ...any) error { return k.scanner.Scan(append(dest, k.key)...) }

func likeEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// Places returns the countries and states that occur in the mirror, each once
// in one of its spellings (small letters before capitals), for a filter's
// choices.
func (db *DB) Places(ctx context.Context) (countries, states []string, err error) {
	text := func(s scanner) (v string, err error) { return v, s.Scan(&v) }
	countries, err = collect(ctx, db.reader, text, `
		SELECT max(country) FROM customers WHERE country_key <> '' AND gone_at IS NULL GROUP BY country_key ORDER BY country_key LIMIT 300`)
	if err != nil {
		return nil, nil, err
	}
	states, err = collect(ctx, db.reader, text, `
		SELECT max(state) FROM customers WHERE state_key <> '' AND gone_at IS NULL GROUP BY state_key ORDER BY state_key LIMIT 300`)
	return countries, states, err
}

// CountCustomers counts those that are not gone.
func (db *DB) CountCustomers(ctx context.Context) (n int, err error) {
	return n, db.reader.QueryRowContext(ctx, `SELECT count(*) FROM customers WHERE gone_at IS NULL`).Scan(&n)
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

// createdKey makes creation dates of differing forms sort as dates where they
// can be read.
func createdKey(created string) string {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, created); err == nil {
			return t.UTC().Format("2006-01-02T15:04:05.000000")
		}
	}
	return created
}
