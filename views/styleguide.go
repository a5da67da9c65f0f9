package views

import (
	"fmt"
	"time"
)

// StyleGuidePage shows every component from made-up data, in each theme.
type StyleGuidePage struct {
	Page
	Icons []string
	Sets  []StyleSet
}

// StyleSet is the components in one theme, with the data that they show. IDs begin
// with the theme, for a page has each of them once.
type StyleSet struct {
	Theme, Title string
	Plain        []Input // fields in each state
	Select       Input
	Problems     []*Problem
	Flashes      []Flash
	Callers      []HomeCaller
	Slots        []Slots
	Customers    CustomersPage
	One          CustomersPage
	Log          AuditPage
	Imports      []ImportItem
	Attention    []AttentionItem
	Services     []ServiceHealth
	Chart        AuditChart
	Palette      []PaletteChoice
	Concierge    Concierge
}

// Names as they come, short and long, and what must never break a page.
const (
	longName  = "Svensk-Norska Havsfiske- och Fiskexportaktiebolaget Bröderna Österström-Håkansson i Göteborg och Ålesund, Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
	longEmail = "purchasing.department.for.northern.and.western.europe@subsidiary.holding.example-of-a-very-long-domain-name.example"
)

// NewStyleGuide makes up the data.
func NewStyleGuide(p Page, icons []string) StyleGuidePage {
	return StyleGuidePage{Page: p, Icons: icons, Sets: []StyleSet{styleSet(p, "light", "Light"), styleSet(p, "dark", "Dark")}}
}

