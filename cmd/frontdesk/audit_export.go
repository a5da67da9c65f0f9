package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// auditExportCmd takes the filters that the audit log's page takes.
type auditExportCmd struct {
	Database string `default:"frontdesk.db" help:"The SQLite file, or the address of a PostgreSQL database."`
	signing
	Format    string `default:"jsonl" enum:"jsonl,csv" help:"jsonl or csv."`
	Delimiter string `default:"comma" enum:"comma,semicolon,tab" help:"Between the columns of a CSV file: comma, semicolon or tab."`
	Output    string `short:"o" type:"path" help:"File to write; standard output without it."`
	Who       string `help:"A part of name or username."`
	What      string `help:"The kind of act, as the log names it."`
	On        string `help:"A part of a company, an e-mail or a cuid."`
	Outcome   string `help:"done, refused, unreachable, unknown or denied."`
	Service   string `help:"atom, portal or ip1."`
	From      string `help:"The first day or moment, such as 2026-11-22."`
	To        string `help:"The last one."`
	Text      string `name:"text" short:"q" help:"A part of anything that the log says."`
	Intents   bool   `help:"Every entry: the intents of acts that are over too."`
}

// Run writes the export. With the secret it is put on record first, as every
// export is; without it the log cannot be written to.
func (c *auditExportCmd) Run(a *app) error {
	q := url.Values{"who": {c.Who}, "what": {c.What}, "on": {c.On}, "outcome": {c.Outcome}, "service": {c.Service}, "from": {c.From}, "to": {c.To}, "q": {c.Text}}
	filter, wrong := audit.ParseFilter(q)
	if len(wrong) > 0 {
		var problems configProblems
		for name, message := range wrong {
			problems = append(problems, "--"+name+": "+message)
		}
		slices.Sort(problems)
		return problems
	}
	filter.Whole = c.Intents
	secret, old, err := c.read()
	if err != nil {
		return err
	}
	if err := isThere(c.Database); err != nil {
		return err
	}
	var db *store.DB
	if len(secret) == 0 {
		fmt.Fprintln(a.stderr, "frontdesk: without FRONTDESK_SECRET this export is not put on record in the log")
		db, err = store.OpenToRead(a.ctx, c.Database, "")
	} else {
		db, err = store.Open(a.ctx, store.Options{Path: c.Database, Secret: secret, OldSecret: old})
	}
	if errors.Is(err, store.ErrWrongSecret) {
		return configProblems{err.Error()}
	}
	if err != nil {
		return err
	}
	defer db.Close()
	out := a.stdout
	if c.Output != "" {
		file, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		out = file
	}
	to := bufio.NewWriter(out)
	x := desk.AuditExport{Filter: filter, Query: desk.FilterQuery(store.PageAudit, q), Format: "JSONL, at the command line"}
	var w interface {
		Write(*audit.Entry) error
		Flush() error
	} = audit.NewJSONL(to)
	if c.Format == "csv" {
		delimiter, err := audit.Delimiter(c.Delimiter)
		if err != nil {
			return err
		}
		x.Format = "CSV (" + c.Delimiter + "), at the command line"
		if w, err = audit.NewCSV(to, delimiter); err != nil {
			return err
		}
	}
	x.Page = func(entries []audit.Entry) error {
		for i := range entries {
			if err := w.Write(&entries[i]); err != nil {
				return err
			}
		}
		return w.Flush()
	}
	if len(secret) > 0 {
		_, err = desk.New(desk.Config{Store: db, Log: a.log}).ExportAuditAs(a.ctx, operator(), x)
	} else {
		_, err = db.Pages(a.ctx, filter, 0, x.Page)
	}
	return errors.Join(err, to.Flush())
}
