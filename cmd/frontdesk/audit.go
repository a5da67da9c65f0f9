package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// auditCmd are the commands on the audit log. They need the database alone;
// the secret only where they write to the log, which signs it.
type auditCmd struct {
	Verify  auditVerifyCmd  `cmd:"" help:"Recompute the whole log and check it against its signed head; exit 0 only when all holds."`
	Prove   auditProveCmd   `cmd:"" help:"Write a proof that one entry is in the log; it can be checked without the database."`
	Export  auditExportCmd  `cmd:"" help:"Write the log, or what a filter lets through, as JSON lines or CSV, newest first."`
	Key     auditKeyCmd     `cmd:"" help:"Print the public part of the log's signing key."`
	Restore auditRestoreCmd `cmd:"" name:"declare-restore" help:"Put on record that the database was restored from a backup, so that browsers that have seen more of the log know why."`
}

// logFlags say which log is meant, and whose key is believed.
type logFlags struct {
	Database string `default:"frontdesk.db" help:"The SQLite file, or the address of a PostgreSQL database."`
	AuditKey string `help:"The log's public key, as you have kept it; without it the one in the database is taken, and named."`
}

// isThere is for commands that make no database; a server tells by itself whether it
// has one.
func isThere(database string) error {
	var err error
	if store.IsPostgres(database) {
		err = store.CheckAddress(database)
	} else {
		_, err = os.Stat(database)
	}
	if err != nil {
		return configProblems{variable("database") + ": " + err.Error()}
	}
	return nil
}

func (f *logFlags) open(ctx context.Context) (*store.DB, error) {
	if err := isThere(f.Database); err != nil {
		return nil, err
	}
	return store.OpenToRead(ctx, f.Database, f.AuditKey)
}

// signing is the secret with its file, and the former one.
type signing struct {
	Secret        string `help:"The secret of the dashboard."`
	SecretFile    string `help:"A file that holds it."`
	SecretOld     string `help:"The former secret, after a change."`
	SecretOldFile string `help:"A file that holds it."`
}

func (f *signing) read() (secret, old []byte, err error) {
	k := &checker{}
	secret, old = []byte(k.secret("secret", f.Secret, f.SecretFile)), []byte(k.secret("secret-old", f.SecretOld, f.SecretOldFile))
	if n := len(secret); n > 0 && n < 32 {
		k.wrong("secret", "at least 32 bytes")
	}
	k.former(secret, old)
	if len(k.problems) > 0 {
		return nil, nil, k.problems
	}
	return secret, old, nil
}

type auditVerifyCmd struct {
	logFlags
	signing
	Since string `type:"existingfile" help:"A checkpoint that was saved before: it must be a prefix of the log."`
	Proof string `type:"existingfile" help:"Check this proof instead; the database is not needed."`
}

