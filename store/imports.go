package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ImportState is how far an import has come.
type ImportState string

// An import is checked as a draft; nothing of it is sent before it runs. It may
// run again after it was done, when rows that failed were mended.
const (
	ImportDraft     ImportState = "draft"
	ImportRunning   ImportState = "running"
	ImportPaused    ImportState = "paused"
	ImportDone      ImportState = "done"
	ImportCancelled ImportState = "cancelled"
)

// RowState is how far a row of an import has come.
type RowState string

// A row goes from wrong or left to ready when it is mended, then to sending, in the
// transaction that records the intent, and from there to one of the ends, in
// the transaction that records the outcome. An unknown one waits for a sync,
// which makes it created, or ready again.
const (
	RowWrong   RowState = "wrong"
	RowLeft    RowState = "left" // out: a customer or an earlier row has its e-mail
	RowReady   RowState = "ready"
	RowSending RowState = "sending"
	RowCreated RowState = "created"
	RowFailed  RowState = "failed"
	RowUnknown RowState = "unknown"
)

// Import is a spreadsheet of new customers.
type Import struct {
	ID          string
	StaffID     int64 // who brought it in, and in whose name it runs
	StaffName   string
	FileName    string
	Format      string         // what the file was read as, for people
	Header      []string       // its columns' names
	Columns     map[string]int // which column (from 0) fills which of ATOM's fields
	State       ImportState
	Note        string // why it waits or was paused, for people; "" when there is nothing to say
	Busy        string // ImportReading, ImportChecking or ImportRemoving while it is worked on, otherwise ""
	Concurrency int    // rows under way at once
	Rate        int    // rows begun in a second at most
	MadeAt      time.Time
	StartedAt   time.Time // for the first time; zero before
	EndedAt     time.Time
	Replica     int64     // that works on it while it is busy
	Speed       float64   // rows ended in a second while it runs, as the replica that sends them told
	SpeedAt     time.Time // when it told so
}

// ImportRow is one row of it.
type ImportRow struct {
	N         int      // 1 is the first below the header
	Cells     []string // as in the file
	Mended    map[string]string
	EmailKey  string // folded e-mail; "" when there is none
	State     RowState
	Errors    map[string]string // what is wrong, by ATOM's field
	Message   string            // how its last sending ended
	CUID      string            // of the customer created
	Act       string            // of its last sending
	Tries     int
	ChangedAt time.Time
}

// Value is what a row says for one of ATOM's fields: as mended, or as in the
// column that fills the field, where the lines of a cell become one.
func (r ImportRow) Value(field string, columns map[string]int) string {
	if v, ok := r.Mended[field]; ok {
		return v
	}
	if i, ok := columns[field]; ok && i >= 0 && i < len(r.Cells) {
		return oneLine(r.Cells[i])
	}
	return ""
}

// oneLine parts the lines of a text by commas: ATOM's fields have one.
func oneLine(text string) string {
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' })
	for i, line := range lines {
		lines[i] = strings.Trim(line, " \t,")
	}
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "" }), ", ")
}

const importColumns = `i.id, i.staff_id, s.name, i.file_name, i.format, i.header, i.columns, i.state, i.note, i.concurrency, i.rate,
	i.busy, i.made_at, i.started_at, i.ended_at, i.replica, i.speed, i.speed_at FROM imports i JOIN staff s ON s.id = i.staff_id`

func scanImport(row scanner) (Import, error) {
	var i Import
	var header, columns string
	var made, started, ended, speedAt sql.NullInt64
	err := row.Scan(&i.ID, &i.StaffID, &i.StaffName, &i.FileName, &i.Format, &header, &columns, &i.State, &i.Note, &i.Concurrency, &i.Rate,
		&i.Busy, &made, &started, &ended, &i.Replica, &i.Speed, &speedAt)
	if err != nil {
		return i, err
	}
	i.MadeAt, i.StartedAt, i.EndedAt, i.SpeedAt = fromMillis(made), fromMillis(started), fromMillis(ended), fromMillis(speedAt)
	return i, errors.Join(json.Unmarshal([]byte(header), &i.Header), json.Unmarshal([]byte(columns), &i.Columns))
}

const importRowColumns = `n, cells, mended, email_key, state, errors, message, cuid, act_id, tries, changed_at`

func scanImportRow(row scanner) (ImportRow, error) {
	var r ImportRow
	var cells, mended, wrong string
	var changed sql.NullInt64
	err := row.Scan(&r.N, &cells, &mended, &r.EmailKey, &r.State, &wrong, &r.Message, &r.CUID, &r.Act, &r.Tries, &changed)
	if err != nil {
		return r, err
	}
	r.ChangedAt = fromMillis(changed)
	return r, errors.Join(json.Unmarshal([]byte(cells), &r.Cells), json.Unmarshal([]byte(mended), &r.Mended), json.Unmarshal([]byte(wrong), &r.Errors))
}

