package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"frontdesk/store/audit"
)

// What a search looks for, and the index that finds it. The index is the one
// part of finding that each kind of database does in its own way: here SQLite's
// FTS5 with trigrams, in table customers_text.

// edge stands before and behind every field in the text of a customer, so that
// "begins" and "is" are fragments like any other. It is two characters because
// the index knows fragments of three.
const edge = "\n\n"

// searchText is the text that a customer is found by, folded: the fields, each
// between edges.
func searchText(c Customer) string {
	email, site, number := Fold(c.Email), siteKey(c.Website), firstDigits(c.Phone)
	fields := []string{Fold(c.Company), email, Fold(c.Name), Fold(c.City)}
	if site != "" && !strings.HasSuffix(email, "@"+site) { // of most, the e-mail has it already
		fields = append(fields, site)
	}
	if number != "" {
		fields = append(fields, number)
	}
	if all := digits(c.Phone); all != number && all != "" {
		fields = append(fields, all)
	}
	text := edge
	for _, field := range fields {
		if field = strings.Join(strings.Fields(field), " "); field != "" {
			text += field + edge
		}
	}
	return text
}

// siteKey is a website as people name it: without scheme, "www." and a slash at
// the end.
func siteKey(site string) string {
	site = Fold(site)
	for _, prefix := range []string{"https://", "http://", "www."} {
		site = strings.TrimPrefix(site, prefix)
	}
	return strings.TrimSuffix(site, "/")
}

// Bounds of a search, in words and in bytes of one word: no page may fail for
// what somebody pastes.
const maxWords, maxWord = 32, 200

// How well a customer fits a search, best first.
const (
	exact  = iota // a field is what was asked for
	begins        // a field begins with it
	inside        // it is anywhere
)

// text is what a search looks for: for each way to fit, an expression that the
// next one's includes.
type text [inside + 1]expr

// expr is fragments of a customer's text, joined by AND or OR.
type expr struct {
	fragment string
	op       string // "" for a fragment
	of       []expr
}

func fragment(s string) expr      { return expr{fragment: s} }
func allOf(of ...expr) expr       { return expr{op: "AND", of: of} }
func anyOf(of ...expr) expr       { return expr{op: "OR", of: of} }
func (e expr) butNot(n expr) expr { return expr{op: "NOT", of: []expr{e, n}} }
func (t text) none() bool         { return t[inside].always() }
func (t text) upTo(tier int) expr { return t[tier] }
func (e expr) always() bool       { return e.op == "" && e.fragment == "" }
func (e expr) never() bool        { return e.op == "OR" && len(e.of) == 0 }
func short(s string, n int) bool  { return utf8.RuneCountInString(s) < n }
func isPhone(s string) bool       { return strings.Trim(s, "0123456789+-()./ ") == "" }

// at is the expression of those who fit just so well.
func (t text) at(tier int) expr {
	if tier == exact || t[inside].always() {
		return t[tier]
	}
	if t[tier].fts() == t[tier-1].fts() {
		return anyOf() // nobody
	}
	return t[tier].butNot(t[tier-1])
}

// searchWords are the words of what somebody has typed, folded.
func searchWords(typed string) []string {
	words := strings.Fields(Fold(strings.ReplaceAll(strings.ToValidUTF8(typed, "\uFFFD"), "\x00", "\uFFFD")))
	for i, word := range words {
		word = strings.TrimPrefix(strings.TrimPrefix(word, "tel:"), "cuid:") // as copied from elsewhere
		if strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "www.") {
			word = siteKey(word)
		}
		if len(word) > maxWord {
			word = strings.ToValidUTF8(word[:maxWord], "")
		}
		words[i] = word
	}
	return slices.DeleteFunc(words[:min(len(words), maxWords)], func(w string) bool { return w == "" })
}

// parseText reads what somebody has typed.
func parseText(typed string) text {
	words := searchWords(typed)
	if len(words) == 0 {
		return text{}
	}
	whole := strings.Join(words, " ")
	number := numberOf(whole)
	switch {
	case isPhone(whole) && len(number) >= 3:
		return phoneText(whole, number)
	case short(whole, 3):
		return text{exact: fragment(edge + whole + edge), begins: fragment(edge + whole), inside: fragment(edge + whole)}
	}
	return text{exact: fragment(edge + whole + edge), begins: fragment(edge + whole), inside: wordsText(words, whole)}
}

