package main

import (
	"context"
	"net/http"
	"testing"
)

// styleGuide looks at every component, as the demo shows them.
func styleGuide(t *testing.T, chromium context.Context) {
	addr := freeAddr(t)
	demo := start(t, t.TempDir(), env{"FRONTDESK_ADDR": addr, "FRONTDESK_BASE_URL": "http://" + addr, "FRONTDESK_SANDBOX_ADDR": freeAddr(t)}, "demo")
	eventually(t, "the demo is ready", func() bool { return status("http://"+addr+"/readyz") == http.StatusOK })
	b := openScreen(t, chromium, "http://"+addr, "victor in the demo")
	b.visit("/login")
	b.signIn("victor")
	b.visit("/styleguide")
	b.see("Every component", "Light", "Dark")
	b.until("both themes are there", `["light", "dark"].every(theme => getComputedStyle(document.getElementById(theme)).colorScheme === theme)`)
	b.audit("styleguide")
	demo.keepsQuietAbout(t, "made-up-3f9a77d2c1e84b0fa6d5")
}
