package handlers

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
)

// public is for pages that need no sign-in.
const public store.Role = ""

// upload is the one route that takes a file: uploaded reads its form.
const upload = "POST /customers/import"

// ahead are the routes that a browser may fetch before anybody asks for them: pages
// that only read. Whatever is not here is never given ahead.
var ahead = []string{"GET /{$}", "GET /customers", "GET /customers/{cuid}", "GET /imports", "GET /sms", "GET /audit", "GET /staff"}

// route is a page or an act: its pattern, the least role that may use it, its
// handler, and how it names itself in the menu and the palette. Permissions,
// menu and palette come from this one list.
type route struct {
	Pattern string
	Needs   store.Role
	Handle  func(w http.ResponseWriter, r *http.Request) error
	Find    views.Command // zero: offered nowhere by name
}

func (h *Handlers) allRoutes() []route {
	const viewer, manager, admin = store.Viewer, store.Manager, store.Admin
	none := views.Command{}
	menu := func(label, icon, key, words string) views.Command {
		return views.Command{Label: label, Icon: icon, Key: key, Words: words}
	}
	page := func(label, icon, words string) views.Command {
		return views.Command{Label: label, Icon: icon, Words: words}
	}
	onCustomer := func(label, icon, anchor, words string) views.Command {
		return views.Command{Label: label, Icon: icon, Anchor: anchor, Words: words}
	}
	all := []route{
		{"GET /login", public, h.loginForm, none},
		{"POST /login", public, h.login, none},
		{"POST /logout", public, h.logout, none},
		{"POST /theme", public, h.themeSet, none},
		{"POST /keys", public, h.keysSet, none},
		{"POST /language", public, h.languageSet, none},
		{"GET /healthz", public, h.healthz, none},
		{"GET /readyz", public, h.readyz, none},

		{"GET /{$}", viewer, h.home, menu(lang.Mark("Home"), "house", "g h", "start overview dashboard services")},
		{"GET /palette", viewer, h.palette, none},
		{"GET /shortcuts", viewer, h.shortcuts, none},
		{"GET /session", viewer, h.sessionState, none},
		{"POST /session/active", viewer, h.sessionActive, none},
		{"POST /session/renew", viewer, h.sessionRenew, none},

		{"GET /customers", viewer, h.customersList, menu(lang.Mark("Customers"), "users", "g c", "list find search accounts")},
		{"GET /customers/new", manager, h.customerNew, page(lang.Mark("New customer"), "user-plus", "create add account")},
		{"POST /customers/new/fill", manager, h.customerFill, none},
		{"POST /customers/new/check", manager, h.customerCheck, none},
		{"POST /customers", manager, h.customerCreate, none},
		{"GET /creates/{act}", manager, h.createState, none},
		{"POST /customers/refresh", manager, h.customersRefresh, none},
		{"GET /customers/export.csv", manager, h.customersExportCSV, none},
		{"GET /customers/export.jsonl", manager, h.customersExportJSONL, none},
		{"POST /customers/views", viewer, h.viewSave(viewedCustomers, h.showListing), none},
		{"POST /customers/views/{id}/remove", viewer, h.viewRemove(viewedCustomers), none},
		{"GET /customers/import", manager, h.importNew, page(lang.Mark("Import customers"), "upload", "upload csv file spreadsheet many")},
		{upload, manager, h.importRead, none},
		{"GET /customers/import/example.csv", manager, h.importExample, none},
		{"GET /customers/refresh/events", viewer, h.refreshEvents, none},
		{"GET /customers/{cuid}", viewer, h.customerShow, none},
		{"GET /customers/{cuid}/events", viewer, h.customerEvents, none},
		{"GET /customers/{cuid}/live", viewer, h.customerLive, none},
		{"GET /customers/{cuid}/answers/{act}", manager, h.customerAnswer, none},
		{"POST /customers/{cuid}/sso", manager, h.ssoOpen, onCustomer(lang.Mark("Open as customer"), "external-link", "act-open", "sso login sign in impersonate platform atom")},
		{"GET /customers/{cuid}/passcode", manager, h.passcodeForm, none},
		{"POST /customers/{cuid}/passcode", manager, h.passcodeSend, onCustomer(lang.Mark("E-mail passcode"), "mail", "act-passcode", "send email get key token credentials")},
		{"POST /customers/{cuid}/passcode/redeem", manager, h.passcodeRedeem, onCustomer(lang.Mark("Redeem passcode"), "ticket", "act-redeem", "enter get key token credentials")},
		{"POST /customers/{cuid}/credentials", admin, h.credentialsIssue, onCustomer(lang.Mark("Issue key and token"), "key-round", "act-issue", "credentials without passcode replace rotate")},
		{"POST /customers/{cuid}/credentials/reveal", manager, h.credentialsReveal, onCustomer(lang.Mark("Show the stored key and token"), "eye", "act-reveal", "credentials reveal again")},
		{"POST /customers/{cuid}/pin", viewer, h.customerPin, onCustomer(lang.Mark("Pin or unpin"), "pin", "act-pin", "keep at hand favourite")},
		{"GET /sso", manager, h.ssoLink, page(lang.Mark("Open a customer by e-mail"), "external-link", "sso login sign in impersonate email crm link")},

		{"GET /imports", manager, h.importsList, menu(lang.Mark("Imports"), "file-up", "g i", "csv files rows results")},
		{"GET /imports/{id}", manager, h.importShow, none},
		{"GET /imports/{id}/events", manager, h.importEvents, none},
		{"GET /imports/{id}/results.csv", manager, h.importResults, none},
		{"POST /imports/{id}/columns", manager, h.importColumns, none},
		{"POST /imports/{id}/start", manager, h.importStart, none},
		{"POST /imports/{id}/pause", manager, h.importPause, none},
		{"POST /imports/{id}/cancel", manager, h.importCancel, none},
		{"POST /imports/{id}/retry", manager, h.importRetry, none},
		{"POST /imports/{id}/pace", manager, h.importPace, none},
		{"GET /imports/{id}/rows/{n}", manager, h.importRow, none},
		{"POST /imports/{id}/rows/{n}", manager, h.importRowMend, none},
		{"GET /outside", manager, h.outsideList, page(lang.Mark("Created outside frontdesk"), "circle-help", "out of band unknown customers codes")},
		{"POST /outside/known", admin, h.outsideKnown, none},
		{"POST /novelties/seen", admin, h.noveltiesSeen, none},

		{"GET /sms", manager, h.smsForm, menu(lang.Mark("SMS codes"), "message-square-text", "g s", "text message verify phone number caller")},
		{"POST /sms", manager, h.smsSend, onCustomer(lang.Mark("Verify the caller by SMS"), "shield-check", "act-verify", "text message code phone number identity")},
		{"GET /sms/{id}", manager, h.smsShow, none},
		{"POST /sms/{id}/verify", manager, h.smsVerify, none},
		{"GET /sms/settings", admin, h.smsSettingsForm, page(lang.Mark("SMS settings"), "settings", "text message format length expiry ip1")},
		{"POST /sms/settings", admin, h.smsSettingsSave, none},
		{"GET /sms/country", manager, h.smsCountry, none},

		{"GET /audit", viewer, h.auditList, menu(lang.Mark("Audit log"), "scroll-text", "g a", "history acts entries who did what")},
		{"GET /audit/export.csv", admin, h.auditExportCSV, none},
		{"GET /audit/export.jsonl", admin, h.auditExportJSONL, none},
		{"GET /audit/proof", viewer, h.auditProof, page(lang.Mark("Proof of the audit log"), "badge-check", "verify checkpoint signed merkle")},
		{"GET /audit/checkpoint", viewer, h.auditCheckpoint, none},
		{"POST /audit/verify", admin, h.auditVerify, none},
		{"POST /audit/views", viewer, h.viewSave(viewedAudit, h.showAudit), none},
		{"POST /audit/views/{id}/remove", viewer, h.viewRemove(viewedAudit), none},
		{"GET /audit/{id}", viewer, h.auditShow, none},
		{"GET /audit/{id}/proof", viewer, h.auditEntryProof, none},

		{"GET /tokens", viewer, h.tokensShow, menu(lang.Mark("Tokens"), "key-round", "g t", "portal cpaas reveal my own")},
		{"POST /tokens/reveal", viewer, h.tokensReveal, none},
		{"POST /tokens/cpaas", viewer, h.tokensSave, none},
		{"GET /sessions", viewer, h.sessionsList, menu(lang.Mark("Sessions"), "monitor-smartphone", "g e", "devices signed in browsers sign out")},
		{"POST /sessions/{id}/revoke", viewer, h.sessionRevoke, none},
		{"POST /sessions/others/revoke", viewer, h.sessionsRevokeOthers, none},
		{"GET /staff", admin, h.staffList, menu(lang.Mark("Staff"), "user-cog", "g u", "people users roles colleagues admins")},
		{"POST /staff", admin, h.staffAdd, none},
		{"POST /staff/{id}", admin, h.staffChange, none},
		{"POST /staff/throttle/lift", admin, h.throttleLift, none},
	}
	if h.Demo != nil { // with made-up data on it, it would only be in the way elsewhere
		all = append(all, route{"GET /styleguide", viewer, h.styleGuide, page(lang.Mark("Style guide"), "eye", "components design colours type icons")})
	}
	return all
}

