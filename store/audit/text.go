package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// The text index, in table audit_text, is the one part of the log that each kind
// of database does in its own way: see textQuery.match and textQuery.like. What it
// finds is tested against the entry. Intents are not in it; their outcomes say the
// same. The row 2n is entry n. Behind each block of entries can come an odd row, a
// stop, that has the trigrams that are common in the block.

const (
	textBlock = 4096
	// textCommon is in how many places of a block a trigram stands at least for its stop
	// to have it. Of the others, as most of a cuid's are, few are in the whole log, and
	// there are very many to write.
	textCommon = 16
)

// TextBatch is some entries' text on its way into the text index.
type TextBatch struct {
	More bool // there are more entries behind these

	from, upto int64
	rows       []textRow
}

type textRow struct {
	id            int64 // of the row
	subject, rest string
}

// ReadText reads the text of the next entries, at most n, that the text index
// has not yet, and what stands behind a block when stops are wanted.
func ReadText(ctx context.Context, q Querier, fold func(string) string, n int, stops bool) (*TextBatch, error) {
	from, err := textMark(ctx, q)
	if err != nil {
		return nil, err
	}
	end := (from/textBlock + 1) * textBlock // of the block; a batch is within one
	b := &TextBatch{from: from}
	if b.rows, b.upto, err = readTexts(ctx, q, fold, from, end, n); err != nil {
		return nil, err
	}
	b.More = b.upto == end || b.upto == from+int64(n)
	if b.upto == end && stops {
		block, _, err := readTexts(ctx, q, fold, end-textBlock, end, textBlock)
		if err != nil {
			return nil, err
		}
		stop := textRow{id: 2*end + 1}
		stop.subject = trigramsOf(block, func(r textRow) string { return r.subject })
		stop.rest = trigramsOf(block, func(r textRow) string { return r.rest })
		b.rows = append(b.rows, stop)
	}
	return b, nil
}

// readTexts reads at most n entries behind one up to another; last is the last
// that it read.
func readTexts(ctx context.Context, q Querier, fold func(string) string, from, upto int64, n int) (texts []textRow, last int64, err error) {
	rows, err := q.QueryContext(ctx, `
		SELECT id, phase, staff_id, staff_name, portal, username, on_id, on_name, on_email, reason, detail, address, request_id
		FROM audit_entries WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3 + 0`, from, upto, n)
	if err != nil {
		return nil, 0, fmt.Errorf("read text for the index: %w", err)
	}
	defer rows.Close()
	last = from
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&last, &e.Phase, &e.Who.StaffID, &e.Who.Name, &e.Who.Portal, &e.Who.Username, &e.On.ID, &e.On.Name, &e.On.Email,
			&e.Reason, &e.Detail, &e.Who.Address, &e.Who.Request); err != nil {
			return nil, 0, fmt.Errorf("read text for the index: %w", err)
		}
		if e.Phase == Intent {
			continue
		}
		r := textRow{2 * last, fold(join(e.On.ID, e.On.Name, e.On.Email)), fold(join(e.Reason, e.Detail, e.Who.Address))}
		r.rest = join(r.rest, asRequest(fold(e.Who.Request)))
		if stranger(e.Who) { // other people are in the dictionary
			names := fold(join(e.Who.texts()...))
			r.rest = join(r.rest, names, asName(names))
		}
		texts = append(texts, r)
	}
	return texts, last, rows.Err()
}

// trigramsOf returns a text that has each trigram that is common in a block's texts,
// once.
func trigramsOf(block []textRow, of func(textRow) string) string {
	texts, count := make([][]rune, len(block)), map[[3]rune]int{}
	for n, r := range block {
		texts[n] = []rune(of(r))
		for i := range max(len(texts[n])-2, 0) {
			count[[3]rune(texts[n][i:])]++
		}
	}
	var b strings.Builder
	for _, runes := range texts {
		for i, until := 0, -1; i+3 <= len(runes); i++ {
			gram := [3]rune(runes[i:])
			if count[gram] < textCommon {
				continue
			}
			count[gram] = 0   // it is there now
			if until != i+2 { // not in a row with the last that was new
				b.WriteString("\n" + string(runes[i:i+2]))
			}
			b.WriteRune(runes[i+2])
			until = i + 3
		}
	}
	return b.String()
}

// Empty tells that the text index has every entry.
func (b *TextBatch) Empty() bool { return b.upto == b.from }