// phoneText looks for a phone number in any writing: as it is stored, without
// the zero that is dialled at home, or by its end, which no country code changes.
func phoneText(whole, number string) text {
	forms := []string{number}
	if whole != number && !short(whole, 3) { // it may be no number after all
		forms = append(forms, whole)
	}
	var is, starts, in []expr
	for _, form := range forms {
		is, starts, in = append(is, fragment(edge+form+edge)), append(starts, fragment(edge+form)), append(in, fragment(form))
	}
	if home := strings.TrimPrefix(number, "0"); home != number && len(home) >= 6 {
		in = append(in, fragment(home))
	}
	if len(number) >= 8 {
		end := fragment(number[len(number)-8:] + edge)
		is, starts, in = append(is, end), append(starts, end), append(in, end)
	}
	return text{exact: anyOf(is...), begins: anyOf(starts...), inside: anyOf(in...)}
}

// wordsText looks for words, each of which must occur.
func wordsText(words []string, whole string) expr {
	var all []expr
	for _, word := range words {
		number := digits(word)
		switch {
		case isPhone(word) && number != word && len(number) >= 3:
			all = append(all, anyOf(fragment(word), fragment(number)))
		case !short(word, 3):
			all = append(all, fragment(word))
		case !short(word, 2):
			all = append(all, anyOf(fragment(edge+word), fragment(" "+word))) // the beginning of a word
		} // a single letter among words is one that is being typed
	}
	switch len(all) {
	case 0:
		return fragment(whole)
	case 1:
		return all[0]
	}
	return allOf(all...)
}

// tier tells how well a customer's text fits.
func (t text) tier(search string) int {
	switch {
	case t[exact].in(search):
		return exact
	case t[begins].in(search):
		return begins
	}
	return inside
}

// fts is the expression as FTS5 takes it.
func (e expr) fts() string {
	if e.op == "" {
		return `"` + strings.ReplaceAll(e.fragment, `"`, `""`) + `"`
	}
	parts := make([]string, len(e.of))
	for i, of := range e.of {
		parts[i] = of.fts()
	}
	return "(" + strings.Join(parts, " "+e.op+" ") + ")"
}

// sql is the expression as a condition on c.search, its fragments appended to
// args; like says that an index finds patterns.
func (e expr) sql(args *[]any, like bool) string {
	if e.op == "" {
		if like {
			*args = append(*args, audit.Containing(e.fragment))
			return fmt.Sprintf("c.search LIKE $%d", len(*args))
		}
		*args = append(*args, e.fragment)
		return fmt.Sprintf("instr(c.search, $%d) > 0", len(*args))
	}
	parts := make([]string, len(e.of))
	for i, of := range e.of {
		parts[i] = of.sql(args, like)
	}
	return "(" + strings.Join(parts, strings.Replace(" "+e.op+" ", "NOT", "AND NOT", 1)) + ")"
}

// in tells whether a customer's text fits.
func (e expr) in(search string) bool {
	holds := func(of expr) bool { return of.in(search) }
	switch e.op {
	case "":
		return strings.Contains(search, e.fragment)
	case "OR":
		return slices.ContainsFunc(e.of, holds)
	case "AND":
		return !slices.ContainsFunc(e.of, func(of expr) bool { return !holds(of) })
	}
	return holds(e.of[0]) && !holds(e.of[1])
}

// fromText joins what the text index finds with the customers; its order is that
// of the companies.
const fromText = ` FROM customers_text CROSS JOIN customer_places p ON p.place = customers_text.rowid CROSS JOIN customers c ON c.cuid = p.cuid
	WHERE customers_text MATCH $%d`

// place is the first place behind a position.
func (f *finder) place(ctx context.Context, at *cursor, after, direction string) (place int64, err error) {
	return one(place, f.db.reader.QueryRowContext(ctx, `SELECT p.place FROM customers c CROSS JOIN customer_places p ON p.cuid = c.cuid
		WHERE (c.company_key, c.cuid) `+after+` ($1, $2) ORDER BY c.company_key `+direction+`, c.cuid `+direction+` LIMIT 1`,
		at.Key, at.CUID).Scan(&place))
}