// mux puts the routes behind their checks.
func (h *Handlers) mux() http.Handler {
	mux := http.NewServeMux()
	h.patterns = http.NewServeMux()
	mux.Handle("/static/{file}", h.Assets.Handler())
	for _, rt := range h.routes {
		handle := h.checked(rt)
		if strings.HasPrefix(rt.Pattern, "POST ") {
			handle = h.posted(rt)
		}
		mux.Handle(rt.Pattern, handle)
		h.patterns.Handle(rt.Pattern, http.NotFoundHandler())
	}
	mux.Handle("/", http.HandlerFunc(h.noSuchPage))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// OPTIONS * is about no path, and the mux has no page for it. What is no text names nothing.
		if r.RequestURI == "*" || !utf8.ValidString(r.URL.Path) {
			h.noSuchPage(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// menuFor is the menu as a role sees it: the pages that have a key.
func (h *Handlers) menuFor(role store.Role, path string) []views.MenuItem {
	items := slices.Clone(h.menus[role])
	for i, item := range items {
		rest, below := strings.CutPrefix(path, item.Path)
		items[i].Current = below && (rest == "" || item.Path != "/" && rest[0] == '/')
	}
	return items
}

// menuOf is the menu of a role, as it is on every page.
func (h *Handlers) menuOf(role store.Role) []views.MenuItem {
	var items []views.MenuItem
	for _, rt := range h.routes {
		if rt.Find.Key != "" && role.Includes(rt.Needs) {
			items = append(items, views.MenuItem{Label: rt.Find.Label, Icon: rt.Find.Icon, Key: rt.Find.Key, Path: rt.address()})
		}
	}
	return items
}

// isAhead tells whether the page may be fetched ahead.
func (rt route) isAhead() bool { return slices.Contains(ahead, rt.Pattern) }

// address is where a page without parameters is.
func (rt route) address() string {
	return strings.TrimSuffix(strings.TrimPrefix(rt.Pattern, "GET "), "{$}")
}
