package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CustomerSort is a column to sort by; customers of the same city, country or state are
// sorted by company. A leading minus sorts downwards. The zero sort is by company, or for
// a search by how well it fits: those of whom a field is what was asked for, then those of
// whom one begins so, then the rest, each by company.
type CustomerSort string

var customerSorts = map[CustomerSort][]string{
	"company": {"company_key"}, "email": {"email_key"}, "name": {"name_key"}, "phone": {"phone"}, "created": {"created_key"},
	"city": {"city_key", "company_key"}, "country": {"country_key", "company_key"}, "state": {"state_key", "company_key"},
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
	// Text is looked for in company, e-mail, name, city, website and phone number,
	// every word of it; a whole cuid too. Up to two characters are beginnings.
	Text    string
	Country string    // exact, any case
	State   string    // exact, any case
	From    time.Time // created at or after; zero: no bound
	To      time.Time // created before
	Stored  string    // "yes": with stored credentials, "no": without
	Gone    bool      // those whom ATOM lists no more, instead of those whom it lists
	Outside bool      // those pointed out as not created by frontdesk
	Sort    CustomerSort
	Cursor  string // from a former page's Next or Previous
	Limit   int
	Whole   bool // every column, for an export

	// Countries are the folded spellings of a country that is known; they count
	// instead of Country.
	Countries []string

	Uncounted bool // the page's Total is not wanted and stays 0: counting many takes longer than finding the first
}

// ListedCustomer is a customer in a listing, without address, zip, website and
// fields unless the query was for the whole.
type ListedCustomer struct {
	Customer
	Stored bool // credentials are in the vault

	search string // its text
	key    string // what it is sorted by
	then   string // and after that; "" when that is the cuid
	tier   int    // how well it fits a search
}

