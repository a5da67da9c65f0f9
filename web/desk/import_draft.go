package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// What is done with imports before anything of them is sent, as the log shows it.
const (
	WhatReadImport = "read import file"
	WhatMapImport  = "map import columns"
	WhatMendRow    = "mend import row"
)

// How imports wait to be started, and how they run unless somebody says
// otherwise.
const (
	MaxDrafts         = 5 // of one person
	importDraftHolds  = 7 * 24 * time.Hour
	rowsAtOnce        = 500  // stored by one transaction, so that the writer is never held for long
	rowsRead          = 5000 // by one statement
	importConcurrency = 4
	importRate        = 20
)

// drafting are the drafts whose rows are being stored or checked by this process;
// others that are marked so were left when frontdesk was killed.
type drafting struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (d *drafting) begin(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ids == nil {
		d.ids = map[string]bool{}
	}
	d.ids[id] = true
}

func (d *drafting) end(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.ids, id)
}

func (d *drafting) has(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ids[id]
}

// OpenImport returns an import that by may see: one's own, for admins everybody's;
// for others there is none.
func (d *Desk) OpenImport(ctx context.Context, by Actor, id string) (store.Import, error) {
	if err := by.may(store.Manager); err != nil {
		return store.Import{}, err
	}
	i, err := d.Store.Import(ctx, id)
	if err == nil && i.StaffID != by.Staff.ID && by.may(store.Admin) != nil {
		return store.Import{}, store.ErrNotFound
	}
	return i, err
}

func importSubject(i store.Import) audit.Subject {
	return audit.Subject{ID: "import:" + i.ID, Name: i.FileName}
}

// ReadImport reads a file of new customers, guesses what its columns mean, checks
// every row, and stores all of it as a draft, of which nothing is sent.
func (d *Desk) ReadImport(ctx context.Context, by Actor, fileName string, content []byte) (id string, err error) {
	return d.UploadImport(ctx, by, "", fileName, content)
}

