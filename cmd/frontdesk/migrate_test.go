package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"frontdesk/store/pgtest"
)

// The move to PostgreSQL: the copy has the same log, whoever was signed in stays so, and
// work goes on. Then a second process waits to take the place of the first, and does when
// that is killed.
func TestMoveToPostgreSQL(t *testing.T) {
	t.Parallel()
	s := startServices(t)
	e := s.against(t)
	d := startDashboard(t, e)
	alice := visit(t, d, "alice")
	create := func(company, email string) {
		t.Helper()
		if made := alice.post("/customers", newCustomer(alice, company, email)); made.status != http.StatusSeeOther {
			t.Fatalf("create: status %d", made.status)
		}
	}
	create("Of The File AB", "file@move.example")
	address := strings.Replace(pgtest.Empty(t), "postgres@", "postgres:planted-password@", 1)
	secrets := append(e.secrets(), "planted-password")

	dir := t.TempDir()
	exits := func(want int, says string, e env, args ...string) {
		t.Helper()
		p := start(t, dir, e, args...)
		code := p.exit(t)
		p.keepsQuietAbout(t, secrets...)
		if printed := p.stdout.String() + p.stderr.String(); code != want || !strings.Contains(printed, says) {
			t.Fatalf("%s: exit %d, want %d and %q:\n%s", args[0], code, want, says, printed)
		}
	}
	d.signal(t, syscall.SIGTERM)
	d.exit(t)
	file := env{"FRONTDESK_DATABASE": e["FRONTDESK_DATABASE"]}
	sealed := file.with(env{"FRONTDESK_SECRET": e["FRONTDESK_SECRET"]})
	exits(2, "FRONTDESK_SECRET", file, "migrate-to", address)
	exits(2, "postgres://", sealed, "migrate-to", "other.db")
	exits(0, "is the same", sealed, "migrate-to", address)
	exits(0, "has been copied to already", sealed, "migrate-to", address)

	moved := e.with(env{"FRONTDESK_DATABASE": address})
	d = startDashboard(t, moved)
	if body := alice.get("/customers?q=file@move").body; !strings.Contains(body, "Of The File AB") {
		t.Error("who was signed in is not any more, or the customer is gone")
	}
	create("Of The Server AB", "server@move.example")
	alice.entry("create customer", "done", "Of The Server AB")
	exits(1, "not empty", sealed, "migrate-to", address)
	exits(2, "pg_dump", moved, "backup", "x.backup")

	// Another one waits; the address is free once the first is gone.
	next := moved.with(env{"FRONTDESK_ADDR": freeAddr(t)})
	waits := start(t, t.TempDir(), next, "serve")
	eventually(t, "the second process waits", func() bool { return strings.Contains(waits.stderr.String(), "waiting to take its place") })
	asks := func(path string) int {
		res, err := http.Get("http://" + next["FRONTDESK_ADDR"] + path)
		if err != nil {
			return 0
		}
		res.Body.Close()
		return res.StatusCode
	}
	if alive, ready := asks("/healthz"), asks("/readyz"); alive != http.StatusOK || ready != http.StatusServiceUnavailable {
		t.Errorf("waiting it answers %d when asked whether it lives, and %d whether it is ready", alive, ready)
	}
	third := start(t, t.TempDir(), moved.with(env{"FRONTDESK_ADDR": freeAddr(t)}), "serve")
	eventually(t, "the third process waits", func() bool { return strings.Contains(third.stderr.String(), "waiting to take its place") })
	third.signal(t, syscall.SIGTERM)
	if code := third.exit(t); code != 0 {
		t.Errorf("stopped while it waits, it ends with %d", code)
	}
	create("Before The Kill AB", "kill@move.example")
	d.signal(t, syscall.SIGKILL)
	d.exit(t)
	eventually(t, "the second process serves", func() bool { return asks("/readyz") == http.StatusOK })
	waits.signal(t, syscall.SIGTERM)
	waits.exit(t)
	waits.keepsQuietAbout(t, secrets...)
	exits(0, "The audit log holds", env{"FRONTDESK_DATABASE": address}, "audit", "verify")
}
