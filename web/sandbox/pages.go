package sandbox

import (
	"html/template"
	"net/http"
	"strings"
)

// The sandbox's own pages are for people who try things out by hand. They are
// plain HTML with one inline stylesheet and no script.
var pages = template.Must(template.New("").Parse(`
{{define "top"}}<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.}}</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem }
h2 { font-size: 1rem; margin: 0 }
article { border: 1px solid #8886; border-radius: 8px; padding: .75rem 1rem; margin: 1rem 0 }
dt { font-weight: 600; margin-top: .75rem } dd { margin: 0 }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
.code { font-size: 1.75rem; letter-spacing: .1em; user-select: all }
p { margin: .25rem 0; overflow-wrap: anywhere }
</style>
</head>
<body>
<main>
{{end}}
{{define "end"}}</main>
</body>
</html>
{{end}}

{{define "index"}}{{template "top" "frontdesk sandbox"}}
<h1>frontdesk sandbox</h1>
<p>The three services that frontdesk works with, simulated. Nothing here leaves this process.</p>
<dl>
{{range .}}<dt>{{if .Link}}<a href="{{.Path}}">{{.Path}}</a>{{else}}<code>{{.Path}}</code>{{end}}</dt><dd>{{.Text}}</dd>
{{end}}</dl>
{{template "end"}}{{end}}

{{define "outbox"}}{{template "top" "Outbox"}}
<h1>Outbox</h1>
<p>The e-mails and SMS that “went out”, newest first. <a href="/outbox">Refresh</a></p>
{{range .}}<article data-kind="{{.Kind}}" data-to="{{.To}}">
<h2>{{if eq .Kind "sms"}}SMS{{else}}E-mail{{end}} to {{.To}}</h2>
<p><small>From {{.From}}, <time datetime="{{.At.UTC.Format "2006-01-02T15:04:05Z"}}">{{.At.UTC.Format "2006-01-02 15:04:05"}} UTC</time></small></p>
{{with .Subject}}<p><strong>{{.}}</strong></p>
{{end}}<p>{{.Text}}</p>
{{with .Code}}<p><code class="code">{{.}}</code></p>
{{end}}</article>
{{else}}<p>Nothing has been sent yet.</p>
{{end}}{{template "end"}}{{end}}

{{define "platform"}}{{template "top" "ATOM platform"}}
<h1>Signed in as {{.Company}} ({{.Email}})</h1>
<p>This stands in for the ATOM-powered platform.</p>
<p>Customer ID: <code>{{.CUID}}</code></p>
{{template "end"}}{{end}}

{{define "refused"}}{{template "top" "Sign-in link refused"}}
<h1>This sign-in link does not work</h1>
<p>It was used already, has expired, or was never issued. Open the platform from frontdesk again.</p>
{{template "end"}}{{end}}
`))

func writePage(w http.ResponseWriter, status int, name string, data any) {
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		writeReply(w, textReply(http.StatusInternalServerError, "text/plain; charset=utf-8", err.Error()))
		return
	}
	writeReply(w, textReply(status, "text/html; charset=utf-8", b.String()).
		with("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'").
		with("Referrer-Policy", "no-referrer"))
}

type mount struct {
	Path, Text string
	Link       bool
}

func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		writeReply(w, notAllowed("GET"))
		return
	}
	writePage(w, http.StatusOK, "index", []mount{
		{"/portal/customer", "The IntelePeer customer portal: one call gives a token for a username and password.", false},
		{"/portal/atmosphere", "The IntelePeer Atmosphere portal, with the same people.", false},
		{"/portal/messaging", "The IntelePeer messaging portal, under its two documented paths.", false},
		{"/atom", "ATOM: the customers, sign-in to the platform, passcodes and credentials.", false},
		{"/ip1", "iP1: codes by SMS.", false},
		{"/platform", "The ATOM platform's stand-in: shows whom a sign-in link signed in.", false},
		{"/outbox", "The e-mails and SMS that “went out”; /outbox.json is the same for programs.", true},
		{"/control", "GET shows the faults and settings, POST changes them.", true},
		{"/journal", "Every call that the services received; DELETE empties it.", true},
	})
}

// servePlatform redeems a sign-in link. Only GET does: a HEAD by a link
// preview must not use the link up.
func (s *Server) servePlatform(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		writeReply(w, notAllowed("GET"))
		return
	}
	who, ok := s.atom.redeemSignIn(r.URL.Query().Get("token"))
	if !ok {
		writePage(w, http.StatusForbidden, "refused", nil)
		return
	}
	writePage(w, http.StatusOK, "platform", who)
}
