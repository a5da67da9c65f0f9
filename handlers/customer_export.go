package handlers

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// exportedCustomer is a customer as an export has it: ATOM's fields by ATOM's
// names, and what frontdesk knows beside them.
type exportedCustomer struct {
	CUID     string `json:"cuid"`
	Company  string `json:"company"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Address  string `json:"address"`
	Country  string `json:"country"`
	City     string `json:"city"`
	Zip      string `json:"zip"`
	State    string `json:"state"`
	Phone    string `json:"phone"`
	Website  string `json:"website"`
	Created  string `json:"created"`
	Seen     string `json:"first_seen"`         // when the mirror first had it
	Changed  string `json:"changed"`            // when it last changed
	Gone     string `json:"gone"`               // since when ATOM lists it no more; "" while it does
	HasVault bool   `json:"stored_credentials"` // frontdesk keeps their key and token
}

var exportedColumns = []string{"cuid", "company", "email", "name", "address", "country", "city", "zip", "state", "phone", "website",
	"created", "first_seen", "changed", "gone", "stored_credentials"}

func exported(c store.ListedCustomer) exportedCustomer {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return exportedCustomer{c.CUID, c.Company, c.Email, c.Name, c.Address, c.Country, c.City, c.Zip, c.State, c.Phone, c.Website,
		c.Created, at(c.SeenAt), at(c.ChangedAt), at(c.GoneAt), c.Stored}
}

func (c exportedCustomer) cells() []string {
	stored := "no"
	if c.HasVault {
		stored = "yes"
	}
	return []string{c.CUID, c.Company, c.Email, c.Name, c.Address, c.Country, c.City, c.Zip, c.State, c.Phone, c.Website,
		c.Created, c.Seen, c.Changed, c.Gone, stored}
}

// customerWriter is a format of an export.
type customerWriter struct {
	write func(exportedCustomer) error
	flush func() error
}

func (h *Handlers) customersExportCSV(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("delimiter")
	delimiter, err := audit.Delimiter(name)
	if err != nil {
		return &desk.Problem{Kind: desk.Invalid, Title: "No such delimiter", Text: "Columns can be parted by comma, semicolon or tab. Nothing was exported.",
			Advice: "Choose one of these on the customers' page.", Err: err}
	}
	if name == "" {
		name = "comma"
	}
	return h.customersExport(w, r, "csv", "CSV ("+name+")", func(w io.Writer) (customerWriter, error) {
		table, err := audit.NewTable(w, delimiter, delimiter == ';', exportedColumns)
		if err != nil {
			return customerWriter{}, err
		}
		return customerWriter{func(c exportedCustomer) error { return table.Write(c.cells()) }, table.Flush}, nil
	})
}

func (h *Handlers) customersExportJSONL(w http.ResponseWriter, r *http.Request) error {
	return h.customersExport(w, r, "jsonl", "JSONL", func(w io.Writer) (customerWriter, error) {
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		return customerWriter{func(c exportedCustomer) error { return lines.Encode(c) }, func() error { return nil }}, nil
	})
}

// customersExport streams exactly what the list's filter in the address lets
// through, in the list's order.
func (h *Handlers) customersExport(w http.ResponseWriter, r *http.Request, kind, format string, open func(io.Writer) (customerWriter, error)) error {
	q := listingQuery(r.URL.Query())
	query, wrong := listing(q)
	if len(wrong) > 0 {
		return h.showListing(w, r, http.StatusUnprocessableEntity, q, failedView{}) // which shows what is wrong, at the fields
	}
	for _, name := range []string{"cols", "density", "size"} { // how it is shown is no matter here
		q.Del(name)
	}
	countries, _, err := h.Store.Places(r.Context())
	if err != nil {
		return err
	}
	query.Countries = desk.SpellingsOf(query.Country, countries)
	out, err := open(w)
	if err != nil {
		return err
	}
	file := &download{h: h, w: w, r: r, name: "customers", kind: kind}
	page := func(customers []store.ListedCustomer) error {
		return file.part(func() error {
			for _, c := range customers {
				if err := out.write(exported(c)); err != nil {
					return err
				}
			}
			return nil
		}, out.flush)
	}
	if r.Method == http.MethodHead { // asks what it would be; nothing is taken away
		return page(nil)
	}
	return file.end(h.Desk.ExportCustomers(r.Context(), visitOf(r).Actor, desk.CustomerExport{Query: query, Format: format, Filter: q.Encode(), Page: page}))
}

// customerExports are the files that can be had of what is filtered.
func customerExports(ctx context.Context, q url.Values) []views.Link {
	link := func(label, file, delimiter string) views.Link {
		filter := listingQuery(q)
		for _, name := range []string{"cols", "density", "size"} {
			filter.Del(name)
		}
		if delimiter != "" {
			filter.Set("delimiter", delimiter)
		}
		path := "/customers/export." + file
		if len(filter) > 0 {
			path += "?" + filter.Encode()
		}
		return views.Link{Label: label, Path: path}
	}
	return []views.Link{
		link(lang.T(ctx, "CSV, comma"), "csv", "comma"), link(lang.T(ctx, "CSV, semicolon"), "csv", "semicolon"), link(lang.T(ctx, "CSV, tab"), "csv", "tab"),
		link("JSON Lines", "jsonl", ""),
	}
}
