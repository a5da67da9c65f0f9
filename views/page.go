// Package views shows: a templ component per page beside the plain struct that
// it shows. The structs are display-ready and have no field that a secret
// could sit in, except where showing one is the page's purpose.
package views

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"

	"frontdesk/static"
	"frontdesk/views/lang"
)

// Page is what every page shares; page structs embed it.
type Page struct {
	Title      string
	Path       string // of this page, for the menu's mark and ways back
	User       *User  // nil: signed out
	Menu       []MenuItem
	Flashes    []Flash
	Theme      string         // "system", "light" or "dark"
	Language   *lang.Language // nil: English
	Languages  []Option       // to choose from
	KeysOff    bool           // the reader wants no shortcuts of single keys
	Modifier   string         // the key that Ctrl is on the reader's keyboard: "Ctrl" or "⌘"
	On         string         // cuid of the customer whom the page is about; "" when it is about none
	Assets     *static.Assets
	Alike      *Alike // nil: all is rendered anew
	RequestID  string
	Now        time.Time
	Posted     bool      // it answers a post, so that Path is not its address
	Typed      bool      // a draft that is given back was kept while it was typed, and may have been sent since
	SessionEnd time.Time // when the portal token runs out
	IdleEnd    time.Time // when the session ends if nothing happens
	EndsSoon   bool      // so soon that the page offers to renew it
	MirrorAge  *MirrorAge
	Finder     bool // it has a search for customers of its own
	Demo       bool
	Ahead      *Ahead   // the pages that the browser may fetch ahead; nil: none
	Reload     int      // seconds after which it looks again by itself without JavaScript; 0: never
	Alarm      *Problem // the audit log is not what it was
	ReadOnly   string   // why nothing can be written for now; "" when it can
}

// User is the reader.
type User struct {
	Name, Username, Portal, Role string
}

// Initials are one or two letters for the user's badge.
func (u User) Initials() string {
	var initials []rune
	for _, word := range strings.Fields(u.Name) {
		initials = append(initials, []rune(strings.ToUpper(word))[0])
	}
	if len(initials) > 2 {
		initials = []rune{initials[0], initials[len(initials)-1]}
	}
	return string(initials)
}

// Command is how a page or an act names itself where it is offered by name: in the
// menu, and in the palette.
type Command struct {
	Label, Icon string
	Key         string // of a page in the menu: the keys that lead there
	Anchor      string // of an act on a customer: the ID of what acts on the customer's page
	Words       string // by which it is found too
}

// MenuItem is a page in the menu.
type MenuItem struct {
	Label, Path, Icon, Key string
	Current                bool
}

// Flash is a message shown once, after a redirect.
type Flash struct {
	Tone string // "success", "info", "warning" or "error"
	Text string
}

// MirrorAge tells how old what is read from the mirror is.
type MirrorAge struct {
	SyncedAt time.Time // zero: never
	Failing  string    // why the last sync failed; "" when it did not
	Doubted  string    // why the last list was not believed; "" when it was
	CanForce bool      // the reader may have it believed
	CanSync  bool
	Sync     *Sync // that somebody waits for; nil: none
}

// Problem is a failure as the reader sees it.
type Problem struct {
	Tone      string // "error" or "warning"
	Title     string
	Text      string
	Advice    string
	Service   string
	Message   string // the service's own words
	Code      int    // the service's HTTP status
	RequestID string
	Wait      time.Time // when it may be tried again; zero: no wait
	Link      string    // where to look further
	LinkText  string
	Unknown   bool // what was sent may have happened: what is typed here is no draft
}

// Input is a form field: its label, what was typed, and what is wrong with it.
type Input struct {
	Name, Label, Value, Error, Hint, Type string
	ID                                    string // when a page has several of this name
	Autocomplete, Placeholder, InputMode  string
	Required, Autofocus, Mono             bool
	Secret                                bool   // never kept in a draft
	Shortcut                              string // the key that leads here; "" when none does
	Noted                                 bool   // a note with the ID id-note stands below it
	List                                  string // ID of the datalist with its choices
	Options                               []Option
	Min, Max, MaxLength                   int
}

