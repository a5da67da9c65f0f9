package handlers

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"frontdesk/views"
	"frontdesk/web/sandbox"
)

// TestASessionIsThereWhileItIsRenewed: the password of a step-up gives the
// session a new token. Until the answer is there, which can take as long as a
// service does, the former one serves other tabs, and the session can be seen
// and revoked, and stays so.
func TestASessionIsThereWhileItIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	for _, revoked := range []bool{false, true} {
		b := w.signedIn("alice")
		w.clock.advance(16 * time.Minute)
		former := b.jarCookie("session").Value
		tab, elsewhere := w.with(former), w.signedIn("alice")
		w.fault(`{"service": "atom", "latency": "1s"}`)
		mark := w.mark()
		var act sync.WaitGroup
		act.Go(func() {
			b.post(path+"/credentials", url.Values{"password": {sandbox.Password}, "method": {"cuid"}, "reason": {"why"}}).wantStatus(http.StatusSeeOther)
		})
		for range 1000 { // the portal is called, and then ATOM, which takes its time
			if len(w.calls(mark)) == 2 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		tab.get("/customers").wantStatus(http.StatusOK)
		elsewhere.get("/sessions").want("End my")
		if revoked {
			elsewhere.post("/sessions/others/revoke", nil).wantStatus(http.StatusSeeOther)
		}
		act.Wait()
		w.calm()
		if b.jarCookie("session").Value == former {
			t.Error("the token is the former one")
		}
		if got := b.get("/customers").status; (got == http.StatusOK) == revoked {
			t.Errorf("revoked meanwhile: %v, and the session answers %d", revoked, got)
		}
		if tab.get("/customers").location() != "/login" {
			t.Error("the former token still opens the session")
		}
		w.clock.advance(3 * time.Minute)
	}
}

// TestTwoRenewalsAtOnce: a double click on a form with the password leaves the
// person signed in, with the answer that came last.
func TestTwoRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for _, target := range []string{"/tokens/reveal", "/session/renew"} {
		b := w.signedIn("mia")
		w.clock.advance(16 * time.Minute)
		form := b.get("/tokens").form(target).filled(url.Values{"password": {sandbox.Password}})
		former := b.jarCookie("session").Value
		first, second := w.with(former), w.with(former)
		mark := w.mark()
		w.fault(`{"service": "portal", "latency": "300ms"}`)
		var both sync.WaitGroup
		answered := make(chan *browser, 2)
		post := func(b *browser) {
			b.post(target, form).wantStatus(http.StatusSeeOther)
			answered <- b
		}
		both.Go(func() { post(first) })
		w.until("the portal to be asked", func() bool { return len(w.calls(mark)) == 1 })
		w.fault(`{"service": "portal", "latency": "3s"}`) // so that their answers come one well after the other
		both.Go(func() { post(second) })
		both.Wait()
		w.calm()
		<-answered
		last := <-answered
		alive := 0
		for _, b := range []*browser{first, second} {
			if b.get("/tokens").status == http.StatusOK {
				alive++
			}
		}
		if alive != 1 || last.get("/tokens").status != http.StatusOK {
			t.Errorf("%s: %d of the two answers' cookies are signed in, want the last one's", target, alive)
		}
	}
}
