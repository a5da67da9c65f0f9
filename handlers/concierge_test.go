package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"frontdesk/views"
)

// said is the sentence that the page gives to tell the caller.
func (p *page) said() string {
	p.t.Helper()
	var shown []string
	for n := range p.all("blockquote") {
		if !has(n, "hidden") {
			shown = append(shown, strings.TrimSpace(text(n)))
		}
	}
	if len(shown) != 1 {
		p.t.Errorf("%s: says %q", p.what, shown)
	}
	return strings.Join(shown, "")
}

// TestTheConciergeSpeaksFromTheLog: nothing but calm words before there is any
// history; then how long customers on the domain need, and a sentence that changes
// with the time since the e-mail.
func TestTheConciergeSpeaksFromTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	at := views.CustomerPath(w.customer(emailFirst).CUID) + "/passcode"
	elsewhere := views.CustomerPath(w.customer(emailPlus).CUID) + "/passcode"
	send := func() { b.submit(b.get(at), at, nil).wantStatus(http.StatusSeeOther) }
	redeem := func() {
		b.submit(b.get(at), at+"/redeem", url.Values{"passcode": {w.lastCode(emailFirst)}}).wantStatus(http.StatusSeeOther)
	}
	says := func(path, want string) *page {
		t.Helper()
		p := b.get(path)
		if got := p.said(); got != "“"+want+"”" {
			t.Errorf("says %s, want %s", got, want)
		}
		return p
	}
	says(at, "I am e-mailing you a passcode now. Please look in the junk folder too.").wantNo("usually")
	send()
	says(at, "The passcode is on its way by e-mail. Please look in the junk folder too.").wantNo("usually")
	w.clock.advance(90 * time.Second)
	redeem()
	for _, minutes := range []time.Duration{1, 5} {
		w.clock.advance(2 * time.Minute)
		send()
		w.clock.advance(minutes*time.Minute - 20*time.Second)
		redeem()
	}
	const known = "Customers at nordlicht-logistik.example usually have it within 2 minutes (all of the last 3 within 5)."
	for range 100 { // the log is read beside the request
		if strings.Contains(b.get(at).text(), known) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.clock.advance(2 * time.Minute)
	send()
	p := says(at, "It usually takes two minutes; please look in the junk folder too.")
	p.want(known)
	p.wantNo("second e-mail")
	w.clock.advance(2*time.Minute + time.Second)
	says(at, "It can take five minutes. Please look in the junk folder, and wherever else your mail is sorted into.")
	w.clock.advance(3 * time.Minute)
	says(at, "It is later than usual. Are you looking into the right mailbox? I can send another; only the newest one works.")

	p = says(elsewhere, "I am e-mailing you a passcode now. It usually takes two minutes; please look in the junk folder too.")
	p.want("Customers of all domains usually have it within 2 minutes (all of the last 3 within 5); there are too few at oneill-catering.example to tell.")
	w.restart()
	for range 100 {
		if strings.Contains(b.get(at).text(), known) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("after a restart it is not known any more")
}
