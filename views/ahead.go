package views

import "github.com/a-h/templ"

// Ahead is what a browser may fetch before anybody asks for it, as patterns of paths.
type Ahead struct {
	Pages  []string // that only read
	Others []string // that fit one of those patterns, and are not to be fetched
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

// script is the rules as browsers read them: they fetch a page, and no more than its
// HTML, when the pointer rests on its link or a key or a finger is about to follow it.
func (a Ahead) script() templ.Component {
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
	where := linksWhere{And: []linksWhere{{Or: paths(a.Pages)}, {Not: &linksWhere{Or: append(paths(a.Others), linksWhere{Selector: elsewhere})}}}}
	rules := map[string][]rule{"prefetch": {{"document", where, "moderate"}}}
	return templ.JSONScript("", rules).WithType("speculationrules")
}
