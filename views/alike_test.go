package views

import (
	"bytes"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"frontdesk/static"
	"frontdesk/views/lang"
)

// What is rendered once is what each reader would have got, in their language.
func TestAlikePartsAreTheSameForAll(t *testing.T) {
	assets, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	texts, err := lang.New()
	if err != nil {
		t.Fatal(err)
	}
	readers := []*User{{Name: "Alice Andersson", Username: "alice", Portal: "customer", Role: "admin"}, {Name: "Victor Vance", Username: "victor", Portal: "atmosphere", Role: "viewer"}, nil}
	parts := map[string]func(p *Page) templ.Component{
		"idle": idleNotice, "palette": paletteInside, "shortcuts": func(*Page) templ.Component { return shortcutSheet() },
		"themes system": themeButtons, "themes dark": themeButtons, "languages": languageButtons, "account": accountButtons,
	}
	var languages []Option
	for _, l := range texts.Languages {
		languages = append(languages, Option{Value: l.Code, Label: l.Code + "?"})
	}
	var kept Alike
	for name, part := range parts {
		seen := map[string]string{}
		for _, language := range texts.Languages {
			ctx := lang.With(t.Context(), language)
			for i, reader := range readers {
				p := &Page{Assets: assets, User: reader, Path: "/" + name, On: []string{"ckja", "", "ckjb"}[i], Modifier: []string{"Ctrl", "⌘", ""}[i], KeysOff: i == 1, RequestID: name + "request",
					Language: language, Languages: languages, Theme: strings.TrimPrefix(name, "themes ")}
				var once, anew bytes.Buffer
				if err := kept.part(name, part(p)).Render(ctx, &once); err != nil {
					t.Fatal(err)
				}
				if err := part(p).Render(ctx, &anew); err != nil {
					t.Fatal(err)
				}
				if once.String() != anew.String() || once.Len() == 0 {
					t.Errorf("%s in %s, reader %d: kept\n%s\nanew\n%s", name, language.Code, i, &once, &anew)
				}
			}
			var text bytes.Buffer
			if err := kept.part(name, templ.NopComponent).Render(ctx, &text); err != nil {
				t.Fatal(err)
			}
			if other, ok := seen[text.String()]; ok {
				t.Errorf("%s is the same in %s and %s", name, other, language.Code)
			}
			seen[text.String()] = language.Code
		}
	}
}
