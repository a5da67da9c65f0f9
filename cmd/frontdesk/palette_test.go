package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// ctrlK presses Ctrl-K.
func (b *screen) ctrlK() {
	b.t.Helper()
	key := func(kind input.KeyType) chromedp.Action {
		return input.DispatchKeyEvent(kind).WithKey("k").WithCode("KeyK").WithWindowsVirtualKeyCode('K').WithModifiers(input.ModifierCtrl)
	}
	b.run("press Ctrl-K", key(input.KeyRawDown), key(input.KeyUp))
}

// focused waits until an element has the focus and shows that it has.
func (b *screen) focused(selector string) {
	b.t.Helper()
	b.until("the focus is on "+selector, fmt.Sprintf(`document.readyState === "complete" && document.activeElement.matches(%s) && document.activeElement.matches(":focus-visible")`, quote(selector)))
}

// managerInAHurry opens ATOM as a customer with three keys and the search text, and
// finds the shortcuts.
func managerInAHurry(t *testing.T, chromium context.Context, s services, d dashboard) {
	email := "hurry@quick.example"
	mia := visit(t, d, "mia")
	if made := mia.post("/customers", newCustomer(mia, "Quicksilver Couriers Ltd", email)); made.status != 303 {
		t.Fatalf("create: status %d", made.status)
	}
	b := openScreen(t, chromium, d.URL, "mia in a hurry")
	b.visit("/login")
	b.signIn("mia")
	b.at("/")

	// Ctrl-K, the text, Enter before there can be an answer, Enter.
	b.ctrlK()
	b.focused("#palette-q")
	b.keys("quicksilv" + kb.Enter)
	b.at("/customers/[^/]+")
	b.focused("#act-open")
	b.see("Quicksilver Couriers Ltd")
	// Had Enter been held down until now, nothing would have been pressed.
	held := input.DispatchKeyEvent(input.KeyDown).WithKey(kb.Enter).WithCode("Enter").WithWindowsVirtualKeyCode(13).WithText("\r").WithAutoRepeat(true)
	b.run("hold Enter", held, held)
	var pressed bool
	if err := b.eval(`document.querySelector("#act-open").hasAttribute("aria-busy")`, &pressed); err != nil || pressed {
		t.Errorf("a key that was held down pressed the button: %v, %v", pressed, err)
	}
	b.keys(kb.Enter)
	if platform := b.newTab(s.URL + "/platform"); !strings.Contains(platform, email) {
		t.Errorf("the platform shows:\n%s", platform)
	}

	// On the customer's page its acts come first, and lead to what acts, on this page.
	b.until("the focus is elsewhere", `(document.activeElement.blur(), window.stayed = true)`)
	b.ctrlK()
	firstIsActive := func() {
		t.Helper()
		b.until("the first choice is active", `(e => e && e.id === document.querySelector("#palette-q").getAttribute("aria-activedescendant") &&
			e.innerText.includes("Open as customer"))(document.querySelector("#palette [role=option][aria-selected=true]"))`)
	}
	firstIsActive()
	b.until("it is said how many there are", `/^[0-9]+ results$/.test(document.querySelector("#palette-found").textContent)`)
	b.audit("palette") // at several widths
	b.focused("#palette-q")
	firstIsActive()
	b.keys(kb.ArrowDown + kb.ArrowUp + kb.ArrowUp + kb.Home + kb.Enter)
	b.focused("#act-open")
	b.until("the page was not loaded again", `window.stayed && !document.querySelector("dialog:modal")`)

	// Its Escape leads back to where one was. Nothing found leads to the list.
	b.ctrlK()
	b.keys(kb.Escape)
	b.focused("#act-open")
	b.ctrlK()
	b.keys("nobody-is-called-so")
	b.see("No customer, page or act here fits")
	b.audit("palette-nothing")
	b.keys(kb.Escape)

	// By mouse, to a page.
	b.click("Search or jump to")
	b.focused("#palette-q")
	b.keys("checkpoint")
	b.until("one page is left", `document.querySelectorAll("#palette [role=option]").length === 1`)
	b.press("the page", `[...document.querySelectorAll("#palette [role=option]")].find(e => e.innerText.includes("Proof"))`)
	b.at("/audit/proof")

	// The sheet; single keys off, and on again. A letter leads to an act, and presses nothing.
	b.visit("/customers")
	b.press("the customer", `document.querySelector("#results tbody a")`)
	b.at("/customers/[^/]+")
	b.keys("?")
	b.see("Keyboard shortcuts")
	if sheet := b.text("#page-shortcuts"); !strings.Contains(sheet, "Open as customer") {
		t.Errorf("the sheet says of this page: %s", sheet)
	}
	b.audit("shortcuts")
	b.keys(kb.Escape + "o")
	b.focused("#act-open")
	for _, c := range []struct{ press, keys string }{{"Off", "off"}, {"On", ""}} {
		b.press("Shortcuts", byName("button", "Shortcuts"))
		b.press(c.press, fmt.Sprintf(`document.querySelector("#shortcuts button[value=%s]")`, strings.ToLower(c.press)))
		b.until("the choice shows", fmt.Sprintf(`document.querySelector("#shortcuts button[aria-pressed=true]").innerText === %s`, quote(c.press)))
		b.until("it is kept", fmt.Sprintf(`fetch(location.href).then(r => r.text()).then(page => page.includes('data-keys="off"') === %v)`, c.keys == "off"))
		b.keys(kb.Escape + "?")
		b.until("? does what it should", fmt.Sprintf(`!document.querySelector("#shortcuts").open === %v`, c.keys == "off"))
		if c.keys == "" {
			b.keys(kb.Escape)
		}
	}
}
