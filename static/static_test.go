package static

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const plainCSS = "body{color:black}body{color:black}"

func testAssets(t testing.TB) *Assets {
	t.Helper()
	a, err := load(fstest.MapFS{
		"manifest.json":        {Data: []byte(`{"app.css":"app.0a1b2c3d.css","mark.svg":"mark.ffffffff.svg"}`)},
		"app.0a1b2c3d.css":     {Data: []byte(plainCSS)},
		"app.0a1b2c3d.css.br":  {Data: []byte("br")},
		"app.0a1b2c3d.css.gz":  {Data: []byte("gzip")},
		"mark.ffffffff.svg":    {Data: []byte("<svg/>")},
		"not-in-the-manifest":  {Data: []byte("x")},
		"old.11111111.css":     {Data: []byte("x")},
		"mark.ffffffff.svg.br": {Data: []byte("b")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func get(a *Assets, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux := http.NewServeMux()
	mux.Handle("/static/{file}", a.Handler())
	mux.ServeHTTP(w, r)
	return w.Result()
}

func TestPath(t *testing.T) {
	a := testAssets(t)
	if got := a.Path("app.css"); got != "/static/app.0a1b2c3d.css" {
		t.Errorf("Path = %q", got)
	}
	if err := a.Ready(); err != nil {
		t.Errorf("Ready = %v", err)
	}
	if got := a.Path("gone.css"); got != "/static/gone.css" {
		t.Errorf("Path of an unknown name = %q", got)
	}
	if err := a.Ready(); err == nil || !strings.Contains(err.Error(), "gone.css") {
		t.Errorf("Ready after an unknown name = %v", err)
	}
}

func TestNotBuilt(t *testing.T) {
	a, err := load(fstest.MapFS{".gitkeep": {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("Ready = %v", err)
	}
	a.Path("app.css")
	if err := a.Ready(); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("Ready after a path = %v", err)
	}
	if got := get(a, "GET", a.Path("app.css")).StatusCode; got != 404 {
		t.Errorf("status = %d", got)
	}
}

func TestBadManifest(t *testing.T) {
	for name, fsys := range map[string]fstest.MapFS{
		"broken":       {"manifest.json": {Data: []byte(`{`)}},
		"missing file": {"manifest.json": {Data: []byte(`{"app.css":"app.1.css"}`)}},
		"unknown type": {"manifest.json": {Data: []byte(`{"a.exe":"a.1.exe"}`)}, "a.1.exe": {}},
	} {
		if _, err := load(fsys); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEncodings(t *testing.T) {
	a := testAssets(t)
	for _, tt := range []struct{ accept, want string }{
		{"", ""},
		{"gzip, deflate, br, zstd", "br"},
		{"gzip", "gzip"},
		{"x-gzip", "gzip"},
		{"GZIP", "gzip"},
		{"br;q=0.5, gzip;q=0.8", "gzip"},
		{"br;q=0, gzip", "gzip"},
		{"br;q=0, gzip;q=0", ""},
		{"br;q=0.001, gzip;q=0", "br"},
		{"identity, br;q=0.9", ""},
		{"*", "br"},
		{"*;q=0", ""},
		{"br;q=0, *", "gzip"},
		{"*;q=0, gzip", "gzip"},
		{"identity;q=0, *;q=0", ""},
		{"gzip ; q=1.000 , br ; Q=0.3", "gzip"},
		{"br;q=7, gzip", "gzip"},
		{"br;q=NaN, gzip;q=x", ""},
		{"deflate, zstd", ""},
		{",,;", ""},
	} {
		var header []string
		if tt.accept != "" {
			header = []string{"Accept-Encoding", tt.accept}
		}
		res := get(a, "GET", a.Path("app.css"), header...)
		if got := res.Header.Get("Content-Encoding"); res.StatusCode != 200 || got != tt.want {
			t.Errorf("%q: status %d, encoding %q, want %q", tt.accept, res.StatusCode, got, tt.want)
		}
		want := map[string]string{"": plainCSS, "br": "br", "gzip": "gzip"}[tt.want]
		if body, _ := io.ReadAll(res.Body); string(body) != want {
			t.Errorf("%q: body %q", tt.accept, body)
		}
	}
	// Two fields count like one.
	res := get(a, "GET", a.Path("app.css"), "Accept-Encoding", "br;q=0", "Accept-Encoding", "gzip")
	if got := res.Header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("two fields: %q", got)
	}
}

func TestHeaders(t *testing.T) {
	a := testAssets(t)
	for _, method := range []string{"GET", "HEAD"} {
		res := get(a, method, a.Path("app.css"), "Accept-Encoding", "gzip")
		for key, want := range map[string]string{
			"Cache-Control":          "public, max-age=31536000, immutable",
			"Content-Length":         "4",
			"Content-Type":           "text/css; charset=utf-8",
			"Etag":                   `"app.0a1b2c3d.css.gz"`,
			"Vary":                   "Accept-Encoding",
			"X-Content-Type-Options": "nosniff",
		} {
			if got := res.Header.Get(key); got != want {
				t.Errorf("%s: %s = %q, want %q", method, key, got, want)
			}
		}
		body, _ := io.ReadAll(res.Body)
		if (method == "HEAD") != (len(body) == 0) {
			t.Errorf("%s: body %q", method, body)
		}
	}
}

func TestNotModified(t *testing.T) {
	a := testAssets(t)
	for match, want := range map[string]int{
		`"app.0a1b2c3d.css"`:             304,
		`W/"app.0a1b2c3d.css"`:           304,
		`"x", "app.0a1b2c3d.css"`:        304,
		`*`:                              304,
		`"app.0a1b2c3d.css.gz"`:          200,
		`"other"`:                        200,
		`"x,app.0a1b2c3d.css`:            200,
		`app.0a1b2c3d.css`:               200,
		`"app.0a1b2c3d.css.br", W/"nope`: 200,
	} {
		res := get(a, "GET", a.Path("app.css"), "If-None-Match", match)
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", match, res.StatusCode, want)
		}
		if res.Header.Get("Etag") == "" || res.Header.Get("Vary") == "" || res.Header.Get("Cache-Control") == "" {
			t.Errorf("%s: headers %v", match, res.Header)
		}
		if body, _ := io.ReadAll(res.Body); want == 304 && (len(body) > 0 || res.Header.Get("Content-Length") != "") {
			t.Errorf("%s: a 304 with a body", match)
		}
	}
}

func TestRefused(t *testing.T) {
	a := testAssets(t)
	for _, target := range []string{
		"/static/", "/static/app.css", "/static/manifest.json", "/static/.gitkeep", "/static/not-in-the-manifest",
		"/static/old.11111111.css", "/static/app.0a1b2c3d.css.br", "/static/..%2fstatic.go", "/static/%2e%2e",
	} {
		res := get(a, "GET", target)
		if res.StatusCode != 404 && res.StatusCode/100 != 3 {
			t.Errorf("%s: %d", target, res.StatusCode)
		}
		if cc := res.Header.Get("Cache-Control"); strings.Contains(cc, "immutable") {
			t.Errorf("%s: Cache-Control %q", target, cc)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		res := get(a, method, a.Path("app.css"))
		if res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, res.StatusCode, res.Header.Get("Allow"))
		}
	}
}

// A middleware that adds to a header must not change the next answer.
func TestHeadersAreNotShared(t *testing.T) {
	a := testAssets(t)
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest("GET", a.Path("app.css"), nil))
	w.Header().Add("Vary", "Cookie")
	if got := get(a, "GET", a.Path("app.css")).Header["Vary"]; len(got) != 1 || got[0] != "Accept-Encoding" {
		t.Errorf("Vary = %q", got)
	}
}

// What the build really made: each file is served, compressed and immutable,
// and every encoding unpacks to the same bytes.
func TestBuilt(t *testing.T) {
	a, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(); err != nil {
		t.Fatal(err) // it says how to build them
	}
	for _, name := range []string{"app.css", "app.js", "favicon.svg", "icons.svg", "licenses.txt", "mark.svg"} {
		if a.paths[name] == "" {
			t.Errorf("the build made no %s", name)
		}
	}
	for name, p := range a.paths {
		plain, _ := io.ReadAll(get(a, "GET", p).Body)
		if len(plain) == 0 {
			t.Errorf("%s is empty", name)
		}
		for _, encoding := range []string{"gzip", "br"} {
			res := get(a, "GET", p, "Accept-Encoding", encoding)
			if res.StatusCode != 200 || res.Header.Get("Content-Encoding") != encoding {
				t.Errorf("%s as %s: %d %q", name, encoding, res.StatusCode, res.Header.Get("Content-Encoding"))
			}
			if res.Header.Get("Cache-Control") != forever {
				t.Errorf("%s: Cache-Control %q", name, res.Header.Get("Cache-Control"))
			}
			packed, _ := io.ReadAll(res.Body)
			if len(packed) >= len(plain) {
				t.Errorf("%s: %s made it larger", name, encoding)
			}
			if encoding != "gzip" {
				continue // the standard library reads no brotli
			}
			zr, err := gzip.NewReader(bytes.NewReader(packed))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if unpacked, err := io.ReadAll(zr); err != nil || !bytes.Equal(unpacked, plain) {
				t.Errorf("%s: gzip does not unpack to the file (%v)", name, err)
			}
		}
	}
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// The bytes cost the same either way; what differs is the work for each request.
// ServeContent is the usual way, and sends everything uncompressed.
func BenchmarkServe(b *testing.B) {
	a := testAssets(b)
	r := httptest.NewRequest("GET", a.Path("app.css"), nil)
	r.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	serveContent := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", forever)
		w.Header().Set("Etag", `"0a1b2c3d"`)
		http.ServeContent(w, r, "app.css", time.Time{}, strings.NewReader(plainCSS))
	})
	for _, tt := range []struct {
		name string
		h    http.Handler
	}{{"assets", a.Handler()}, {"ServeContent", serveContent}} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			w := &discard{h: http.Header{}}
			for b.Loop() {
				clear(w.h)
				tt.h.ServeHTTP(w, r)
			}
		})
	}
}
