package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The drill: a backup of a dashboard at work, the database lost, the backup put in its
// place. What was done before is there, what was done after is gone, and the log says so.
func TestBackupDrill(t *testing.T) {
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
	create("Before The Flood AB", "before@flood.example")

	eventually(t, "the customer list has arrived", func() bool { return strings.Contains(alice.get("/customers").body, "Customer list from") })
	database := env{"FRONTDESK_DATABASE": e["FRONTDESK_DATABASE"]}
	sealed := database.with(env{"FRONTDESK_SECRET": e["FRONTDESK_SECRET"]})
	dir := t.TempDir()
	file := filepath.Join(dir, "frontdesk.backup")
	exits := func(want int, says string, e env, args ...string) {
		t.Helper()
		p := start(t, dir, e, args...)
		code := p.exit(t)
		p.keepsQuietAbout(t, e.secrets()...)
		if printed := p.stdout.String() + p.stderr.String(); code != want || !strings.Contains(printed, says) {
			t.Fatalf("%s: exit %d:\n%s", strings.Join(args, " "), code, printed)
		}
	}
	exits(0, "its audit log holds", database, "backup", file)
	exits(1, "there is a file already", database, "backup", file)
	create("After The Flood AB", "after@flood.example")

	exits(1, "there is a file already", sealed, "restore", file, "--reason", "drill")
	d.signal(t, syscall.SIGKILL)
	d.exit(t)
	for _, side := range []string{"", "-wal", "-shm", "-ballast"} {
		if err := os.Remove(e["FRONTDESK_DATABASE"] + side); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	exits(2, "FRONTDESK_SECRET", database, "restore", file, "--reason", "drill")
	exits(2, "secret", sealed.with(env{"FRONTDESK_SECRET": "not the secret that this database was sealed with"}), "restore", file, "--reason", "drill")
	exits(0, "are from a backup", sealed, "restore", file, "--reason", "the cellar was flooded")
	exits(0, "The audit log holds", database, "audit", "verify")

	startDashboard(t, e)
	if a := alice.do(http.MethodGet, "/", nil); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/login") {
		t.Errorf("a session of the backup goes on: status %d, %s", a.status, a.location)
	}
	alice.signIn("alice") // with the cookie that has seen more of the log
	alice.entry("declare restore", "done", "the cellar was flooded")
	alice.entry("create customer", "done", "Before The Flood AB")
	if body := alice.get("/audit?what=create+customer&q=After+The+Flood").body; strings.Contains(body, "After The Flood AB</a>") {
		t.Error("the log has what was recorded after the backup")
	}
	eventually(t, "the customer whose creation is lost is pointed out", func() bool {
		return strings.Contains(alice.get("/audit?what=customer+from+outside").body, "After The Flood AB")
	})
	if body := alice.get("/customers?q=before%40flood").body; !strings.Contains(body, "Before The Flood AB") {
		t.Error("the customer of before the backup is not found")
	}
	if body := alice.get("/").body; strings.Contains(body, "not what it was") {
		t.Error("a restore that is on record raises an alarm")
	}
	create("Since The Flood AB", "since@flood.example")
	exits(0, "The audit log holds", database, "audit", "verify")
}