func join(texts ...string) string { return strings.Join(texts, "\n") }

// Write puts the batch into the text index. It does nothing when somebody else
// has done so since it was read.
func (b *TextBatch) Write(ctx context.Context, tx Writer, now time.Time) error {
	mark, err := textMark(ctx, tx)
	if err != nil || mark != b.from {
		return err
	}
	for _, r := range b.rows {
		if _, err := tx.ExecContext(ctx, `INSERT INTO audit_text (rowid, subject, rest) VALUES ($1, $2, $3)`, r.id, r.subject, r.rest); err != nil {
			return fmt.Errorf("index text: %w", err)
		}
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO audit_marks (name, upto, at) VALUES ('text', $1, $2)
		ON CONFLICT (name) DO UPDATE SET upto = excluded.upto, at = excluded.at`, b.upto, now.UnixMilli())
	return err
}

// textMark is the last entry up to which the text index is complete.
func textMark(ctx context.Context, q Querier) (id int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT upto FROM audit_marks WHERE name = 'text'`).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// Unindexed is how many entries the text index has not yet.
func Unindexed(ctx context.Context, q Querier) (n int64, err error) {
	upto, err := textMark(ctx, q)
	if err != nil {
		return 0, err
	}
	err = q.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM audit_entries`).Scan(&n)
	return n - upto, err
}

// stranger tells whether w is somebody whom frontdesk does not know: a name
// that anyone can make up.
func stranger(w Who) bool { return w.StaffID == 0 && (w.Username != "" || w.Name != "") }

// maxGrams is how many trigrams a long fragment is looked for by; each makes
// the search slower, and few make it as good as certain.
const maxGrams = 3

// asName writes a folded text in letters that nothing else is written in: who
// looks for a stranger need not go through all the subjects of that name.
func asName(folded string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x10000 {
			return 0xF0000 + r
		}
		return r
	}, folded)
}

// asRequest writes the beginning of a folded request ID in letters of its own,
// its first three characters in others than the next three. Request IDs are
// random: their trigrams would make every rare word a common one.
func asRequest(folded string) string {
	runes := []rune(folded)
	runes = runes[:min(len(runes), 6)]
	for i, r := range runes {
		runes[i] = 0x100000 + rune(i/3)<<13 + r&0x1FFF
	}
	return string(runes)
}

// textQuery is what the text index is asked for.
type textQuery struct {
	column   string // "subject" or "rest"; "" for both
	fragment string // folded
	requests bool   // entries whose request ID begins with it, too
}

// indexed tells whether the fragment is long enough for the text index.
func (t textQuery) indexed() bool { return len([]rune(t.fragment)) >= 3 }

// hits asks for what the text index finds in a window: the newest, or (up) the
// oldest, want at most. They come as one text, for rows of one number are slow.
func hits(ctx context.Context, q Querier, w window, up bool, joined, condition string, args ...any) (answer, error) {
	order := "DESC"
	if up {
		order = "ASC"
	}
	n := len(args)
	var text sql.NullString
	err := q.QueryRowContext(ctx, fmt.Sprintf(`SELECT %s FROM (
			SELECT rowid FROM audit_text WHERE %s AND rowid BETWEEN $%d AND $%d ORDER BY rowid %s LIMIT $%d + 0) AS found`, joined, condition, n+1, n+2, order, n+3),
		append(args, 2*int64(w.first), 2*int64(w.last)+1, want)...).Scan(&text)
	if err != nil {
		return answer{}, fmt.Errorf("search the audit log's text: %w", err)
	}
	a := answer{hits: roaring.New(), within: w}
	stops, rows, least, most := 0, 0, int64(math.MaxInt64), int64(0)
	for number := range strings.SplitSeq(text.String, ",") {
		row, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			break // the empty text of no row
		}
		rows, least, most = rows+1, min(least, row), max(most, row)
		if row%2 == 0 {
			a.hits.Add(uint32(row / 2))
		} else {
			stops++
		}
	}
	if a.cut = rows == want; a.cut && up {
		a.within.last = uint32(most / 2)
	} else if a.cut {
		a.within.first = uint32((least + 1) / 2)
	}
	// A stop means that all the trigrams are common in the block, if not in one entry.
	a.sparse = !a.cut && 4*stops < int(w.last-w.first)/textBlock
	return a, nil
}