// UploadImport is ReadImport for a form with a receipt: sent twice, it leads to
// the same draft.
func (d *Desk) UploadImport(ctx context.Context, by Actor, receipt, fileName string, content []byte) (id string, err error) {
	if err := by.may(store.Manager); err != nil {
		return "", err
	}
	if receipt != "" {
		receipt = d.Store.ReceiptKey("import", receipt) // of one length, whatever was posted
	}
	if i, err := d.Store.ImportOfReceipt(ctx, by.Staff.ID, receipt); err == nil {
		return i.ID, d.awaitDraft(ctx, i.ID)
	} else if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	sheet, err := ReadSheet(content)
	if err != nil {
		return "", noFile(whyOf(err))
	}
	i := store.Import{ID: store.NewID(), StaffID: by.Staff.ID, FileName: fileName, Format: sheet.Format, Header: sheet.Header, Columns: GuessColumns(sheet),
		State: store.ImportDraft, Concurrency: importConcurrency, Rate: importRate}
	rows := make([]store.ImportRow, len(sheet.Rows))
	for n, cells := range sheet.Rows {
		rows[n] = store.ImportRow{N: n + 1, Cells: cells}
	}
	if err := d.checkRows(ctx, i.Columns, len(i.Header), rows); err != nil {
		return "", err
	}
	if err := d.dropUnstarted(ctx); err != nil {
		return "", err
	}

	lasting := context.WithoutCancel(ctx) // closing the tab leaves no half of it
	d.drafts.begin(i.ID)
	defer d.drafts.end(i.ID)
	taken := ""
	err = d.Store.Write(lasting, func(tx *store.Tx) error {
		taken = ""
		prior, err := tx.ImportOfReceipt(lasting, by.Staff.ID, receipt)
		if err == nil {
			taken = prior.ID
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if n, err := tx.CountDrafts(lasting, by.Staff.ID); err != nil || n >= MaxDrafts {
			return errors.Join(err, tooManyDrafts(n))
		}
		if err := tx.AddImport(lasting, i); err != nil {
			return err
		}
		return errors.Join(tx.SetImportReceipt(lasting, i.ID, receipt), tx.SetImportBusy(lasting, i.ID, store.ImportReading))
	})
	var problem *Problem
	switch {
	case errors.As(err, &problem):
		return "", problem
	case err != nil:
		return "", unrecorded(err)
	case taken != "":
		return taken, d.awaitDraft(ctx, taken)
	}
	err = d.putRows(lasting, i.ID, rows)
	if err == nil {
		err = d.settleDraft(lasting, by, i, WhatReadImport,
			fmt.Sprintf("%s; %d rows, %s", i.Format, len(rows), checked(rows, "")))
	}
	if err != nil {
		if err := d.dropImport(lasting, i.ID); err != nil { // the sweep does it later
			d.Log.Error("remove an import that could not be stored", "error", err, "request", by.Request)
		}
		return "", unrecorded(err)
	}
	return i.ID, nil
}

// noFile is why a file was not taken.
func noFile(why Text) *Problem {
	return &Problem{Kind: Invalid, Title: "The file was not brought in", Text: "Nothing was stored, and nothing was sent.", Fields: map[string]Text{"file": why}}
}

func tooManyDrafts(n int) error {
	if n < MaxDrafts {
		return nil
	}
	return noFile(Say("You have %s imports that are not started yet. Start or discard one of them, then bring this file in.", n))
}

// awaitDraft waits until another request has stored an import.
func (d *Desk) awaitDraft(ctx context.Context, id string) error {
	for {
		i, err := d.Store.Import(ctx, id)
		if err != nil || i.Busy == "" || i.Replica == d.Store.Replica() && !d.drafts.has(id) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// checked is how many rows are ready and how many are not, for the log.
func checked(rows []store.ImportRow, noun string) string {
	counts := map[store.RowState]int{}
	for _, r := range rows {
		counts[r.State]++
	}
	text := fmt.Sprintf("%d %sready, %d to be mended", counts[store.RowReady], noun, counts[store.RowWrong])
	if left := counts[store.RowLeft]; left > 0 {
		text += fmt.Sprintf(", %d left out", left)
	}
	return text
}

// putRows stores rows, some in a transaction.
func (d *Desk) putRows(ctx context.Context, id string, rows []store.ImportRow) error {
	for len(rows) > 0 {
		n := min(len(rows), rowsAtOnce)
		err := d.Store.Write(ctx, func(tx *store.Tx) error {
			for _, r := range rows[:n] {
				if err := tx.PutImportRow(ctx, id, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// settleDraft records what was done with a draft, which is then free to start.
func (d *Desk) settleDraft(ctx context.Context, by Actor, i store.Import, what, detail string) error {
	return d.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetImportBusy(ctx, i.ID, ""); err != nil {
			return err
		}
		return tx.Append(ctx, &audit.Entry{Phase: audit.Event, Who: by.Who(), What: what, On: importSubject(i), Result: audit.Done, Detail: detail})
	})
}

// sweepImports removes imports that were never started in a week, and ends what
// a killed frontdesk was doing with others.
func (d *Desk) sweepImports(ctx context.Context) error {
	busy, err := d.Store.BusyImports(ctx)
	if err != nil {
		return err
	}
	there, err := d.Store.Replicas(ctx)
	if err != nil {
		return err
	}
	for _, i := range busy {
		if own := i.Replica == d.Store.Replica(); own && d.drafts.has(i.ID) || !own && slices.Contains(there, i.Replica) {
			continue
		}
		var taken bool
		left := d.Store.Write(ctx, func(tx *store.Tx) (err error) { taken, err = tx.TakeImport(ctx, i); return err })
		switch {
		case left != nil || !taken:
			err = errors.Join(err, left)
		case i.Busy == store.ImportReading: // the file is lost, so its owner must bring it in again
			err = errors.Join(err, d.dropImport(ctx, i.ID))
		case i.Busy == store.ImportRemoving && i.State == store.ImportCancelled:
			err = errors.Join(err, d.dropDiscarded(ctx, i.ID))
		case i.Busy == store.ImportRemoving:
			err = errors.Join(err, d.dropImport(ctx, i.ID))
		default:
			err = errors.Join(err, d.checkAnew(ctx, Actor{Staff: store.Staff{Name: frontdesk.Name}}, i))
		}
	}
	return errors.Join(err, d.dropUnstarted(ctx))
}

// MapImport says anew which column (from 0) fills which field, and checks all
// rows of a draft by that.
func (d *Desk) MapImport(ctx context.Context, by Actor, id string, columns map[string]int) error {
	i, err := d.OpenImport(ctx, by, id)
	if err != nil {
		return err
	}
	if wrong := checkColumns(columns, i.Header); len(wrong) > 0 {
		return invalid(wrong)
	}
	i.Columns = columns
	lasting := context.WithoutCancel(ctx)
	d.drafts.begin(id)
	defer d.drafts.end(id)
	err = d.Store.Write(lasting, func(tx *store.Tx) error {
		now, err := tx.Import(lasting, id)
		if err != nil {
			return err
		}
		if now.State != store.ImportDraft || now.Busy != "" {
			return &Problem{Kind: Invalid, Title: "The columns cannot be changed now", Text: "The import was started, or somebody is checking it at this moment. Nothing was changed.",
				Advice: "Open the import again to see how far it is."}
		}
		return errors.Join(tx.SetImportColumns(lasting, id, columns), tx.SetImportBusy(lasting, id, store.ImportChecking))
	})
	var problem *Problem
	switch {
	case errors.As(err, &problem):
		return problem
	case err != nil:
		return unrecorded(err)
	}
	if err := d.checkAnew(lasting, by, i); err != nil {
		return unrecorded(err)
	}
	return nil
}

// checkColumns says what is wrong with a choice of columns, by field.
func checkColumns(columns map[string]int, header []string) map[string]Text {
	wrong, fills := map[string]Text{}, map[int]string{}
	for _, field := range CustomerFields {
		i, ok := columns[field]
		if !ok {
			continue
		}
		if i < 0 || i >= len(header) {
			wrong[field] = "The file has no such column."
		} else if other := fills[i]; other != "" {
			wrong[field] = Say("This column is chosen for %s already.", FieldNames[other])
		} else {
			fills[i] = field
		}
	}
	for field, message := range map[string]Text{"company": "Choose the column with the company's name.", "email": "Choose the column with the e-mail address."} {
		if _, ok := columns[field]; !ok {
			wrong[field] = message
		}
	}
	return wrong
}

// checkAnew checks all rows of a draft that is marked as busy, and ends that.
func (d *Desk) checkAnew(ctx context.Context, by Actor, i store.Import) error {
	var rows []store.ImportRow
	for {
		more, err := d.Store.ImportRows(ctx, i.ID, len(rows), rowsRead)
		if err != nil {
			return err
		}
		if rows = append(rows, more...); len(more) < rowsRead {
			break
		}
	}
	if err := d.checkRows(ctx, i.Columns, len(i.Header), rows); err != nil {
		return err
	}
	if err := d.putRows(ctx, i.ID, rows); err != nil {
		return err
	}
	var fills []string
	for _, field := range CustomerFields {
		if n, ok := i.Columns[field]; ok && n < len(i.Header) {
			fills = append(fills, field+" from "+i.Header[n])
		}
	}
	return d.settleDraft(ctx, by, i, WhatMapImport, strings.Join(fills, ", ")+"; "+checked(rows, "rows "))
}