// The text index is whole, is being built, or is not there. While it is not
// whole, searches look through the customers' texts, which takes longer and
// finds the same.
const (
	metaText = "customers-text"
	whole    = "whole"
	building = "building"

	placeGap   = 1 << 40 // between two customers when all are placed anew
	placeStep  = 1 << 20 // between two of whom one comes behind the other
	placeRoom  = 50      // customers on either side who move when there is no room between two
	indexBatch = 500     // customers placed in one transaction
)

// textState is how far the text index is. While it is built, all up to a
// customer are in it.
type textState struct {
	State string `json:"state"`
	Key   string `json:"key,omitempty"` // company_key of the last customer that is in it
	CUID  string `json:"cuid,omitempty"`
	Place int64  `json:"place,omitempty"` // of that one
	Merge int    `json:"merge,omitempty"` // 1: its pieces are yet to be merged; 2: they are being merged
}

func readTextState(ctx context.Context, q querier) (s textState, err error) {
	var text []byte
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, metaText).Scan(&text)
	return parseTextState(text, err)
}

// parseTextState reads a state as it is stored, whose reading gave err.
func parseTextState(text []byte, err error) (s textState, _ error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s, nil
	case err != nil:
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// textState is readTextState once in a transaction.
func (tx *Tx) textState(ctx context.Context) (textState, error) {
	if tx.text == nil {
		s, err := readTextState(ctx, tx)
		if err != nil {
			return s, err
		}
		tx.text = &s
	}
	return *tx.text, nil
}

func (tx *Tx) putTextState(ctx context.Context, s textState) error {
	tx.text = nil
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, metaText, text)
	return err
}

// DropTextIndex says that very many customers are about to change: they are
// indexed together afterwards, by IndexCustomers, which is much quicker than one
// by one.
func (tx *Tx) DropTextIndex(ctx context.Context) error {
	tx.moves.any, tx.moves.many = true, true
	if tx.db.pg != nil {
		return nil
	}
	return tx.putTextState(ctx, textState{})
}

