package handlers

import (
	"net/http"

	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

func (h *Handlers) importNew(w http.ResponseWriter, r *http.Request) error {
	return h.showImportNew(w, r, http.StatusOK, nil)
}

func (h *Handlers) showImportNew(w http.ResponseWriter, r *http.Request, status int, p *desk.Problem) error {
	page := views.ImportNewPage{Page: h.page(r, lang.T(r.Context(), "Import customers")), Receipt: receipt(), Problem: h.problem(r, p)}
	if p != nil {
		page.Error = fieldError(r.Context(), p, "file")
	}
	return h.render(w, r, status, views.ImportNew(page))
}

// importRead takes the file that uploaded has read.
func (h *Handlers) importRead(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if v.File == nil {
		return h.showImportNew(w, r, http.StatusUnprocessableEntity, &desk.Problem{Kind: desk.Invalid, Title: "No file was chosen", Text: "Nothing was stored, and nothing was sent.",
			Fields: map[string]desk.Text{"file": "Choose the file first."}})
	}
	id, err := h.Desk.UploadImport(r.Context(), v.Actor, clip(r.PostForm.Get("receipt"), 100), v.File.Name, v.File.Content)
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showImportNew(w, r, p.Status(), p)
	}
	if err != nil {
		return err
	}
	h.redirect(w, r, "/imports/"+id)
	return nil
}

// example is a file as a spreadsheet program writes it: with the mark and the
// semicolons that Excel expects where the comma is a decimal mark, and opens
// elsewhere too.
const example = "\uFEFFCompany;E-mail;Name;Phone;Address;Postcode;City;State;Country;Website\r\n" +
	"Exempel Bygg AB;ekonomi@exempelbygg.example;Åsa Öberg;08-123 456 78;Storgatan 1;111 22;Stockholm;;Sweden;exempelbygg.example\r\n" +
	"Café Modèle SARL;contact@cafemodele.example;Zoé Lefèvre;01 23 45 67 89;\"12, rue du Modèle\";75001;Paris;;France;\r\n" +
	"Sample Traders Inc.;office@sampletraders.example;;212-555-0123;1 Sample Street;10001;New York;NY;USA;https://sampletraders.example\r\n"

func (h *Handlers) importExample(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="frontdesk-example.csv"`)
	_, err := w.Write([]byte(example))
	return err
}
