package sandbox

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestSeedIsDeterministic(t *testing.T) {
	small, large := seed(300), seed(5000)
	for i, c := range small.all {
		if !bytes.Equal(c.raw, large.all[i].raw) || c.key != large.all[i].key {
			t.Fatalf("customer %d differs:\n%s\n%s", i, c.raw, large.all[i].raw)
		}
	}
	if len(seed(-1).all) != 0 || len(New(Config{Customers: -1}).atom.dir.all) != 0 || New(Config{}).atom.count() != 250 {
		t.Error("wrong number of customers")
	}
}

// What the contract says that clients must bear with is in the default seed.
func TestSeedHasTheOddities(t *testing.T) {
	r := newRig(t, Config{})
	var list []map[string]any
	dec := json.NewDecoder(strings.NewReader(r.app("GET", "/customer/", "").body))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	emails := map[string]int{}
	for i, c := range list {
		for _, name := range []string{"company", "created", "status", "plan"} {
			if s, ok := c[name].(string); !ok || s == "" {
				t.Errorf("customer %d: %s is %v", i, name, c[name])
			}
		}
		created, err := time.Parse(time.RFC3339, c["created"].(string))
		if err != nil || created.After(seedEnd) || created.Before(seedEnd.Add(-seedSpan)) {
			t.Errorf("customer %d: created %v", i, c["created"])
		}
		mark := func(what string, is bool) {
			if is {
				seen[what]++
			}
		}
		_, number := c["cuid"].(json.Number)
		mark("numeric cuid", number)
		cuid, _ := c["cuid"].(string)
		mark("opaque cuid", strings.ContainsAny(cuid, "/#?%"))
		if utf8.RuneCountInString(cuid) > 128 {
			t.Errorf("cuid of more than 128 characters: %s", cuid)
		}
		email, hasEmail := c["email"].(string)
		mark("no email", !hasEmail)
		mark("plus", strings.Contains(email, "+"))
		mark("apostrophe", strings.Contains(email, "'"))
		mark("capitals", email != strings.ToLower(email))
		emails[strings.ToLower(email)]++
		company := c["company"].(string)
		mark("long company", utf8.RuneCountInString(company) >= 135)
		mark("unicode", strings.ContainsAny(company, "åäö"))
		mark("japanese", strings.Contains(company, "株式会社"))
		mark("arabic", strings.Contains(company, "ذ.م.م"))
		phone, has := c["phone"]
		mark("null phone", has && phone == nil)
		_, has = c["website"]
		mark("missing website", !has)
		mark("tags", c["tags"] != nil)
		mark("nested", c["billing"] != nil)
		mark("key", c["key"] != nil && c["token"] != nil)
		mark("state", c["country"] == "United States" && c["state"] != nil)
		mark("suspended", c["status"] == "suspended")
		if i < 8 && (len(c) != 13 && len(c) != 14) {
			t.Errorf("customer %d is not plain: %v", i, c)
		}
	}
	for _, what := range []string{"numeric cuid", "opaque cuid", "no email", "plus", "apostrophe", "capitals", "long company", "unicode",
		"japanese", "arabic", "null phone", "missing website", "tags", "nested", "key", "state", "suspended"} {
		if seen[what] == 0 {
			t.Errorf("no customer with: %s", what)
		}
	}
	if seen["key"] > 3 {
		t.Errorf("%d customers show their key", seen["key"])
	}
	delete(emails, "")
	shared := 0
	for _, n := range emails {
		if n > 1 {
			shared++
		}
	}
	if shared != 1 {
		t.Errorf("%d e-mails are shared, want one pair", shared)
	}
}

// The credentials that the list shows are the ones that work, and follow a renewal.
func TestExposedCredentials(t *testing.T) {
	r := newRig(t, Config{})
	find := func() (got struct{ CUID, Key, Token string }) {
		t.Helper()
		var list []json.RawMessage
		r.app("GET", "/customer/", "").decode(t, &list)
		if err := json.Unmarshal(list[26], &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	c := find()
	r.wantStatus(r.self(c.CUID, c.Key, c.Token), 200, c.CUID)
	r.issue("/customer/" + c.CUID + "/auth")
	again := find()
	if again.Key == c.Key || again.Key == "" {
		t.Errorf("key %q after %q", again.Key, c.Key)
	}
	r.wantStatus(r.self(c.CUID, again.Key, again.Token), 200, c.CUID)
}

func TestSeed100000(t *testing.T) {
	r := newRig(t, Config{Customers: -1})
	start := time.Now()
	r.wantStatus(r.do("POST", "/control", `{"service":"atom","customers":100000}`), 200, `"customers":100000`)
	seeding := time.Since(start)
	start = time.Now()
	a := r.app("GET", "/customer/", "")
	listing := time.Since(start)
	t.Logf("seeded in %v, listed %d MB in %v", seeding, len(a.body)>>20, listing)
	// Generous: the race detector and a busy machine slow this down a lot.
	if seeding > 15*time.Second || listing > 15*time.Second {
		t.Error("too slow")
	}
	var list []struct {
		CUID  json.RawMessage
		Email string
	}
	a.decode(t, &list)
	cuids, emails := map[string]bool{}, map[string]bool{}
	withEmail := 0
	for _, c := range list {
		cuids[string(c.CUID)] = true
		if c.Email != "" {
			withEmail++
			emails[strings.ToLower(c.Email)] = true
		}
	}
	if len(list) != 100_000 || len(cuids) != 100_000 || len(emails) != withEmail-1 {
		t.Errorf("%d customers, %d cuids, %d e-mails of %d", len(list), len(cuids), len(emails), withEmail)
	}
}

func BenchmarkSeed100000(b *testing.B) {
	for b.Loop() {
		seed(100_000)
	}
}