// Option is a choice of a select.
type Option struct {
	Value, Label string
}

// kind is the input's type attribute.
func (i Input) kind() string {
	if i.Type == "" {
		return "text"
	}
	return i.Type
}

// id is the element's ID.
func (i Input) id() string {
	if i.ID != "" {
		return i.ID
	}
	return i.Name
}

// describedBy names the hint and the error for those who hear the page.
func (i Input) describedBy() string {
	var ids []string
	if i.Error != "" {
		ids = append(ids, i.id()+"-error")
	}
	if i.Hint != "" {
		ids = append(ids, i.id()+"-hint")
	}
	if i.Noted {
		ids = append(ids, i.id()+"-note")
	}
	return strings.Join(ids, " ")
}

func (i Input) class(base string) string {
	if i.Error != "" {
		base += " " + base[:strings.IndexByte(base+" ", ' ')] + "-error"
	}
	if i.Mono {
		base += " font-mono"
	}
	return base
}

// code is the page's language.
func (p Page) code() string {
	if p.Language == nil {
		return "en"
	}
	return p.Language.Code
}

// roleWord names a role.
func roleWord(ctx context.Context, role string) string {
	switch role {
	case "viewer":
		return lang.T(ctx, "viewer")
	case "manager":
		return lang.T(ctx, "manager")
	case "admin":
		return lang.T(ctx, "admin")
	}
	return role
}

// PortalName is a portal as a person reads it: a name, the same in every language.
func PortalName(portal string) string {
	if portal == "" {
		return ""
	}
	return strings.ToUpper(portal[:1]) + portal[1:]
}

// colorScheme is what the browser paints before the styles are there: a theme that
// was chosen must not begin with a flash of the other.
func (p Page) colorScheme() string {
	if p.Theme == "light" || p.Theme == "dark" {
		return p.Theme
	}
	return "light dark"
}

// idleSeconds is how long the session has when nothing happens, rounded up.
func (p Page) idleSeconds() string {
	return fmt.Sprint(int((p.IdleEnd.Sub(p.Now) + time.Second - 1) / time.Second))
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// utc is a time as it reads without JavaScript.
func utc(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return lang.T(ctx, "never")
	}
	return lang.Minute(ctx, t)
}

// Span is a time span in words, rounded up to what a person counts in.
func Span(ctx context.Context, d time.Duration) string {
	switch {
	case d <= 2*time.Minute:
		return lang.N(ctx, max(0, int((d+time.Second-1)/time.Second)), "%s second", "%s seconds")
	case d <= 2*time.Hour:
		return lang.N(ctx, int((d+time.Minute-1)/time.Minute), "%s minute", "%s minutes")
	}
	return lang.N(ctx, int((d+time.Hour-1)/time.Hour), "%s hour", "%s hours")
}

// The paths of a customer's pages. A cuid is opaque: one that a path could not
// carry, or that is a page's own name, is written in hex behind a tilde.

// CustomerPath is the path of a customer's page.
func CustomerPath(cuid string) string {
	switch {
	case cuid == "new", cuid == "import", cuid == "refresh", cuid == "export.csv", cuid == "export.jsonl",
		strings.Trim(cuid, ".") == "", strings.HasPrefix(cuid, "~"):
		return "/customers/~" + hex.EncodeToString([]byte(cuid))
	}
	return "/customers/" + url.PathEscape(cuid)
}

// CUID reads back what CustomerPath wrote.
func CUID(segment string) string {
	if rest, ok := strings.CutPrefix(segment, "~"); ok {
		if b, err := hex.DecodeString(rest); err == nil {
			return string(b)
		}
	}
	return segment
}
