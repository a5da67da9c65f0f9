package main

import (
	"errors"
	"fmt"
	"os"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

type backupCmd struct {
	Database string `default:"frontdesk.db" help:"The SQLite file; the dashboard may be at work on it."`
	File     string `arg:"" type:"path" help:"File to write; there must be none yet."`
}

// noBackup is what a PostgreSQL database has instead.
var noBackup = configProblems{variable("database") + ": this is for SQLite's file; PostgreSQL has tools of its own, such as pg_dump and pg_restore. After a restore run \"frontdesk audit declare-restore\""}

// Run makes a backup that was opened and whose log was recomputed.
func (c *backupCmd) Run(a *app) error {
	if store.IsPostgres(c.Database) {
		return noBackup
	}
	if err := isThere(c.Database); err != nil {
		return err
	}
	found, err := store.Backup(a.ctx, c.Database, c.File)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	size := int64(0)
	if info, err := os.Stat(c.File); err == nil {
		size = info.Size()
	}
	fmt.Fprintf(a.stdout, "Backed up to %s, %.1f MB, and read back: its audit log holds.\n  entries    %d\n  root       %s\n  signed     %s\nIt is opened with the same secret, which is not in it.\n",
		c.File, float64(size)/1e6, found.Size, found.Root, stamp(found.At))
	return nil
}

type restoreCmd struct {
	Database string `default:"frontdesk.db" help:"The SQLite file to make; there must be none yet."`
	signing
	Reason string `required:"" help:"Why it is restored; it goes on record."`
	File   string `arg:"" type:"existingfile" help:"The backup."`
}

// Run puts a backup in the database's place, with that on record.
func (c *restoreCmd) Run(a *app) error {
	secret, old, err := c.read()
	if err != nil {
		return err
	}
	if len(secret) == 0 {
		return configProblems{variable("secret") + ": required, since the log is signed"}
	}
	if store.IsPostgres(c.Database) {
		return noBackup
	}
	found, err := store.Restore(a.ctx, c.File, store.Options{Path: c.Database, Secret: secret, OldSecret: old}, func(found audit.Verified) *audit.Entry {
		e := desk.Restored(operator(), found.Size, c.Reason)
		return &e
	})
	if errors.Is(err, store.ErrWrongSecret) {
		return configProblems{err.Error()}
	}
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	fmt.Fprintf(a.stdout, "Restored to %s: the audit log holds, and says that its first %d entries are from a backup.\n  signed     %s\nAll sessions ended: everybody signs in again. What was done after that is in no log: compare with the streamed log, if there is one.\n",
		c.Database, found.Size, stamp(found.At))
	return nil
}
