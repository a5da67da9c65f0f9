package views

import (
	"context"
	"encoding/json"
	"io"

	"github.com/a-h/templ"
)

// Ahead is what a browser may fetch before anybody asks for it.
type Ahead struct {
	rules string // as browsers read them
}

// linksWhere names the links that a rule is for; of its fields, one is set.
type linksWhere struct {
	And      []linksWhere `json:"and,omitempty"`
	Or       []linksWhere `json:"or,omitempty"`
	Not      *linksWhere  `json:"not,omitempty"`
	Href     *linkPath    `json:"href_matches,omitempty"`
	Selector string       `json:"selector_matches,omitempty"`
}

type linkPath struct {
	Path string `json:"pathname"`
}

// elsewhere are links whose page does not take this one's place: those within the
// page, those that htmx follows, and what opens beside it or is saved.
const elsewhere = `[href^="#"], [hx-get], [target], [download]`

// NewAhead lets browsers fetch pages that only read, by patterns of their paths; others
// fit one of these, and are not to be fetched.
func NewAhead(pages, others []string) *Ahead {
	type rule struct {
		Source    string     `json:"source"`
		Where     linksWhere `json:"where"`
		Eagerness string     `json:"eagerness"`
	}
	paths := func(all []string) (links []linksWhere) {
		for _, path := range all {
			links = append(links, linksWhere{Href: &linkPath{path}})
		}
		return links
	}
	where := linksWhere{And: []linksWhere{{Or: paths(pages)}, {Not: &linksWhere{Or: append(paths(others), linksWhere{Selector: elsewhere})}}}}
	rules, _ := json.Marshal(map[string][]rule{"prefetch": {{"document", where, "moderate"}}}) // strings alone
	return &Ahead{string(rules)}
}

// script is the rules: browsers fetch a page, and no more than its HTML, when the
// pointer rests on its link or a key or a finger is about to follow it.
func (a *Ahead) script() templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<script type="speculationrules" nonce="`+templ.EscapeString(templ.GetNonce(ctx))+`">`+a.rules+`</script>`)
		return err
	})
}
