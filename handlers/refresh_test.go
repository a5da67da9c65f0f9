package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"frontdesk/views"
)

// TestARefreshThatTakesLong: the answer does not wait for it; the list shows how far
// it has come, live, or by looking again where there is no JavaScript.
func TestARefreshThatTakesLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.h.refreshWait = 50 * time.Millisecond
	for _, c := range []struct{ name, fault, said string }{
		{"and is done", `"latency": "4s"`, "The list is fresh: 20 customers, 0 new, 0 changed, 0 gone."},
		{"and fails", `"latency": "4s", "status": 503, "body": "html"`, "ATOM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mia, victor := w.signedIn("mia").in(t), w.signedIn("victor").in(t)
			w.fault(`{"service": "atom", ` + c.fault + `}`)
			defer w.calm()
			began := time.Now()
			posted := mia.submit(mia.get("/customers"), "/customers/refresh", nil)
			posted.wantStatus(http.StatusSeeOther)
			if took := time.Since(began); took > 3*time.Second || posted.location() != "/customers" {
				t.Errorf("to %s after %v", posted.location(), took)
			}
			for _, b := range []*browser{mia, victor} {
				for _, at := range []string{"/customers", "/"} {
					p := b.get(at)
					p.wantStatus(http.StatusOK)
					p.want("Reading ATOM's list of customers", "of about 20 read")
					if !strings.Contains(p.body, `data-live="/customers/refresh/events"`) || !strings.Contains(p.body, `<noscript><meta http-equiv="refresh"`) {
						t.Errorf("%s neither listens nor looks again", at)
					}
				}
			}
			// A page with a form does not look again by itself: what is typed would be lost.
			if p := mia.get(views.CustomerPath(w.customer(emailFirst).CUID)); !strings.Contains(p.body, "data-sync") || strings.Contains(p.body, `http-equiv="refresh"`) {
				t.Error("a customer's page shows nothing, or looks again by itself")
			}
			events := victor.get("/customers/refresh/events").body // up to its end
			last := events[strings.LastIndex(events, "event: part"):]
			if !strings.Contains(events, "data-sync") || !strings.Contains(last, c.said) || !strings.Contains(last, `href="/customers"`) || !strings.Contains(last, "event: end") {
				t.Errorf("events\n%s", events)
			}
			if p := mia.get("/customers"); strings.Contains(p.body, "data-sync") || strings.Contains(p.body, "http-equiv") {
				t.Error("it still shows after the end")
			}
		})
	}
}

// TestASyncThatNobodyAskedForPassesUnnoticed: pages do not flicker every five
// minutes.
func TestASyncThatNobodyAskedForPassesUnnoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	w.fault(`{"service": "atom", "latency": "1s"}`)
	w.desk.Mirror.Request()
	for end := time.Now().Add(5 * time.Second); !w.desk.Mirror.Progress(t.Context()).Running; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not begin")
		}
	}
	b.get("/customers").wantNo("Reading ATOM's list")
	events := b.get("/customers/refresh/events").body
	if strings.Contains(events, "data-sync") || !strings.Contains(events, "event: end") {
		t.Errorf("events\n%s", events)
	}
}

// TestActsSayThatATOMIsInTrouble: above the acts, for those who may act, as long as
// it is; the buttons stay.
func TestActsSayThatATOMIsInTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, victor := w.signedIn("mia"), w.signedIn("victor")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	notice := func(b *browser) bool { return strings.Contains(b.get(path).body, "data-atom-trouble") }
	if notice(mia) {
		t.Error("ATOM answers, and is said to be in trouble")
	}
	w.fault(`{"service": "atom", "status": 503}`)
	mia.post("/customers/refresh", nil).wantStatus(http.StatusBadGateway)
	p := mia.get(path)
	p.want("These acts need ATOM, which is in trouble", "may fail", "it last did")
	if !p.hasForm(path + "/sso") {
		t.Error("the act is not offered any more")
	}
	if notice(victor) {
		t.Error("a viewer, who does not act, is told")
	}
	// What is read from the mirror says how old that is.
	for _, at := range []string{"/", "/customers", path, path + "/passcode", "/sso?email=" + emailFirst, "/sms", "/sms?customer=" + w.customer(emailFirst).CUID, "/outside"} {
		mia.get(at).want("Customer list from")
	}
	mia.get("/sso?email=" + emailFirst).want("You see the customers as they were")
	w.calm()
	w.refresh()
	mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
	w.clock.advance(20 * time.Minute) // what failed is some time ago
	w.refresh()
	if notice(w.signedIn("mia")) {
		t.Error("it answers again, and is still said to be in trouble")
	}
}