// Run verifies the log, or a proof.
func (c *auditVerifyCmd) Run(a *app) error {
	if c.Proof != "" {
		return c.proof(a)
	}
	secret, old, err := c.read()
	if err != nil {
		return err
	}
	db, err := c.open(a.ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var since []audit.Head
	if c.Since != "" {
		text, err := os.ReadFile(c.Since)
		if err != nil {
			return err
		}
		saved, err := audit.OpenCheckpoint(string(text), db.AuditKey())
		if err != nil {
			return fmt.Errorf("the log does not hold against %s: %w", c.Since, err)
		}
		since = append(since, saved)
	}
	got, err := db.Verify(a.ctx, since...)
	if err == nil && len(secret) > 0 {
		err = db.KeyBelongs(a.ctx, secret, old)
	}
	var flaw *audit.Flaw
	switch {
	case errors.As(err, &flaw), errors.Is(err, audit.ErrAltered):
		return fmt.Errorf("the audit log does NOT hold: %w", err)
	case err != nil:
		return fmt.Errorf("the audit log could not be verified: %w", err)
	}
	fmt.Fprintf(a.stdout, "The audit log holds.\n  entries    %d, all as they were written\n  root       %s\n  signed     %s\n  key        %s\n",
		got.Size, got.Root, stamp(got.At), db.AuditKey())
	switch {
	case c.AuditKey != "":
	case len(secret) > 0:
		fmt.Fprintln(a.stdout, "             sealed in the database with this secret")
	default:
		fmt.Fprintln(a.stdout, "             as the database names it: compare it with the one that you have kept, or give --audit-key")
	}
	for _, h := range since {
		fmt.Fprintf(a.stdout, "  since      the saved checkpoint's %d entries are the first of these\n", h.Size)
	}
	if got.Open > 0 {
		fmt.Fprintf(a.stdout, "  under way  %d acts have an intent and no outcome yet\n", got.Open)
	}
	fmt.Fprintf(a.stdout, "  took       %s, %.0f entries a second\n", got.Took.Round(time.Millisecond), float64(got.Size)/got.Took.Seconds())
	return nil
}

func (c *auditVerifyCmd) proof(a *app) error {
	text, err := os.ReadFile(c.Proof)
	if err != nil {
		return err
	}
	p, err := audit.ReadProof(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Proof, err)
	}
	e, head, err := p.Check(c.AuditKey)
	if err != nil {
		return fmt.Errorf("the proof does NOT hold: %w", err)
	}
	fmt.Fprintf(a.stdout, "The proof holds: entry %d is in the log of %d entries that was signed.\n  entry      %s\n  key        %s\n", e.ID, head.Size, p.Entry, p.Key)
	if c.AuditKey == "" {
		fmt.Fprintln(a.stdout, "             as the proof names it: compare it with the one that you have kept, or give --audit-key")
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

type auditProveCmd struct {
	logFlags
	ID     int64  `arg:"" help:"Number of the entry."`
	Output string `short:"o" type:"path" help:"File to write; standard output without it."`
}

// Run writes the proof as JSON.
func (c *auditProveCmd) Run(a *app) error {
	db, err := c.open(a.ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := db.Prove(a.ctx, c.ID)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no entry %d", c.ID)
	}
	if err != nil {
		return fmt.Errorf("prove entry %d: %w", c.ID, err)
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if c.Output == "" {
		_, err = a.stdout.Write(text)
		return err
	}
	return os.WriteFile(c.Output, text, 0o600)
}

type auditKeyCmd struct{ logFlags }

func (c *auditKeyCmd) Run(a *app) error {
	db, err := c.open(a.ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = io.WriteString(a.stdout, db.AuditKey()+"\n")
	return err
}

type auditRestoreCmd struct {
	Database string `default:"frontdesk.db" help:"The SQLite file, or the address of a PostgreSQL database."`
	signing
	Reason string `required:"" help:"Why it was restored; it goes on record."`
	Size   int64  `help:"How many of the log's entries came from the backup; all that there are now without it."`
}

// Run records the restore.
func (c *auditRestoreCmd) Run(a *app) error {
	secret, old, err := c.read()
	if err != nil {
		return err
	}
	if len(secret) == 0 {
		return configProblems{variable("secret") + ": required, since the log is signed"}
	}
	if err := isThere(c.Database); err != nil {
		return err
	}
	db, err := store.Open(a.ctx, store.Options{Path: c.Database, Secret: secret, OldSecret: old})
	if errors.Is(err, store.ErrWrongSecret) {
		return configProblems{err.Error()}
	}
	if err != nil {
		return err
	}
	defer db.Close()
	head, err := db.Head(a.ctx)
	if err != nil {
		return err
	}
	if c.Size == 0 {
		c.Size = head.Size
	}
	if c.Size < 0 || c.Size > head.Size {
		return fmt.Errorf("the log has %d entries: --size cannot be %d", head.Size, c.Size)
	}
	e := desk.Restored(operator(), c.Size, c.Reason)
	if err := db.Write(a.ctx, func(tx *store.Tx) error { return tx.DeclareRestored(a.ctx, &e) }); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "On record as entry %d: the log's first %d entries are from a backup. All sessions ended.\n", e.ID, c.Size)
	return nil
}

// operator is whoever runs a command on the machine itself.
func operator() audit.Who {
	who := audit.Who{Name: "operator"}
	if u, err := user.Current(); err == nil && u.Username != "" {
		who.Name = "operator (" + u.Username + ")"
	}
	return who
}