// listedText is the text by which a customer is found so far. Where it is not worth
// the while to follow changes one by one, it is not read.
func (tx *Tx) listedText(ctx context.Context, cuid string) (l listed, err error) {
	if len(tx.moves.each) == maxMoves || !tx.db.totals.known() {
		tx.moves.many = true
	}
	if tx.moves.many {
		return l, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT search FROM customers WHERE cuid = $1 AND gone_at IS NULL`, cuid).Scan(&l.text)
	if errors.Is(err, sql.ErrNoRows) {
		return l, nil
	}
	l.is = err == nil
	return l, err
}

// indexCustomer brings a customer who has changed up to date in the text index;
// was is what they were found by.
func (tx *Tx) indexCustomer(ctx context.Context, cuid, key, search string, gone bool, was listed) error {
	tx.retext(move{was, listed{search, !gone}})
	if tx.db.pg != nil {
		return nil
	}
	s, err := tx.textState(ctx)
	if err != nil || s.State == "" {
		return err
	}
	later := s.State == building && (key > s.Key || (key == s.Key && cuid > s.CUID))
	var place sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT place FROM customer_places WHERE cuid = $1`, cuid).Scan(&place); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	switch {
	case place.Valid:
	case gone || later:
		return tx.unawait(ctx, cuid)
	default: // new, or not in yet
		return tx.await(ctx, cuid)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM customers_text WHERE rowid = $1`, place.Int64); err != nil {
		return fmt.Errorf("take a customer out of the text index: %w", err)
	}
	if gone || later {
		_, err := tx.ExecContext(ctx, `DELETE FROM customer_places WHERE cuid = $1`, cuid)
		return err
	}
	_, err = tx.putText(ctx, s, cuid, key, search, place)
	return err
}

// putText puts a customer into the text index, at the place that they have had if it
// still fits; in is false when the index was dropped instead: there was no room.
func (tx *Tx) putText(ctx context.Context, s textState, cuid, key, search string, place sql.NullInt64) (in bool, err error) {
	// Between those before and behind in the order.
	neighbour := func(after, direction string) (n sql.NullInt64, err error) {
		err = tx.QueryRowContext(ctx, `SELECT p.place FROM customers c CROSS JOIN customer_places p ON p.cuid = c.cuid
			WHERE (c.company_key, c.cuid) `+after+` ($1, $2) ORDER BY c.company_key `+direction+`, c.cuid `+direction+` LIMIT 1`, key, cuid).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return n, nil
		}
		return n, err
	}
	before, err := neighbour("<", "DESC")
	if err != nil {
		return false, err
	}
	behind, err := neighbour(">", "ASC")
	if err != nil {
		return false, err
	}
	fits := place.Valid && (!before.Valid || before.Int64 < place.Int64) && (!behind.Valid || place.Int64 < behind.Int64)
	if !fits && place.Valid {
		if _, err := tx.ExecContext(ctx, `DELETE FROM customer_places WHERE cuid = $1`, cuid); err != nil {
			return false, err
		}
	}
	if !fits && s.State == whole && before.Valid && behind.Valid && behind.Int64-before.Int64 < 2 {
		if before.Int64, behind.Int64, err = tx.makeRoom(ctx, before.Int64); err != nil {
			return false, err
		}
	}
	if !fits {
		switch {
		case before.Valid && behind.Valid: // near the one before: who comes next often stands behind this one
			place.Int64 = before.Int64 + min((behind.Int64-before.Int64)/2, placeStep)
		case before.Valid:
			place.Int64 = before.Int64 + placeGap
		case behind.Valid:
			place.Int64 = behind.Int64 - placeGap
		default:
			place.Int64 = 0
		}
		if (before.Valid && place.Int64 <= before.Int64) || (behind.Valid && place.Int64 >= behind.Int64) {
			return false, tx.DropTextIndex(ctx) // there is no room far and wide: all are placed anew
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO customer_places (place, cuid) VALUES ($1, $2)`, place.Int64, cuid); err != nil {
			return false, fmt.Errorf("place a customer: %w", err)
		}
	}
	if s.State == building && place.Int64 > s.Place { // behind the last, and yet before those to come
		s.Place = place.Int64
		if err := tx.putTextState(ctx, s); err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO customers_text (rowid, text) VALUES ($1, $2)`, place.Int64, search); err != nil {
		return false, fmt.Errorf("put a customer into the text index: %w", err)
	}
	tx.pieces = true
	return true, nil
}

// makeRoom moves the customers around a place apart, and returns the places, now
// with room between them, of the one who was there and the next.
func (tx *Tx) makeRoom(ctx context.Context, around int64) (before, behind int64, err error) {
	type moved struct {
		place        int64
		cuid, search string
	}
	scan := func(s scanner) (m moved, err error) { return m, s.Scan(&m.place, &m.cuid, &m.search) }
	const columns = `SELECT p.place, p.cuid, c.search FROM customer_places p CROSS JOIN customers c ON c.cuid = p.cuid WHERE p.place `
	all, err := collect(ctx, tx, scan, columns+`<= $1 ORDER BY p.place DESC LIMIT $2 + 0`, around, placeRoom)
	if err != nil {
		return 0, 0, err
	}
	slices.Reverse(all)
	at := len(all) - 1
	right, err := collect(ctx, tx, scan, columns+`> $1 ORDER BY p.place LIMIT $2 + 0`, around, placeRoom)
	if err != nil {
		return 0, 0, err
	}
	all = append(all, right...)
	// The outermost stay; a side without neighbours has all the room there is.
	from, to := all[0].place, all[len(all)-1].place
	if len(right) < placeRoom {
		to += placeGap
	}
	step := (to - from) / int64(len(all))
	if step < 2 {
		return around, around + 1, nil
	}
	for _, m := range all {
		if _, err := tx.ExecContext(ctx, `DELETE FROM customers_text WHERE rowid = $1`, m.place); err != nil {
			return 0, 0, err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM customer_places WHERE place = $1`, m.place); err != nil {
			return 0, 0, err
		}
	}
	for i, m := range all {
		place := from + int64(i)*step
		if _, err := tx.ExecContext(ctx, `INSERT INTO customer_places (place, cuid) VALUES ($1, $2)`, place, m.cuid); err != nil {
			return 0, 0, fmt.Errorf("place a customer: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO customers_text (rowid, text) VALUES ($1, $2)`, place, m.search); err != nil {
			return 0, 0, fmt.Errorf("put a customer into the text index: %w", err)
		}
	}
	return from + int64(at)*step, from + int64(at+1)*step, nil
}