func styleSet(p Page, theme, title string) StyleSet {
	s := StyleSet{Theme: theme, Title: title}
	field := func(i Input) Input {
		i.ID = theme + "-" + i.Name
		return i
	}
	s.Plain = []Input{
		field(Input{Name: "company", Label: "Company", Value: "Nordlicht Logistik GmbH", Required: true}),
		field(Input{Name: "website", Label: "Website", Placeholder: "https://"}),
		field(Input{Name: "reason", Label: "Reason", Hint: "It stands in the audit log."}),
		field(Input{Name: "address", Label: "E-mail", Value: "not an address", Required: true, Error: "Enter a whole e-mail address, such as ana@example.com."}),
		field(Input{Name: "digits", Label: "Passcode", Value: "482913", Required: true, Mono: true, Secret: true, Autocomplete: "off", Error: "ATOM does not know it.", Hint: "Six digits, from the e-mail."}),
	}
	s.Select = field(Input{Name: "country", Label: "Country", Value: "se", Options: []Option{{"", "Any"}, {"se", "Sweden"}, {"fr", "France"}}})
	for _, tone := range []string{"error", "warning", "info", "success"} {
		s.Flashes = append(s.Flashes, Flash{Tone: tone, Text: "A message after an act, once."})
	}
	s.Problems = []*Problem{
		{Tone: "error", Title: "ATOM gave no answer", Text: "Whether the passcode was sent is not known.", Advice: "Ask the customer whether it has come before you send another.", Service: "ATOM", RequestID: p.RequestID},
		{Tone: "warning", Title: "Too many tries", Text: "The portal takes no more for now.", Wait: p.Now.Add(90 * time.Second), Service: "IntelePeer portal", Code: 429, Message: "Too Many Requests", RequestID: p.RequestID},
		{Tone: "info", Title: "SMS is not set up", Text: "frontdesk has no credentials for iP1.", RequestID: p.RequestID},
		{Tone: "success", Title: "It was created after all", Text: "ATOM lists the customer now.", Link: "/customers", LinkText: "Open the list", RequestID: p.RequestID},
	}
	proof := func(onFile string) *CallerProof {
		return &CallerProof{Phone: "+46 70 123 45 67", By: "Mia Moreau", At: p.Now.Add(-4 * time.Minute), Until: p.Now.Add(11 * time.Minute), EntryID: 1, OnFile: onFile}
	}
	code := func(status string) *CodeRow {
		return &CodeRow{ID: 1, Phone: "+46 70 123 45 67", Country: "Sweden", Status: status, SentAt: p.Now.Add(-time.Minute), ExpiresAt: p.Now.Add(4 * time.Minute), By: "Mia Moreau"}
	}
	s.Callers = []HomeCaller{
		{CustomerRow: styleCustomer(0), Code: code("active")}, {CustomerRow: styleCustomer(1), Code: code("unknown")},
		{CustomerRow: styleCustomer(2), Proof: proof("theirs")}, {CustomerRow: styleCustomer(3), Proof: proof("none")}, {CustomerRow: styleCustomer(4), Proof: proof("others")},
	}
	s.Slots = []Slots{
		{Active: 1, Limit: 3, Sure: true, Next: p.Now.Add(4 * time.Minute)}, {Active: 3, Limit: 3, Sure: true, Next: p.Now.Add(40 * time.Second)}, {Perhaps: 1, Limit: 3},
	}
	s.Customers, s.One = styleCustomers(p, 5), styleCustomers(p, 1)
	s.Log = AuditPage{Page: p, Rows: styleEntries(p.Now, theme), Turn: Turn{Newest: "/audit", Newer: "/audit", Older: "/audit"}}
	s.Imports = []ImportItem{
		{ID: "1", FileName: "new customers.csv", State: "draft", Counts: ImportCounts{Ready: 240, Wrong: 3}}, {ID: "2", FileName: "a.csv", State: "running", Started: true, Counts: ImportCounts{Ready: 90, Created: 150}},
		{ID: "3", FileName: "b.csv", State: "paused", Started: true}, {ID: "4", FileName: "c.csv", State: "done", Started: true, Counts: ImportCounts{Created: 240}}, {ID: "5", FileName: "d.csv", State: "cancelled", Started: true},
	}
	s.Attention = []AttentionItem{
		{Icon: "triangle-alert", Title: "create customer: outcome unknown", Text: longName, Path: "/audit", Link: "Look"},
		{Icon: "wifi-off", Title: "iP1 (SMS) is in trouble", Text: "send: answered with status 503"},
	}
	s.Services = []ServiceHealth{
		{Name: "ATOM", State: "ok", Calls: 184, Median: 84 * time.Millisecond, P95: 412 * time.Millisecond},
		{Name: "IntelePeer portal", State: "trouble", Calls: 9, Failures: 6, Median: 15 * time.Second, P95: 15 * time.Second, LastError: "sign in: no answer in time", LastFailure: p.Now.Add(-2 * time.Minute), Clock: "Its clock is 3 minutes ahead of this one.",
			Acts: Hold{On: true, Until: p.Now.Add(12 * time.Second)}},
		{Name: "iP1 (SMS)", State: "idle"}, {Name: "A service without credentials", State: "off"},
	}
	s.Chart = styleChart(theme, p.Now)
	s.Palette = []PaletteChoice{
		{Path: "/customers", Icon: "building-2", Label: "Sundqvist Bygg AB", Text: []Piece{{Text: "Sund", Hit: true}, {Text: "qvist Bygg AB"}}, Note: []Piece{{Text: "ekonomi@sundqvist.example"}}},
		{Path: "/customers", Icon: "building-2", Label: longName, Text: []Piece{{Text: longName}}, Where: "City", Elsewhere: []Piece{{Text: "Sund", Hit: true}, {Text: "svall"}}},
		{Path: "/audit", Icon: "scroll-text", Label: "Audit log", Text: []Piece{{Text: "Audit log"}}, Key: "g a"},
	}
	s.Concierge = Concierge{At: "nordlicht.example", Own: true, Flows: 24, Usual: 2 * time.Minute, Longest: 6 * time.Minute, Resent: 5, Helped: 4, SentAt: p.Now.Add(-3 * time.Minute)}
	return s
}