// CustomerPage is one page of a listing.
type CustomerPage struct {
	Customers []ListedCustomer
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
	Tier int          `json:"t,omitempty"`
	Key  string       `json:"k"`
	Then string       `json:"n,omitempty"`
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

// How many rows are rather gathered and sorted than met on a walk along an order:
// among few, the way from one to the next is long.
const (
	gatherMost  = 100  // of a search, whose next best way is the text index's own order
	gatherOrder = 2000 // of a search in another order
	gatherOther = 1500 // without a search
)

// FindCustomers returns one page of the mirror.
func (db *DB) FindCustomers(ctx context.Context, q CustomerQuery) (CustomerPage, error) {
	for {
		page, again, err := db.findCustomers(ctx, q)
		if !again || err != nil {
			return page, err
		}
	}
}

// findCustomers is FindCustomers; again tells that the text index that it has used
// was being replaced meanwhile.
func (db *DB) findCustomers(ctx context.Context, q CustomerQuery) (page CustomerPage, again bool, err error) {
	f, at, err := db.newFinder(ctx, q)
	if err != nil {
		return page, false, err
	}
	rows, total, err := f.rows(ctx, at, q.Limit+1) // one more tells whether there is another page
	if err != nil {
		return page, false, fmt.Errorf("find customers: %w", err)
	}
	if !q.Uncounted {
		page.Total = total
	}
	if f.byText {
		whole, _, err := db.textIndexed(ctx)
		if err != nil || !whole {
			return page, true, err
		}
	}
	more, back := len(rows) > q.Limit, at != nil && at.Back
	if more {
		rows = rows[:q.Limit]
	}
	if back {
		slices.Reverse(rows)
	}
	if len(rows) > 0 {
		first, last := rows[0], rows[len(rows)-1]
		if more || back {
			page.Next = cursor{q.Sort, last.tier, last.key, last.then, last.CUID, false}.String()
		}
		if (at != nil && !back) || (back && more) {
			page.Previous = cursor{q.Sort, first.tier, first.key, first.then, first.CUID, true}.String()
		}
	}
	if f.pasted != nil && page.Previous == "" {
		rows = slices.Insert(rows, 0, *f.pasted)
	}
	page.Customers = rows
	return page, false, nil
}

// finder is how one query is answered.
type finder struct {
	db     *DB
	q      CustomerQuery
	order  []string // columns, the cuid behind them
	text   text     // what is looked for; zero: nothing
	where  string   // the filters, on customers c
	args   []any
	pasted *ListedCustomer // whose whole cuid the text is, when the text does not find them
	way    way
	byText bool // the text index finds them
	waits  bool // not all are in it yet
}

// way is where the rows come from.
type way int

const (
	walking   way = iota // along the order's index, testing each row
	sorting              // by whatever index the filters have, then sorted
	gathering            // all that the search finds, then sorted by how well they fit
	placed               // along the text index, which has them by company
)

func (db *DB) newFinder(ctx context.Context, q CustomerQuery) (*finder, *cursor, error) {
	db.heed(ctx)
	f := &finder{db: db, q: q, order: customerSorts["company"], where: "c.gone_at IS NULL", text: parseText(q.Text)}
	if q.Gone {
		f.where = "c.gone_at IS NOT NULL"
	}
	if q.Sort != "" {
		var ok bool
		if f.order, ok = customerSorts[q.Sort.Column()]; !ok {
			return nil, nil, fmt.Errorf("sort by %q: %w", q.Sort, ErrBadCursor)
		}
	}
	var at *cursor
	if q.Cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
		if err != nil || json.Unmarshal(b, &at) != nil || at == nil || at.Sort != q.Sort || at.Tier < 0 || at.Tier > inside {
			return nil, nil, ErrBadCursor
		}
	}
	add := func(condition string, value any) {
		f.args = append(f.args, value)
		f.where += fmt.Sprintf(" AND "+condition, len(f.args))
	}
	switch n := len(q.Countries); {
	case n == 1:
		add(`c.country_key = $%d`, q.Countries[0])
	case n > 1:
		places := make([]string, n)
		for i, key := range q.Countries {
			f.args = append(f.args, key)
			places[i] = fmt.Sprintf("$%d", len(f.args))
		}
		f.where += " AND c.country_key IN (" + strings.Join(places, ", ") + ")"
	case q.Country != "":
		add(`c.country_key = $%d`, Fold(q.Country))
	}
	if q.State != "" {
		add(`c.state_key = $%d`, Fold(q.State))
	}
	if !q.From.IsZero() {
		add(`c.created_key >= $%d`, q.From.UTC().Format(createdLayout))
	}
	if !q.To.IsZero() && q.To.UTC().Year() <= 9999 { // keys have four digits for the year, and none is beyond
		add(`c.created_key < $%d`, q.To.UTC().Format(createdLayout))
	}
	switch q.Stored {
	case "yes":
		f.where += ` AND c.cuid IN (SELECT cuid FROM credentials)`
	case "no":
		f.where += ` AND c.cuid NOT IN (SELECT cuid FROM credentials)`
	}
	if q.Outside {
		f.where += ` AND c.cuid IN (SELECT subject FROM outside WHERE kind = 'customer' AND state = 'found')`
	}
	return f, at, nil
}

// What a listing shows of each customer c, and what all of an export has.
const (
	listedColumns = `c.cuid, c.company, c.email, c.name, c.country, c.city, c.state, c.phone, c.created, c.gone_at`
	storedColumn  = `EXISTS (SELECT 1 FROM credentials v WHERE v.cuid = c.cuid)`
)

var wholeColumns = strings.Replace(customerColumns, "cuid", "c.cuid", 1)

// columns are those that scan reads.
func (f *finder) columns() string {
	all, search, then := listedColumns, "''", "''"
	if f.q.Whole {
		all = wholeColumns
	}
	if !f.text.none() {
		search = "c.search"
	}
	if len(f.order) > 1 {
		then = "c." + f.order[1]
	}
	return all + ", " + storedColumn + ", " + search + ", c." + f.order[0] + ", " + then
}

