package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"frontdesk/views"
)

func TestLanguageIsTheBrowsersUntilOneIsChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.browser()
	for _, c := range []struct{ accepted, chosen, want string }{
		{"", "", "en"},
		{"sv-SE,sv;q=0.9,en;q=0.8", "", "sv"},
		{"ja", "", "en"},
		{"sv", "fr", "fr"},
		{"sv", "xx", "fr"}, // no such language: what was chosen stays
		{"sv", "en", "en"},
		{"", "es", "es"},
	} {
		if c.chosen != "" {
			b.post("/language", url.Values{"language": {c.chosen}, "back": {"/login"}}).wantStatus(http.StatusSeeOther)
		}
		if p := b.get("/login", "Accept-Language", c.accepted); !strings.Contains(p.body, `lang="`+c.want+`"`) {
			t.Errorf("accepted %q, chosen %q: no page in %s", c.accepted, c.chosen, c.want)
		}
	}
	b.signIn("mia", "demo")
	p := b.get("/customers", "Accept-Language", "sv")
	if !strings.Contains(p.body, `<html lang="es"`) || !strings.Contains(p.body, "Clientes") {
		t.Error("the language is lost at the sign-in")
	}
	b.post("/logout", nil)
	if p := b.get("/login"); !strings.Contains(p.body, `<html lang="es"`) {
		t.Error("the language is lost at the sign-out")
	}
}

// TestEveryPageInEveryLanguage: newWorld fails a test that asks for a text which a
// language does not have; here every page is asked for in each of them.
func TestEveryPageInEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	c := w.customer(emailFirst)
	for _, language := range w.h.texts.Languages {
		b.post("/language", url.Values{"language": {language.Code}})
		pages := 0
		for _, rt := range w.paths(http.MethodGet, views.CustomerPath(c.CUID)) {
			if strings.HasSuffix(rt.Pattern, "/events") {
				continue
			}
			p := b.get(rt.Pattern)
			if !strings.Contains(p.res.Header.Get("Content-Type"), "text/html") {
				continue
			}
			if pages++; strings.Contains(p.body, "%!") || strings.Contains(p.body, "\x1f") {
				t.Errorf("%s in %s: a part is not filled in", rt.Pattern, language.Name)
			}
			if strings.Contains(p.body, "<html") && !strings.Contains(p.body, `<html lang="`+language.Code+`"`) {
				t.Errorf("%s is not in %s", rt.Pattern, language.Name)
			}
		}
		if pages < 20 {
			t.Errorf("only %d pages in %s", pages, language.Name)
		}
	}
}