// Import returns one import; ErrNotFound when there is none of this ID.
func (db *DB) Import(ctx context.Context, id string) (Import, error) {
	return one(scanImport(db.reader.QueryRowContext(ctx, `SELECT `+importColumns+` WHERE i.id = $1`, id)))
}

// Imports returns somebody's imports, or with staffID 0 everybody's, newest first.
func (db *DB) Imports(ctx context.Context, staffID int64, limit int) ([]Import, error) {
	return collect(ctx, db.reader, scanImport, `SELECT `+importColumns+`
		WHERE CAST($1 AS BIGINT) = 0 OR i.staff_id = $1 ORDER BY i.made_at DESC, i.id LIMIT $2 + 0`, staffID, limit)
}

// ImportsIn returns the imports that are in a state, oldest first.
func (db *DB) ImportsIn(ctx context.Context, state ImportState) ([]Import, error) {
	return collect(ctx, db.reader, scanImport, `SELECT `+importColumns+` WHERE i.state = $1 ORDER BY i.made_at, i.id`, state)
}

// ImportRows returns the rows behind a number, in their order, up to limit. With
// states, only those that are in one of them.
func (db *DB) ImportRows(ctx context.Context, id string, after, limit int, states ...RowState) ([]ImportRow, error) {
	if len(states) == 0 {
		return collect(ctx, db.reader, scanImportRow, `SELECT `+importRowColumns+`
			FROM import_rows WHERE import_id = $1 AND n > $2 ORDER BY n LIMIT $3 + 0`, id, after, limit)
	}
	var found []ImportRow
	for _, state := range states { // one by one, each is a walk along the index
		rows, err := collect(ctx, db.reader, scanImportRow, `SELECT `+importRowColumns+`
			FROM import_rows WHERE import_id = $1 AND state = $4 AND n > $2 ORDER BY n LIMIT $3 + 0`, id, after, limit, state)
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	slices.SortFunc(found, func(a, b ImportRow) int { return cmp.Compare(a.N, b.N) })
	return found[:min(len(found), limit)], nil
}

// ImportRow returns one row; ErrNotFound when the import has none of this number.
func (db *DB) ImportRow(ctx context.Context, id string, n int) (ImportRow, error) {
	return one(scanImportRow(db.reader.QueryRowContext(ctx, `SELECT `+importRowColumns+` FROM import_rows WHERE import_id = $1 AND n = $2`, id, n)))
}

// ImportRow is DB.ImportRow as the transaction sees it.
func (tx *Tx) ImportRow(ctx context.Context, id string, n int) (ImportRow, error) {
	return one(scanImportRow(tx.QueryRowContext(ctx, `SELECT `+importRowColumns+` FROM import_rows WHERE import_id = $1 AND n = $2`, id, n)))
}

// ImportCounts counts an import's rows by their state.
func (db *DB) ImportCounts(ctx context.Context, id string) (map[RowState]int, error) {
	return importCounts(ctx, db.reader, id)
}

func importCounts(ctx context.Context, q querier, id string) (map[RowState]int, error) {
	type state struct {
		name RowState
		n    int
	}
	all, err := collect(ctx, q, func(s scanner) (v state, err error) { return v, s.Scan(&v.name, &v.n) },
		`SELECT state, n FROM import_counts WHERE import_id = $1 AND state <> 'again' AND n > 0`, id)
	counts := map[RowState]int{}
	for _, s := range all {
		counts[s.name] = s.n
	}
	return counts, err
}

// ImportsCounts is ImportCounts of several imports at once, by their IDs.
func (db *DB) ImportsCounts(ctx context.Context, ids []string) (map[string]map[RowState]int, error) {
	wanted, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	type state struct {
		id   string
		name RowState
		n    int
	}
	all, err := collect(ctx, db.reader, func(s scanner) (v state, err error) { return v, s.Scan(&v.id, &v.name, &v.n) },
		`SELECT import_id, state, n FROM import_counts WHERE import_id IN (`+db.among(1)+`) AND state <> 'again' AND n > 0`, string(wanted))
	counts := map[string]map[RowState]int{}
	for _, s := range all {
		if counts[s.id] == nil {
			counts[s.id] = map[RowState]int{}
		}
		counts[s.id][s.name] = s.n
	}
	return counts, err
}

// AddImport stores an import without its rows.
func (tx *Tx) AddImport(ctx context.Context, i Import) error {
	header, err := json.Marshal(i.Header)
	if err != nil {
		return err
	}
	columns, err := json.Marshal(i.Columns)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO imports (id, staff_id, file_name, format, header, columns, state, note, concurrency, rate, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		i.ID, i.StaffID, i.FileName, i.Format, string(header), string(columns), i.State, i.Note, i.Concurrency, i.Rate, millis(tx.db.now()))
	if err != nil {
		return fmt.Errorf("add import: %w", err)
	}
	return nil
}

// PutImportRow stores a row as it was read, mended or checked: its cells, what
// was mended, its e-mail, state and errors. One that was sent stays as it is.
func (tx *Tx) PutImportRow(ctx context.Context, id string, r ImportRow) error {
	var text [3]string
	for i, v := range []any{r.Cells, orEmpty(r.Mended), orEmpty(r.Errors)} {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		text[i] = string(b)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO import_rows (import_id, n, cells, mended, errors, email_key, state, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (import_id, n) DO UPDATE SET
			mended = excluded.mended, errors = excluded.errors, email_key = excluded.email_key, state = excluded.state,
			message = '', changed_at = excluded.changed_at
		WHERE import_rows.state IN ('wrong', 'left', 'ready', 'failed')`,
		id, r.N, text[0], text[1], text[2], r.EmailKey, r.State, millis(tx.db.now()))
	if err != nil {
		return fmt.Errorf("store row %d of an import: %w", r.N, err)
	}
	return nil
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// SetImportColumns notes which column fills which field.
func (tx *Tx) SetImportColumns(ctx context.Context, id string, columns map[string]int) error {
	text, err := json.Marshal(columns)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE imports SET columns = $1 WHERE id = $2`, string(text), id)
	return err
}

// SetImportPace notes how many rows may be under way at once, and begun in a
// second.
func (tx *Tx) SetImportPace(ctx context.Context, id string, concurrency, rate int) error {
	_, err := tx.ExecContext(ctx, `UPDATE imports SET concurrency = $1, rate = $2 WHERE id = $3`, concurrency, rate, id)
	return err
}

// SetImportNote notes why an import waits; "" when it does not.
func (tx *Tx) SetImportNote(ctx context.Context, id, note string) error {
	_, err := tx.ExecContext(ctx, `UPDATE imports SET note = $1 WHERE id = $2 AND note <> $1`, note, id)
	return err
}

// MoveImport takes an import from one state to another, and tells whether it was
// in the first: of several who ask, one succeeds. None does while its rows are
// being stored, checked or removed.
func (tx *Tx) MoveImport(ctx context.Context, id string, from, to ImportState, note string) (bool, error) {
	now := millis(tx.db.now())
	var started, ended any
	switch to {
	case ImportRunning:
		started = now
	case ImportDone, ImportCancelled:
		ended = now
	}
	res, err := tx.ExecContext(ctx, `UPDATE imports SET state = $1, note = $2, started_at = coalesce(started_at, $3), ended_at = $4
		WHERE id = $5 AND state = $6 AND busy = ''`, to, note, started, ended, id, from)
	if err != nil {
		return false, fmt.Errorf("move import to %s: %w", to, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// TakeImportRow marks a row that is ready as being sent by an act, and tells
// whether it was ready and its import runs: of several who would send it, one
// succeeds. It belongs into the transaction of the act's intent.
func (tx *Tx) TakeImportRow(ctx context.Context, id string, n int, act string) (bool, error) {
	res, err := tx.ExecContext(ctx, `UPDATE import_rows SET state = 'sending', act_id = $1, tries = tries + 1, message = '', changed_at = $2
		WHERE import_id = $3 AND n = $4 AND state = 'ready' AND EXISTS (SELECT 1 FROM imports WHERE id = $3 AND state = 'running')`,
		act, millis(tx.db.now()), id, n)
	if err != nil {
		return false, fmt.Errorf("take row %d of an import: %w", n, err)
	}
	taken, err := res.RowsAffected()
	return taken == 1, err
}

// EndImportRow notes how a row that an act sent has ended. It belongs into the
// transaction of the act's outcome, or of its settlement. An act that sent no
// row changes none.
func (tx *Tx) EndImportRow(ctx context.Context, act string, to RowState, cuid, message string) error {
	if act == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE import_rows SET state = $1, cuid = $2, message = $3, changed_at = $4
		WHERE act_id = $5 AND act_id <> '' AND state IN ('sending', 'unknown')`, to, cuid, message, millis(tx.db.now()), act)
	if err != nil {
		return fmt.Errorf("end a row of an import: %w", err)
	}
	return nil
}