func (f *finder) scan(row scanner) (c ListedCustomer, err error) {
	if f.q.Whole {
		c.Customer, err = scanCustomer(more{row, []any{&c.Stored, &c.search, &c.key, &c.then}})
		return c, err
	}
	var gone sql.NullInt64
	err = row.Scan(&c.CUID, &c.Company, &c.Email, &c.Name, &c.Country, &c.City, &c.State, &c.Phone, &c.Created, &gone, &c.Stored, &c.search, &c.key, &c.then)
	c.GoneAt = fromMillis(gone)
	return c, err
}

// more scans further columns behind a customer's.
type more struct {
	scanner
	dest []any
}

func (m more) Scan(dest ...any) error { return m.scanner.Scan(append(dest, m.dest...)...) }

const listedOnly = "c.gone_at IS NULL" // the filter that every listing has, but for that of the gone

// total counts what the query lets through, and settles where the rows come
// from. Counting many takes long, so it is remembered until a customer changes.
func (f *finder) total(ctx context.Context) (int, error) {
	counted := func(by string, args []any, query string) (int, error) {
		return f.db.totals.of(countKey(by+"\x00"+f.where, args), func() (n int, err error) {
			return n, f.db.reader.QueryRowContext(ctx, query, args...).Scan(&n)
		})
	}
	filtered := f.where != listedOnly
	var n int
	var err error
	if filtered {
		n, err = counted("filter", f.args, `SELECT count(*) FROM customers c WHERE `+f.where)
	} else {
		n, err = f.db.CountCustomers(ctx)
	}
	if err != nil {
		return 0, err
	}
	switch {
	case f.text.none():
		if f.way = walking; filtered && n <= gatherOther {
			f.way = sorting
		}
		return n, nil
	case n == 0:
		return 0, nil
	}
	indexed, waits, err := f.db.textIndexed(ctx)
	if err != nil {
		return 0, err
	}
	matching := f.text.upTo(inside)
	found := n
	if indexed && !f.q.Gone {
		if found, err = f.indexed(ctx, matching); err != nil {
			return 0, err
		}
	}
	// With the text index when it finds fewer than the filters do.
	by := indexed && !f.q.Gone && found <= 2*n
	switch args := slices.Clone(f.args); {
	case by && filtered:
		args = append(args, matching.fts())
		query := fmt.Sprintf(`SELECT (SELECT count(*)`+fromText+` AND `, len(args)) + f.where
		query += `) + (SELECT count(*)` + fromWaiting + ` WHERE ` + f.where + ` AND ` + matching.sql(&args, false) + `)`
		found, err = counted("text and filter", args, query)
	case !by:
		where := matching.sql(&args, f.db.pg != nil)
		found, err = counted("scan"+where, args, `SELECT count(*) FROM customers c WHERE `+f.where+` AND `+where)
	}
	if err != nil {
		return 0, err
	}
	switch byCompany := f.order[0] == "company_key"; {
	case found <= gatherMost, by && !byCompany && found <= gatherOrder:
		f.way = gathering
	case by && byCompany:
		f.way = placed
	default:
		f.way = walking
	}
	f.byText, f.waits = by, waits
	return f.paste(ctx, found)
}

// indexed counts what the text index finds.
func (f *finder) indexed(ctx context.Context, matching expr) (int, error) {
	return f.db.totals.matching(matching, func() (n int, err error) {
		if f.db.pg != nil {
			var args []any
			where := matching.sql(&args, true)
			return n, f.db.reader.QueryRowContext(ctx, `SELECT count(*) FROM customers c WHERE c.gone_at IS NULL AND `+where, args...).Scan(&n)
		}
		query, args := countText(matching)
		return n, f.db.reader.QueryRowContext(ctx, query, args...).Scan(&n)
	})
}

// countKey is what a count is remembered under.
func countKey(query string, args []any) string {
	for _, arg := range args {
		query += fmt.Sprintf("\x00%q", fmt.Sprint(arg))
	}
	return query
}

