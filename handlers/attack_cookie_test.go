package handlers

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"frontdesk/views"
	"frontdesk/web/sandbox"
)

// forgeries are cookies that a browser of ours never sent, made from one that
// it did; other is somebody else's of the same kind.
func forgeries(value, other string) map[string]string {
	all := map[string]string{
		"empty": "", "one character": "x", "made up": "Z2Vmb3JnZWQ", "half of it": value[:len(value)/2], "cut by one": value[:len(value)-1],
		"one more": value + "A", "twice": value + value, "backwards": reversed(value), "in another case": strings.ToLower(value),
		"oversized": strings.Repeat(value, 1+20000/len(value)), "a path": "../../etc/passwd", "SQL": "' OR '1'='1", "a script": "<script>alert(1)</script>",
		"a zero": value + "%00", "a comma": value + ",", "half of somebody else's": value[:len(value)/2] + other[len(other)/2:],
	}
	for i := 0; i < len(value); i += 1 + len(value)/16 {
		b := []byte(value)
		if b[i] ^= 1; b[i] != ';' && b[i] != ' ' && b[i] != '"' && b[i] != '\\' {
			all["a bit at "+string(value[i])+" turned"] = string(b)
		}
	}
	return all
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// carrying sends one request with exactly these cookies.
func (w *world) carrying(t *testing.T, method, path, cookies string, form url.Values) *page {
	t.Helper()
	b := w.browser().in(t)
	return b.do(method, path, form, "Cookie", cookies)
}

// TestForgedCookies: a cookie that is not as frontdesk made it signs nobody in
// and breaks no page.
func TestForgedCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	session, prefs := mia.jarCookie("session").Value, mia.jarCookie("frontdesk").Value
	otherSession, otherPrefs := alice.jarCookie("session").Value, alice.jarCookie("frontdesk").Value
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	w.carrying(t, http.MethodGet, "/", "session="+session+"; frontdesk="+prefs, nil).want("Mia Moreau") // so that the test can fail
	mark := w.mark()

	forged := forgeries(session, otherSession)
	forged["the other cookie"] = prefs
	for name, value := range forged {
		t.Run("session, "+name, func(t *testing.T) {
			for _, cookies := range []string{"session=" + value, "session=" + value + "; frontdesk=" + prefs} {
				for _, path := range []string{"/", customer} {
					if p := w.carrying(t, http.MethodGet, path, cookies, nil); p.status != http.StatusSeeOther || p.location() != "/login" {
						t.Errorf("GET %s: %d to %q", path, p.status, p.location())
					}
				}
				if p := w.carrying(t, http.MethodPost, customer+"/sso", cookies, url.Values{"reason": {"r"}}); p.status != http.StatusSeeOther || p.location() != "/login" {
					t.Errorf("POST: %d to %q", p.status, p.location())
				}
			}
		})
	}
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}

	forged = forgeries(prefs, otherPrefs)
	forged["the other cookie"] = session
	forged["with a guessed secret"] = guessedPrefs(t, w, "customer:alice")
	for name, value := range forged {
		t.Run("preferences, "+name, func(t *testing.T) {
			out := w.carrying(t, http.MethodGet, "/login", "frontdesk="+value, nil)
			out.wantStatus(http.StatusOK)
			out.wantNo("Alice")
			in := w.carrying(t, http.MethodGet, "/", "session="+session+"; frontdesk="+value, nil)
			in.wantStatus(http.StatusOK)
			in.want("Mia Moreau")
			in.wantNo("Alice")
			// What is typed without a session is kept for nobody.
			w.carrying(t, http.MethodPost, "/customers", "frontdesk="+value, url.Values{"company": {"Forged AB"}}).wantStatus(http.StatusSeeOther)
		})
	}
	alice.get("/customers/new").wantNo("Forged AB")
	mia.get("/customers/new").wantNo("Forged AB")
	for _, cookies := range []string{ // of two, one decides; neither breaks the page
		"session=forged; session=" + session, "session=" + session + "; session=forged", "session=" + session + "; session=" + otherSession,
		"frontdesk=" + prefs + "; frontdesk=" + otherPrefs + "; session=" + session, strings.Repeat("a=b; ", 2000) + "session=" + session,
	} {
		p := w.carrying(t, http.MethodGet, "/", cookies, nil)
		if p.status != http.StatusOK && p.location() != "/login" {
			t.Errorf("%.60s…: %d", cookies, p.status)
		}
		p.wantNo("Alice Andersson")
	}
}

// guessedPrefs is a preferences cookie sealed with a secret that is not ours.
func guessedPrefs(t *testing.T, w *world, person string) string {
	t.Helper()
	cookies, err := newCookies(Config{BaseURL: w.h.BaseURL, Secret: []byte("a secret that somebody has guessed, wrongly")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(prefs{Person: person, Back: "/staff"})
	if err != nil {
		t.Fatal(err)
	}
	r, rec := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	s, err := cookies.New(r, w.h.prefsName())
	if err != nil {
		t.Fatal(err)
	}
	s.Values["prefs"] = string(text)
	if err := s.Save(r, rec); err != nil {
		t.Fatal(err)
	}
	return rec.Result().Cookies()[0].Value
}

// TestSomebodyElsesPreferences: another person's preferences cookie gives
// nothing of theirs, signed in or not, and takes nothing from them.
func TestSomebodyElsesPreferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia := w.signedIn("mia")
	mia.post("/logout", nil).wantStatus(http.StatusSeeOther)
	const typed = "Typed by Mia AB"
	mia.post("/customers", url.Values{"company": {typed}, "email": {"typed@mia.example"}}).wantStatus(http.StatusSeeOther)
	hers := mia.jarCookie("frontdesk").Value

	for _, who := range []string{"", "alice", "atmosphere:mia"} {
		b := w.browser()
		if who != "" {
			b = w.signedIn(who)
		}
		u, err := url.Parse(w.server.URL)
		if err != nil {
			t.Fatal(err)
		}
		b.c.Jar.SetCookies(u, []*http.Cookie{{Name: "frontdesk", Value: hers, Path: "/"}})
		for _, path := range []string{"/customers/new", "/login", "/", "/tokens"} {
			b.get(path).wantNo(typed, "typed@mia.example")
		}
		// Signing in with it as oneself gives back nothing either.
		if who == "" {
			who = "alice"
		}
		b.c.Jar.SetCookies(u, []*http.Cookie{{Name: "frontdesk", Value: hers, Path: "/"}})
		b.follow(b.signIn(who, sandbox.Password)).wantNo(typed)
		b.get("/customers/new").wantNo(typed)
	}
	// It is all there for her.
	back := mia.follow(mia.signIn("mia", sandbox.Password))
	if back.form("/customers").values.Get("company") != typed {
		t.Error("what she typed is lost")
	}
}
