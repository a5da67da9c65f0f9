package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"frontdesk/store/pgtest"
)

// The move to PostgreSQL: the copy has the same log, whoever was signed in stays so, and
// work goes on. Then a second process serves beside the first, and goes on when that is
// killed.
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

	// Another one serves beside it, with the same sessions and customers.
	addr := freeAddr(t)
	second := startDashboard(t, moved.with(env{"FRONTDESK_ADDR": addr}))
	create("Before The Kill AB", "kill@move.example")
	alice.http.Transport = &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr) // as a load balancer may send her
	}}
	d.signal(t, syscall.SIGKILL)
	d.exit(t)
	if body := alice.get("/customers?q=kill@move").body; !strings.Contains(body, "Before The Kill AB") {
		t.Error("at the second one she is not signed in, or the customer is not there")
	}
	create("After The Kill AB", "after@move.example")
	second.signal(t, syscall.SIGTERM)
	if code := second.exit(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	second.keepsQuietAbout(t, secrets...)
	exits(0, "The audit log holds", env{"FRONTDESK_DATABASE": address}, "audit", "verify")
}
