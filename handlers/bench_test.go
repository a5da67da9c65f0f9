package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// The pages' own time: signed in, one at a time, through the whole handler, with
// the sandbox's default of 250 customers. SSO includes its call to the sandbox.
func BenchmarkPages(b *testing.B) {
	w := newWorld(b, setup{customers: 250})
	browser := w.signedIn("alice")
	customer := w.customer(emailFirst)
	home, err := url.Parse(w.server.URL)
	if err != nil {
		b.Fatal(err)
	}
	cookies := browser.c.Jar.Cookies(home)
	for _, page := range []struct{ name, path string }{
		{"login", "/login"}, {"home", "/"}, {"list", "/customers"}, {"search", "/customers?q=a"}, {"detail", "/customers/" + customer.CUID},
		{"new", "/customers/new"}, {"audit", "/audit"}, {"staff", "/staff"},
	} {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, page.path, nil)
				r.Host = home.Host
				if page.name != "login" {
					for _, c := range cookies {
						r.AddCookie(c)
					}
				}
				rec := httptest.NewRecorder()
				w.h.ServeHTTP(rec, r)
				if rec.Code != http.StatusOK {
					b.Fatalf("%s: status %d", page.path, rec.Code)
				}
			}
		})
	}
	b.Run("act", func(b *testing.B) {
		for b.Loop() {
			form := url.Values{"receipt": {receipt()}}
			r := httptest.NewRequest(http.MethodPost, "/customers/"+customer.CUID+"/sso", nil)
			r.Host = home.Host
			r.PostForm, r.Form = form, form
			for _, c := range cookies {
				r.AddCookie(c)
			}
			rec := httptest.NewRecorder()
			w.h.ServeHTTP(rec, r)
			if rec.Code != http.StatusSeeOther {
				b.Fatalf("status %d: %s", rec.Code, rec.Body)
			}
		}
	})
}