// IndexCustomers builds the text index when it is not whole, brings those in who wait
// for it, and merges its pieces, in steps that keep the writer for some milliseconds
// each. It goes on where a stop has broken it off.
func (db *DB) IndexCustomers(ctx context.Context) error {
	if db.pg != nil {
		return nil
	}
	for {
		more := false
		s, err := readTextState(ctx, db.reader)
		if err != nil {
			return err
		}
		if s.State == whole {
			if more, err = db.indexWaiting(ctx); err != nil {
				return err
			}
			if more {
				continue
			}
		}
		if s.State == whole && s.Merge == 0 {
			if more, err = db.mergePieces(ctx, "customers_text", &db.pieces.customers); err != nil || !more {
				return err
			}
			if err := pause(ctx, mergePause); err != nil {
				return err
			}
			continue
		}
		err = db.writeBehind(ctx, false, func(tx *Tx) (err error) {
			more, err = tx.indexStep(ctx, indexBatch)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// indexStep does one step, of n customers at most, and tells whether there is more to do.
func (tx *Tx) indexStep(ctx context.Context, n int) (more bool, err error) {
	s, err := readTextState(ctx, tx)
	switch {
	case err != nil:
		return false, err
	case s.State == whole && s.Merge > 0:
		return true, tx.mergeStep(ctx, s)
	case s.State == whole:
		return false, nil
	case s.State == "":
		tx.moves.any, tx.moves.many = true, true // what was counted in it meanwhile is of neither index
		for _, statement := range []string{
			`INSERT INTO customers_text (customers_text) VALUES ('delete-all')`,
			`DELETE FROM customer_places`,
			`DELETE FROM customers_waiting`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return false, fmt.Errorf("begin the text index: %w", err)
			}
		}
		return true, tx.putTextState(ctx, textState{State: building})
	}
	batch, err := collect(ctx, tx, scanIndexed, `SELECT cuid, company, email, name, city, website, phone, search, company_key FROM customers
		WHERE (company_key, cuid) > ($1, $2) AND gone_at IS NULL ORDER BY company_key, cuid LIMIT $3 + 0`, s.Key, s.CUID, n)
	if err != nil {
		return false, fmt.Errorf("read customers for the text index: %w", err)
	}
	for _, c := range batch {
		s.Key, s.CUID, s.Place = c.key, c.CUID, s.Place+placeGap
		text := searchText(c.Customer)
		if text != c.search { // of a version that searched otherwise
			if _, err := tx.ExecContext(ctx, `UPDATE customers SET search = $1 WHERE cuid = $2`, text, c.CUID); err != nil {
				return false, err
			}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO customer_places (place, cuid) VALUES ($1, $2)`, s.Place, c.CUID); err != nil {
			return false, fmt.Errorf("place a customer: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO customers_text (rowid, text) VALUES ($1, $2)`, s.Place, text); err != nil {
			return false, fmt.Errorf("put a customer into the text index: %w", err)
		}
	}
	if len(batch) < n {
		s = textState{State: whole, Merge: 1} // all pieces once
		tx.moves.any, tx.moves.many = true, true
	}
	return true, tx.putTextState(ctx, s)
}

type indexed struct {
	Customer
	search, key string
}

func scanIndexed(row scanner) (c indexed, err error) {
	return c, row.Scan(&c.CUID, &c.Company, &c.Email, &c.Name, &c.City, &c.Website, &c.Phone, &c.search, &c.key)
}

// mergeStep merges some of the pieces that batches have left: a search opens
// every one of them.
func (tx *Tx) mergeStep(ctx context.Context, s textState) error {
	more, err := audit.MergeAll(ctx, tx, "customers_text", s.Merge == 1)
	if err != nil {
		return err
	}
	if s.Merge = 2; !more {
		s.Merge = 0
	}
	return tx.putTextState(ctx, s)
}

// Looked returns what a search looks for, folded, for marking it in what it
// finds: the words, and the digits of what may be a phone number.
func Looked(typed string) (words []string, number string) {
	words = searchWords(typed)
	if whole := strings.Join(words, " "); isPhone(whole) {
		number = numberOf(whole)
	}
	if len(number) < 3 {
		number = ""
	}
	return words, number
}

func numberOf(whole string) string {
	return strings.TrimPrefix(digits(strings.ReplaceAll(whole, "(0)", "")), "00")
}
