package main

import (
	"errors"
	"fmt"

	"frontdesk/store"
)

type migrateCmd struct {
	Database string `default:"frontdesk.db" help:"The SQLite file to copy. Stop the dashboard before."`
	signing
	To string `arg:"" help:"The address of an empty PostgreSQL database: postgres://…"`
}

// Run copies a SQLite database to PostgreSQL and proves that the audit log is the same.
func (c *migrateCmd) Run(a *app) error {
	secret, old, err := c.read()
	if err != nil {
		return err
	}
	if len(secret) == 0 {
		return configProblems{variable("secret") + ": required, since both databases are sealed with it"}
	}
	if store.IsPostgres(c.Database) {
		return configProblems{variable("database") + ": the SQLite file is meant, that is copied"}
	}
	if err := isThere(c.Database); err != nil {
		return err
	}
	if !store.IsPostgres(c.To) {
		return configProblems{"give the address of a PostgreSQL database: postgres://user:password@host:5432/database"}
	}
	m, err := store.MigrateTo(a.ctx, c.Database, c.To, secret, old, func(table string, rows int) {
		fmt.Fprintf(a.stderr, "%9d  %s\n", rows, table)
	})
	switch {
	case errors.Is(err, store.ErrWrongSecret):
		return configProblems{err.Error()}
	case err != nil:
		return fmt.Errorf("migrate: %w", err)
	}
	done := fmt.Sprintf("Copied %d rows of %d tables to %s.", m.Rows, m.Tables, m.To)
	if m.Rows == 0 {
		done = fmt.Sprintf("%s has been copied to already.", m.To)
	}
	fmt.Fprintf(a.stdout, "%s The audit log was recomputed on both sides, and is the same:\n  entries    %d\n  root       %s\n  signed     %s\nStart the dashboard with FRONTDESK_DATABASE set to the new address, and keep the file until you are content.\n",
		done, m.Size, m.Root, stamp(m.At))
	return nil
}
