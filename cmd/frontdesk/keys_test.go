package main

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// hand counts what a person does with the keyboard: a key or chord pressed is one
// input. What they type, as the name of a customer, is not counted.
type hand struct {
	*screen
	inputs int
}

const ctrlK = "Ctrl-K"

func (h *hand) presses(key string) {
	h.t.Helper()
	h.inputs++
	if key == ctrlK {
		h.ctrlK()
		return
	}
	h.keys(key)
}

func (h *hand) types(text string) {
	h.t.Helper()
	h.keys(text)
}

// fromHome starts over: nothing on home has the focus, and nothing is counted.
func (h *hand) fromHome() {
	h.t.Helper()
	h.visit("/")
	h.at("/")
	h.until("nothing has the focus", `document.activeElement === document.body`)
	h.inputs = 0
}

func (h *hand) within(most int, what string) {
	h.t.Helper()
	h.t.Logf("%s: %d inputs", what, h.inputs)
	if h.inputs > most {
		h.t.Errorf("%s takes %d inputs, want at most %d", what, h.inputs, most)
	}
}

// keysCounted does the two commonest acts from home by keyboard alone: ATOM as a
// customer in three inputs, from a passcode to key and token in five.
func keysCounted(t *testing.T, chromium context.Context, s services, d dashboard) {
	mia := visit(t, d, "mia")
	for company, email := range map[string]string{"Three Keys Locksmiths Ltd": "three@keys.example", "Five Finger Piano House": "five@fingers.example"} {
		if made := mia.post("/customers", newCustomer(mia, company, email)); made.status != 303 {
			t.Fatalf("create: status %d", made.status)
		}
	}
	h := &hand{screen: openScreen(t, chromium, d.URL, "mia's counted keys")}
	h.visit("/login")
	h.signIn("mia")

	h.fromHome()
	h.presses(ctrlK)
	h.types("three keys lock")
	h.presses(kb.Enter)
	h.at("/customers/[^/]+")
	h.focused("#act-open")
	h.presses(kb.Enter)
	if platform := h.newTab(s.URL + "/platform"); !strings.Contains(platform, "three@keys.example") {
		t.Errorf("the platform shows:\n%s", platform)
	}
	h.within(3, "opening ATOM as a customer")

	h.fromHome()
	h.presses(ctrlK)
	h.types("five finger")
	h.presses(kb.Enter)
	h.at("/customers/[^/]+")
	h.focused("#act-open")
	h.presses("p")
	h.focused("#act-passcode")
	h.presses(kb.Enter)
	h.until("the field for the passcode has the focus", `document.readyState === "complete" && document.activeElement.id === "passcode"`)
	h.types(s.code(t, "email", "five@fingers.example"))
	h.presses(kb.Enter)
	h.at("/customers/[^/]+/answers/[^/]+")
	h.see("Passcode redeemed")
	if h.text("#key") == "" || h.text("#token") == "" {
		t.Error("no key or token is shown")
	}
	h.within(5, "from a passcode to key and token")
}