// paste looks whether the text is a whole cuid, whose customer is then found
// first.
func (f *finder) paste(ctx context.Context, found int) (int, error) {
	args := append(slices.Clone(f.args), strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(f.q.Text), "cuid:")))
	c, err := one(f.scan(f.db.reader.QueryRowContext(ctx, `SELECT `+f.columns()+` FROM customers c WHERE `+f.where+fmt.Sprintf(` AND c.cuid = $%d`, len(args)), args...)))
	if errors.Is(err, ErrNotFound) {
		return found, nil
	}
	if err != nil {
		return 0, err
	}
	if f.text.upTo(inside).in(c.search) {
		return found, nil // as others are
	}
	f.pasted = &c
	return found + 1, nil
}

// rows returns the rows behind a position, at most limit, and how many there are on
// all pages; going back, the nearest first.
func (f *finder) rows(ctx context.Context, at *cursor, limit int) ([]ListedCustomer, int, error) {
	if at == nil {
		if rows, total, ok, err := f.firstPage(ctx, limit); ok || err != nil {
			return rows, total, err
		}
	}
	total, err := f.total(ctx)
	if err != nil {
		return nil, 0, err
	}
	var rows []ListedCustomer
	switch {
	case f.way == gathering:
		rows, err = f.gather(ctx, at, limit)
	case f.text.none() || f.q.Sort != "":
		rows, err = f.some(ctx, f.text.upTo(inside), inside, at, limit)
	case at == nil:
		if rows, err = f.some(ctx, f.text.upTo(inside), inside, nil, limit); err == nil {
			rows, err = f.better(ctx, rows, limit)
		}
	default:
		rows, err = f.byTiers(ctx, at, limit)
	}
	return rows, total, err
}

// byTiers returns rows whose first order is how well they fit.
func (f *finder) byTiers(ctx context.Context, at *cursor, limit int) ([]ListedCustomer, error) {
	tier, last, step := exact, inside, 1
	if at != nil {
		tier = at.Tier
	}
	if at != nil && at.Back {
		last, step = exact, -1
	}
	var all []ListedCustomer
	for ; len(all) < limit && (last-tier)*step >= 0; tier += step {
		rows, err := f.some(ctx, f.text.at(tier), tier, at, limit-len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if at != nil {
			at = &cursor{Back: at.Back} // the next tier from its end
		}
	}
	return all, nil
}

// gather returns rows behind a position out of all that the search finds.
func (f *finder) gather(ctx context.Context, at *cursor, limit int) ([]ListedCustomer, error) {
	matching, args, from := f.text.upTo(inside), slices.Clone(f.args), ""
	var waiting []ListedCustomer
	if f.byText {
		var err error
		if waiting, err = f.waiting(ctx, matching, nil, ">", "ASC", gatherMost+gatherOrder); err != nil {
			return nil, err
		}
		args = append(args, matching.fts())
		from = fmt.Sprintf(fromText, len(args))
	} else {
		from = " FROM customers c WHERE " + matching.sql(&args, f.db.pg != nil)
	}
	all, err := collect(ctx, f.db.reader, f.scan, `SELECT `+f.columns()+from+` AND `+f.where, args...)
	if err != nil {
		return nil, err
	}
	all = append(all, notIn(waiting, all)...)
	for i := range all {
		if all[i].tier = inside; f.q.Sort == "" {
			all[i].tier = f.text.tier(all[i].search)
		}
	}
	back := at != nil && at.Back
	compare := func(a, b ListedCustomer) int {
		by := cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.key, b.key), cmp.Compare(a.then, b.then), cmp.Compare(a.CUID, b.CUID))
		if f.q.Sort.Descending() != back {
			return -by
		}
		return by
	}
	slices.SortFunc(all, compare)
	if at != nil {
		last := ListedCustomer{Customer: Customer{CUID: at.CUID}, key: at.Key, then: at.Then, tier: at.Tier}
		all = slices.DeleteFunc(all, func(c ListedCustomer) bool { return compare(last, c) >= 0 })
	}
	return all[:min(len(all), limit)], nil
}