func styleCustomer(i int) CustomerRow {
	return []CustomerRow{
		{CUID: "c1", Company: "Nordlicht Logistik GmbH", Email: "jonas.brandt@nordlicht.example", Name: "Jonas Brandt", Phone: "+49 30 1234567", City: "Berlin", Country: "Germany", Created: "2026-11-02"},
		{CUID: "c2", Company: longName, Email: longEmail, Name: "Maximiliana Wolfeschlegelsteinhausenbergerdorff", Phone: "+46 31 700 10 20", City: "Göteborg", Country: "Sweden", Created: "2025-01-30"},
		{CUID: "c3", Company: "Sundqvist Bygg AB", Email: "ekonomi@sundqvist.example", Name: "Eva Sundqvist", Phone: "070-123 45 67", City: "Sundsvall", Country: "Sweden", Created: "2024-06-12"},
		{CUID: "c4", Email: "info@no-company.example"},
		{CUID: "c5", Company: "O'Neill & Sons <Catering>", Email: "o'neill+events@catering.example", City: "Cork", Country: "Ireland", Created: "soon"},
	}[i]
}

func styleCustomers(p Page, n int) CustomersPage {
	c := CustomersPage{Page: p, Total: n, Usual: true}
	for _, column := range []struct{ key, label, sorted string }{{"company", "Company", "ascending"}, {"email", "E-mail", "none"}, {"name", "Name", "none"}, {"phone", "Phone", "none"}, {"country", "Country", "none"}} {
		c.Columns = append(c.Columns, CustomerColumn{Key: column.key, Label: column.label, Sorted: column.sorted, SortPath: "/customers"})
	}
	for i := range n {
		row := ListedRow{CustomerRow: styleCustomer(i), Stored: i == 0}
		if i == 4 {
			row.Gone = p.Now.AddDate(0, 0, -2)
		}
		for _, column := range c.Columns {
			text := row.Cell(column.Key)
			row.Cells = append(row.Cells, Cell{Text: text, Pieces: []Piece{{Text: text}}})
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

func styleEntries(now time.Time, theme string) []AuditRow {
	first := int64(100 + len(theme)*100)
	var all []AuditRow
	for i, e := range []AuditRow{
		{What: "open as customer", Outcome: "done", OnName: "Nordlicht Logistik GmbH", OnPath: "/customers", Reason: "ticket 4711", Duration: 84 * time.Millisecond},
		{What: "create customer", Outcome: "unknown", OnName: longName, Detail: "no answer in time", Duration: 15 * time.Second, Settled: "created", More: 11},
		{What: "redeem passcode", Outcome: "refused", OnName: "Sundqvist Bygg AB", Detail: "ATOM said: The passcode is wrong", Duration: 120 * time.Millisecond},
		{What: "send SMS code", Outcome: "", OnName: "+46701234567"},
		{What: "sign in", Outcome: "denied", Detail: "not staff"},
	} {
		e.ID, e.At, e.Who = first+int64(i), now.Add(-time.Duration(i*i*7+1)*time.Minute), "Mia Moreau"
		all = append(all, e)
	}
	return all
}

// styleChart is thirty days, some of them without any act.
func styleChart(theme string, now time.Time) AuditChart {
	c := AuditChart{ID: theme + "-", Above: 86, Below: 14}
	for _, label := range []string{"Open as customer", "Create customer", "Passcodes", "Credentials", "SMS codes", "Everything else"} {
		c.Kinds = append(c.Kinds, ChartKind{Label: label, Path: "/audit"})
	}
	for day := range 30 {
		from := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, day-29)
		b := AuditBar{From: from, To: from.AddDate(0, 0, 1)}
		if from.Weekday() != time.Sunday {
			b.Path = fmt.Sprintf("/audit?from=%s&to=%[1]s", from.Format(time.DateOnly))
			for kind := range c.Kinds {
				n := (day*7 + kind*11) % 17
				b.Parts = append(b.Parts, BarPart{Done: n, Height: n, Path: b.Path})
				b.Done, b.DoneHeight = b.Done+n, b.DoneHeight+n
				c.Kinds[kind].Done += n
			}
			if day%4 == 0 {
				b.Failed, b.FailedHeight = 1+day/3, 4+day/3
			}
		}
		c.Total, c.Failed = c.Total+b.Done+b.Failed, c.Failed+b.Failed
		c.Bars = append(c.Bars, b)
	}
	return c
}
