//go:build linux

package main

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// diskVariable is the folder to mount a small file system on, in the process that
// has mounts of its own.
const diskVariable = "FRONTDESK_TEST_DISK"

// onDisk runs the test again where it has mounts of its own, which nobody else
// sees, and returns the folder of a small file system there; "" in the parent.
func onDisk(t *testing.T) (dir string) {
	t.Helper()
	if dir := os.Getenv(diskVariable); dir != "" {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		remount(t, dir, 0)
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
		return dir
	}
	own := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		own.Cloneflags |= syscall.CLONE_NEWUSER
		own.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		own.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	try := exec.Command("mount", "-t", "tmpfs", "none", t.TempDir())
	try.SysProcAttr = own
	if err := try.Run(); err != nil {
		t.Log("this machine lets nobody mount: the tests of store and web/desk stand in for this one:", err)
		return ""
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	child.Env = append(os.Environ(), diskVariable+"="+t.TempDir())
	child.SysProcAttr = own
	out, err := child.CombinedOutput()
	if err != nil {
		t.Errorf("on a small file system: %v\n%s", err, out)
	}
	return ""
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("disk", dir, "tmpfs", flags, "size=24m"); err != nil {
		t.Fatal(err)
	}
}

// A dashboard that is started on a full or read-only file system shows what it
// has, refuses acts with the cause, and goes on by itself: then its start is on
// record.
func TestServeOnADiskThatCannotBeWritten(t *testing.T) {
	dir := onDisk(t)
	if dir == "" {
		return
	}
	s := startServices(t)
	e := s.against(t).with(env{"FRONTDESK_DATABASE": filepath.Join(dir, "frontdesk.db")})
	d := startDashboard(t, e)
	hire(t, d)
	mia := visit(t, d, "mia")
	customer := mia.customers()[0]
	sso := func(reason string) answer { return mia.post(customer+"/sso", url.Values{"reason": {reason}}) }
	if got := sso("before"); got.status != http.StatusSeeOther {
		t.Fatalf("SSO: %+v", got)
	}
	starts := func() (n int) {
		t.Helper()
		raw := rawDatabase(t, e["FRONTDESK_DATABASE"])
		defer raw.Close() // an open file keeps the file system from being mounted read-only
		if err := raw.QueryRow(`SELECT count(*) FROM audit_entries WHERE what = 'start'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	others := filepath.Join(dir, "others")
	for i, tt := range []struct {
		cause       string
		spoil, mend func()
	}{
		{"The disk is full.", func() {
			f, err := os.Create(others)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for block := make([]byte, 1<<20); len(block) > 0; {
				if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
					block = block[:len(block)/2]
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}, func() { os.Remove(others) }},
		{"The database is read-only.", func() { remount(t, dir, syscall.MS_REMOUNT|syscall.MS_RDONLY) }, func() { remount(t, dir, syscall.MS_REMOUNT) }},
	} {
		d.end(t)
		tt.spoil()
		d = startDashboard(t, e)
		before := s.calls(t, `/sso$`)
		got := sso("refused")
		for j := 0; got.status == http.StatusSeeOther && j < 100; j++ { // what is left of the last page
			got = sso(strings.Repeat("x", 10+j))
			before = s.calls(t, `/sso$`)
		}
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, tt.cause) || !strings.Contains(got.body, "Nothing was sent.") {
			t.Errorf("%s SSO: status %d\n%s", tt.cause, got.status, got.body)
		}
		if n := s.calls(t, `/sso$`); n != before {
			t.Errorf("%s ATOM was asked all the same", tt.cause)
		}
		for _, page := range []string{"/", "/customers", customer, "/audit", "/sessions"} {
			mia.get(page)
		}
		if !strings.Contains(d.stderr.String(), "acts are refused until it can") {
			t.Errorf("%s it does not say so", tt.cause)
		}
		tt.mend()
		eventually(t, tt.cause+" and acts go on", func() bool { return sso("after").status == http.StatusSeeOther })
		eventually(t, tt.cause+" and the start is on record", func() bool { return starts() == i+2 })
		audits(env{"FRONTDESK_DATABASE": e["FRONTDESK_DATABASE"]}, "verify").wants(t, "verify", 0)
	}
}