// some returns rows of one tier behind a position.
func (f *finder) some(ctx context.Context, matching expr, tier int, at *cursor, limit int) ([]ListedCustomer, error) {
	if matching.never() {
		return nil, nil
	}
	back := at != nil && at.Back
	after, direction := ">", "ASC"
	if f.q.Sort.Descending() != back {
		after, direction = "<", "DESC"
	}
	if at != nil && at.CUID == "" {
		at = nil // a whole tier
	}
	find := f.walk
	if f.way == placed {
		find = f.places
	}
	rows, err := find(ctx, matching, at, after, direction, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	for i := range rows {
		rows[i].tier = tier
	}
	return rows, nil
}

// walk returns rows behind a position along the order, each looked at.
func (f *finder) walk(ctx context.Context, matching expr, at *cursor, after, direction string, limit int) ([]ListedCustomer, error) {
	where, args := f.where, slices.Clone(f.args)
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	order := "c." + strings.Join(f.order, ", c.") + ", c.cuid"
	if !matching.always() {
		where += " AND " + matching.sql(&args, f.db.pg != nil)
	}
	if f.way == sorting && f.db.pg == nil {
		order = "+" + order // keeps SQLite from walking along the order's index
	}
	if at != nil {
		begin := arg(at.Key)
		if len(f.order) > 1 {
			begin += ", " + arg(at.Then)
		}
		where += " AND (" + order + ") " + after + " (" + begin + ", " + arg(at.CUID) + ")"
	}
	return collectInto(ctx, f.db.reader, make([]ListedCustomer, 0, limit), f.scan, `SELECT `+f.columns()+` FROM customers c WHERE `+where+
		` ORDER BY `+strings.ReplaceAll(order, ",", " "+direction+",")+` `+direction+` LIMIT `+arg(limit)+` + 0`, args...)
}

// Places returns the countries and states that occur among the customers who
// are not gone, each once in the spelling of one of them, for a filter's choices.
func (db *DB) Places(ctx context.Context) (countries, states []string, err error) {
	db.heed(ctx)
	t := &db.totals
	t.mu.Lock()
	kept, version := t.places, t.version
	t.mu.Unlock()
	if kept == nil {
		kept = &places{}
		// Without their indexes, while the mirror is filled for the first time, it
		// would take seconds: a filter offers none meanwhile.
		if db.pg == nil {
			off, err := fillIndexes(ctx, db.reader)
			if err != nil || len(off) > 0 {
				return nil, nil, err
			}
		}
		var err error
		if kept.countries, err = db.spellings(ctx, "country"); err != nil {
			return nil, nil, err
		}
		if kept.states, err = db.spellings(ctx, "state"); err != nil {
			return nil, nil, err
		}
		t.mu.Lock()
		if version == t.version && !t.held {
			t.places = kept
		}
		t.mu.Unlock()
	}
	return kept.countries, kept.states, nil
}

// maxPlaces bounds a filter's choices.
const maxPlaces = 300

// spellings hops along a column's index from one value to the next: there are
// few among very many customers.
func (db *DB) spellings(ctx context.Context, column string) ([]string, error) {
	return collect(ctx, db.reader, func(s scanner) (v string, err error) { return v, s.Scan(&v) }, strings.ReplaceAll(`
		WITH RECURSIVE keys (k) AS (
			SELECT min(place_key) FROM customers WHERE place_key > ''
			UNION ALL
			SELECT (SELECT min(place_key) FROM customers WHERE place_key > k) FROM keys WHERE k IS NOT NULL
		), spelled (v) AS (
			SELECT (SELECT place FROM customers WHERE place_key = k AND gone_at IS NULL LIMIT 1) FROM keys LIMIT $1 + 0
		)
		SELECT v FROM spelled WHERE v IS NOT NULL`, "place", column), maxPlaces)
}

// CursorAfter is the cursor of the list by company that goes on behind a
// customer.
func CursorAfter(c Customer) string {
	return cursor{"", 0, keyOf(c.Company), "", c.CUID, false}.String()
}
