// Package static serves the built assets, which are part of the binary, under
// names that carry a hash of their content.
package static

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed all:dist
var dist embed.FS

// prefix is where the handler is mounted: "GET /static/{file}".
const prefix = "/static/"

// A hashed name never changes its content, so browsers need not ask again.
const forever = "public, max-age=31536000, immutable"

// ErrNotBuilt says that the binary was compiled before the assets were.
var ErrNotBuilt = errors.New("assets are not built: run make build")

// Assets knows the built files. Its methods are safe for concurrent use.
type Assets struct {
	paths map[string]string // plain name → URL path
	files map[string]*file  // hashed name → what is served
	built bool

	mu      sync.Mutex
	unknown []string // names that Path was asked for in vain
}

// file is one asset with the smallest encoding first, plain last.
type file struct {
	variants []variant
}

// variant is one encoding of a file, with its header values made in advance.
type variant struct {
	encoding string // "br", "gzip", or "" for plain
	body     []byte
	etag     string
	header   []field
}

// field is a header's name, as net/http writes it, and its value.
type field struct {
	name  string
	value []string
}

// New reads the embedded assets. Assets that were never built are no error
// here, so that tests and tools run without them: see Ready.
func New() (*Assets, error) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	return load(sub)
}

func load(fsys fs.FS) (*Assets, error) {
	a := &Assets{paths: map[string]string{}, files: map[string]*file{}}
	text, err := fs.ReadFile(fsys, "manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the asset manifest: %w", err)
	}
	manifest := map[string]string{}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("reading the asset manifest: %w", err)
	}
	for name, hashed := range manifest {
		f, err := read(fsys, hashed)
		if err != nil {
			return nil, fmt.Errorf("reading asset %s: %w", name, err)
		}
		a.paths[name] = prefix + hashed
		a.files[hashed] = f
	}
	a.built = true
	return a, nil
}

func read(fsys fs.FS, name string) (*file, error) {
	kind, ok := types[path.Ext(name)]
	if !ok {
		return nil, fmt.Errorf("no content type for %q", path.Ext(name))
	}
	f := &file{}
	for _, enc := range [...]struct{ token, ext string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}} {
		body, err := fs.ReadFile(fsys, name+enc.ext)
		if errors.Is(err, fs.ErrNotExist) && enc.ext != "" {
			continue // it would not have been smaller
		}
		if err != nil {
			return nil, err
		}
		// The name's hash stands for the content; a strong ETag also names the encoding.
		v := variant{encoding: enc.token, body: body, etag: `"` + name + enc.ext + `"`}
		v.header = []field{
			{"Cache-Control", []string{forever}},
			{"Content-Length", []string{strconv.Itoa(len(body))}},
			{"Content-Type", []string{kind}},
			{"Etag", []string{v.etag}},
			{"Vary", []string{"Accept-Encoding"}},
			{"X-Content-Type-Options", []string{"nosniff"}},
		}
		if enc.token != "" {
			v.header = append(v.header, field{"Content-Encoding", []string{enc.token}})
		}
		f.variants = append(f.variants, v)
	}
	// Smallest first; plain stays last, as what everybody can read.
	encoded := f.variants[:len(f.variants)-1]
	slices.SortStableFunc(encoded, func(x, y variant) int { return len(x.body) - len(y.body) })
	return f, nil
}

// types is short and ours: mime.TypeByExtension depends on the machine.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8",
}

// Path gives the URL path of an asset by its plain name: "app.css" →
// "/static/app.4f3a9c12.css". An unknown name gives a path that answers 404,
// and Ready reports it.
func (a *Assets) Path(name string) string {
	if p, ok := a.paths[name]; ok {
		return p
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// Names come from templates, so there are few; the bound is for a mistake.
	if len(a.unknown) < 16 && !slices.Contains(a.unknown, name) {
		a.unknown = append(a.unknown, name)
	}
	return prefix + name
}

// Has tells whether a URL path is that of an asset.
func (a *Assets) Has(path string) bool {
	name, under := strings.CutPrefix(path, prefix)
	return under && a.files[name] != nil
}

var symbol = regexp.MustCompile(`<symbol id="([^"]+)"`)

// Icons are the names of the icons that pages can show; none while they are not built.
func (a *Assets) Icons() []string {
	f := a.files[strings.TrimPrefix(a.paths["icons.svg"], prefix)]
	if f == nil {
		return nil
	}
	var names []string
	for _, found := range symbol.FindAllSubmatch(f.variants[len(f.variants)-1].body, -1) { // the last is plain
		names = append(names, string(found[1]))
	}
	return names
}

// Ready is ErrNotBuilt when there are no assets, or names the assets that pages
// asked for and that do not exist.
func (a *Assets) Ready() error {
	if !a.built {
		return ErrNotBuilt
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.unknown) > 0 {
		return fmt.Errorf("pages ask for assets that do not exist: %s", strings.Join(a.unknown, ", "))
	}
	return nil
}

// Handler serves the assets below /static/ to GET and HEAD. It takes the name
// from the request's path, so the pattern's wildcard may have any name.
func (a *Assets) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, under := strings.CutPrefix(r.URL.Path, prefix)
		f := a.files[name]
		if !under || f == nil {
			// Never kept: during a rollout the next instance may have it.
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "There is no such file.", http.StatusNotFound)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Files can only be read.", http.StatusMethodNotAllowed)
			return
		}
		v := f.choose(r.Header["Accept-Encoding"])
		h := w.Header()
		for _, f := range v.header {
			h[f.name] = f.value[:1:1] // capped: an Add elsewhere copies instead of writing into ours
		}
		if matches(r.Header["If-None-Match"], v.etag) {
			delete(h, "Content-Length")
			delete(h, "Content-Encoding")
			delete(h, "Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodGet {
			w.Write(v.body) //nolint:errcheck // the reader left; there is nobody to tell
		}
	})
}

// choose picks the variant that the client likes best, the smallest among
// equals. When it accepts none it gets the plain one (RFC 9110, 12.5.3).
func (f *file) choose(accept []string) *variant {
	plain := &f.variants[len(f.variants)-1]
	if len(accept) == 0 {
		return plain
	}
	best, bestQ := plain, 0
	for i := range f.variants {
		v := &f.variants[i]
		if q := quality(accept, v.encoding); q > bestQ {
			best, bestQ = v, q
		}
	}
	return best
}

// quality is the weight, 0 to 1000, that an Accept-Encoding field gives to an
// encoding. Plain text that it does not mention counts 1: acceptable, after
// everything that it does mention.
func quality(accept []string, encoding string) int {
	any := -1
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			token, params, _ := strings.Cut(item, ";")
			token = strings.TrimSpace(token)
			switch {
			case encoding == "" && strings.EqualFold(token, "identity"),
				encoding != "" && strings.EqualFold(token, encoding),
				encoding == "gzip" && strings.EqualFold(token, "x-gzip"):
				return weight(params)
			case token == "*":
				any = weight(params)
			}
		}
	}
	switch {
	case encoding == "" && any != 0:
		return 1
	case any > 0:
		return any
	}
	return 0
}

// weight reads "q=0.5" as 500. Without a q it is 1000; a q that is no number
// from 0 to 1 counts as 0.
func weight(params string) int {
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(strings.TrimSpace(key), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return int(q*1000 + 0.5)
	}
	return 1000
}

// matches compares weakly, as If-None-Match asks (RFC 9110, 13.1.2).
func matches(fields []string, etag string) bool {
	for _, line := range fields {
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimSpace(item)
			if item == "*" || strings.TrimPrefix(item, "W/") == etag {
				return true
			}
		}
	}
	return false
}
