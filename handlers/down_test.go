package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// TestATOMDown: finding and reading goes on from the mirror, marked with its age.
func TestATOMDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice, victor := w.signedIn("alice"), w.signedIn("victor")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	reads := func(t *testing.T) {
		t.Helper()
		for _, b := range []*browser{alice.in(t), victor.in(t)} {
			for _, at := range []string{"/", "/customers", "/customers?q=nordlicht", path} {
				p := b.get(at)
				p.wantStatus(http.StatusOK)
				p.want("Customer list from", "You see the customers as they were")
				if at != "/" {
					p.want("Nordlicht Logistik GmbH")
				}
			}
		}
	}
	for _, fault := range []string{`"reset": true`, `"status": 500, "body": "html"`, `"status": 503`, `"body": "garbage"`, `"body": "truncated"`, `"refuse_credentials": true`} {
		t.Run(fault, func(t *testing.T) {
			w.fault(`{"service": "atom", ` + fault + `}`)
			b := alice.in(t)
			failed := b.submit(b.get("/customers"), "/customers/refresh", nil)
			if failed.status != http.StatusBadGateway || !strings.Contains(failed.problem(), "ATOM") {
				t.Errorf("refresh: %d, %s", failed.status, failed.problem())
			}
			reads(t)
			w.calm()
			b.follow(b.submit(b.get("/customers"), "/customers/refresh", nil)).wantNo("You see the customers as they were")
		})
	}
	// And as if it had been down from the start of the program.
	w.fault(`{"service": "atom", "reset": true}`)
	w.restart()
	if _, err := w.desk.Mirror.Refresh(t.Context(), desk.Actor{Staff: store.Staff{Role: store.Admin, Active: true}}, false); err == nil {
		t.Error("ATOM is down, and was read")
	}
	reads(t)
	alice.get("/").want("ATOM is in trouble")
	for _, at := range []string{"/sms", "/audit", "/tokens", "/staff", "/sessions", path + "/passcode", "/sso?email=" + emailFirst, "/customers/new"} {
		alice.get(at).wantStatus(http.StatusOK)
	}
}

// TestNeverRead: ATOM was down from the very start.
func TestNeverRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: -1})
	b := w.signedIn("mia")
	for _, at := range []string{"/", "/customers", "/customers?q=x", "/sms", "/audit"} {
		b.get(at).wantStatus(http.StatusOK)
	}
}

// TestIP1Down: the SMS pages still answer, and everything else works.
func TestIP1Down(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	sent := b.post("/sms", url.Values{"phone": {"+46701740605"}}).location()
	for _, fault := range []string{`"reset": true`, `"status": 500, "body": "html"`, `"body": "empty"`, `"refuse_credentials": true`} {
		t.Run(fault, func(t *testing.T) {
			b := b.in(t)
			w.fault(`{"service": "ip1", ` + fault + `}`)
			defer w.calm()
			p := b.get("/sms")
			p.wantStatus(http.StatusOK)
			p.want("the last that is known", "+46 70 174 06 05")
			p = b.get(sent + "?refresh=1")
			p.wantStatus(http.StatusOK)
			p.want("the last that is known", "active")
			p = b.get("/sms/settings")
			p.wantStatus(http.StatusBadGateway)
			p.want("iP1")
			b.get("/").wantStatus(http.StatusOK)
			b.get("/customers").wantStatus(http.StatusOK)
		})
	}
}

// TestPortalDown: those who are signed in work on.
func TestPortalDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	w.fault(`{"service": "portal", "status": 500}`)
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	b.get("/").wantStatus(http.StatusOK)
	b.submit(b.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
	w.browser().signIn("mia", sandbox.Password).wantStatus(http.StatusBadGateway)
	b.get("/").want("trouble")
}
