package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// fill appends so many entries in one commit.
func (l *log) fill(n int) {
	l.Helper()
	err := l.Write(ctx, func(tx *store.Tx) error {
		for range n {
			e := whole
			e.Act = ""
			if err := tx.Append(ctx, &e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
}

func (l *log) head() audit.Head {
	l.Helper()
	h, err := l.Head(ctx)
	if err != nil {
		l.Fatal(err)
	}
	return h
}

// The head is a C2SP tlog-checkpoint: a signed note of origin, size and root.
func TestTheHeadIsACheckpoint(t *testing.T) {
	l := newLog(t)
	for n := range 4 {
		h := l.head()
		if h.Size != int64(n) || !h.At.Equal(start.Add(time.Duration(max(0, n-1))*time.Hour)) {
			t.Errorf("head %+v after %d entries", h, n)
		}
		origin, _, _ := strings.Cut(l.AuditKey(), "+")
		want := regexp.QuoteMeta(fmt.Sprintf("%s\n%d\n%s\n\n— %s ", origin, n, h.Root, origin)) + `[A-Za-z0-9+/]+=*\n`
		if !regexp.MustCompile(`^`+want+`$`).MatchString(h.Note) || !regexp.MustCompile(`^frontdesk/[a-z2-7]{12}$`).MatchString(origin) {
			t.Errorf("checkpoint %q, want %q", h.Note, want)
		}
		if got, err := audit.OpenCheckpoint(h.Note, l.AuditKey()); err != nil || got.Size != h.Size || got.Root != h.Root || got.Note != h.Note {
			t.Errorf("opened as %+v, %v", got, err)
		}
		l.append(whole)
	}
	if h := l.head(); h.Size != 4 {
		t.Errorf("%d entries in the head", h.Size)
	}
}

func TestOtherCheckpointsAreRefused(t *testing.T) {
	l, other := newLog(t), newLog(t)
	l.fill(12)
	other.fill(12)
	good, key := l.head().Note, l.AuditKey()
	secret, public, err := note.GenerateKey(random{}, strings.Split(key, "+")[0])
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(text string) string {
		msg, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(msg)
	}
	text, signature, _ := strings.Cut(good, "\n\n")
	lines := strings.Split(text, "\n")
	hash := lines[2]
	for name, tt := range map[string]struct{ msg, key string }{
		"another log's":           {other.head().Note, key},
		"another log's key":       {good, other.AuditKey()},
		"a key of the same name":  {signed(text + "\n"), key},
		"another size":            {strings.Replace(good, "\n12\n", "\n13\n", 1), key},
		"another root":            {strings.Replace(good, hash, tlog.Hash{}.String(), 1), key},
		"another origin":          {strings.Replace(good, lines[0], "frontdesk/aaaaaaaaaaaa", 1), key},
		"no signature":            {text + "\n", key},
		"a cut one":               {good[:len(good)-10], key},
		"two texts":               {good + good, key},
		"an extension added":      {text + "\nmore\n\n" + signature, key},
		"nothing":                 {"", key},
		"no key":                  {good, ""},
		"half a key":              {good, key[:len(key)-5]},
		"signed: foreign origin":  {signed("elsewhere\n12\n" + hash + "\n"), public},
		"signed: two lines":       {signed(lines[0] + "\n12\n"), public},
		"signed: a negative size": {signed(lines[0] + "\n-1\n" + hash + "\n"), public},
		"signed: zeros before":    {signed(lines[0] + "\n012\n" + hash + "\n"), public},
		"signed: plus":            {signed(lines[0] + "\n+12\n" + hash + "\n"), public},
		"signed: no number":       {signed(lines[0] + "\nx\n" + hash + "\n"), public},
		"signed: a short hash":    {signed(lines[0] + "\n12\nAAAA\n"), public},
	} {
		if h, err := audit.OpenCheckpoint(tt.msg, tt.key); err == nil {
			t.Errorf("%s was opened as %+v", name, h)
		}
	}
	for name, tt := range map[string]struct{ msg, key string }{
		"as it is":                    {good, key},
		"the key with a line's end":   {good, key + "\n"},
		"a second signature":          {good + strings.Split(signed(text+"\n"), "\n\n")[1], key},
		"signed: lines for later use": {signed(lines[0] + "\n12\n" + hash + "\nextension\n"), public},
	} {
		if h, err := audit.OpenCheckpoint(tt.msg, tt.key); err != nil || h.Size != 12 {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

// random are bytes for a test's key: any will do.
type random struct{}

func (random) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return len(b), nil
}

// Every entry can be proved, at sizes with and without full tiles, and the proof
// holds without the database.
func TestProofsOfAllEntries(t *testing.T) {
	l := newLog(t)
	for _, size := range []int{1, 2, 7, 255, 256, 257, 600} {
		l.fill(size - int(l.head().Size))
		for id := range int64(size) {
			id++
			p, err := l.Prove(ctx, id)
			if err != nil {
				t.Fatalf("entry %d of %d: %v", id, size, err)
			}
			text, err := json.MarshalIndent(p, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			read, err := audit.ReadProof(text)
			p.Head = audit.Head{} // for those who make it
			if err != nil || !reflect.DeepEqual(read, p) {
				t.Fatalf("entry %d of %d is read as %+v, %v", id, size, read, err)
			}
			e, head, err := read.Check(l.AuditKey())
			want, _ := l.Entry(ctx, id)
			if err != nil || !reflect.DeepEqual(e, want) || head.Size != int64(size) {
				t.Fatalf("entry %d of %d: %+v of %d, %v", id, size, e, head.Size, err)
			}
		}
	}
	for _, id := range []int64{-1, 0, 601} {
		if p, err := l.Prove(ctx, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("entry %d: %+v, %v", id, p, err)
		}
	}
}

func TestAlteredProofsAreRefused(t *testing.T) {
	l, other := newLog(t), newLog(t)
	l.fill(300)
	other.fill(300)
	p, err := l.Prove(ctx, 100)
	if err != nil {
		t.Fatal(err)
	}
	p2, _ := l.Prove(ctx, 101)
	foreign, _ := other.Prove(ctx, 100)
	for name, change := range map[string]func(p *audit.Proof){
		"another entry":         func(p *audit.Proof) { p.Entry = p2.Entry },
		"another index":         func(p *audit.Proof) { p.Index++ },
		"both":                  func(p *audit.Proof) { p.Entry, p.Index = p2.Entry, p2.Index },
		"an index outside":      func(p *audit.Proof) { p.Index = 1 << 40 },
		"a negative index":      func(p *audit.Proof) { p.Index = -1 },
		"a changed reason":      func(p *audit.Proof) { p.Entry = bytes.Replace(p.Entry, []byte("Ticket"), []byte("ticket"), 1) },
		"a hash less":           func(p *audit.Proof) { p.Hashes = p.Hashes[1:] },
		"a hash more":           func(p *audit.Proof) { p.Hashes = append(p.Hashes, tlog.Hash{}) },
		"no hashes":             func(p *audit.Proof) { p.Hashes = nil },
		"other hashes":          func(p *audit.Proof) { p.Hashes = foreign.Hashes },
		"another log's head":    func(p *audit.Proof) { p.Checkpoint = foreign.Checkpoint },
		"another log's, signed": func(p *audit.Proof) { *p = foreign },
		"no checkpoint":         func(p *audit.Proof) { p.Checkpoint = "" },
	} {
		altered := p
		altered.Hashes = append([]tlog.Hash(nil), p.Hashes...)
		change(&altered)
		if e, _, err := altered.Check(l.AuditKey()); err == nil {
			t.Errorf("%s: proves %+v", name, e)
		}
	}
	if _, _, err := foreign.Check(""); err != nil {
		t.Errorf("with the proof's own key: %v", err)
	}

	// Any byte of its file: either it is refused, or it says the same.
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want, wantHead, err := p.Check(l.AuditKey())
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range text {
		for bit := range 8 {
			if !thorough && bit != i%8 {
				continue
			}
			flipped := bytes.Clone(text)
			flipped[i] ^= 1 << bit
			read, err := audit.ReadProof(flipped)
			if err != nil {
				refused++
				continue
			}
			e, head, err := read.Check(l.AuditKey())
			if err != nil {
				refused++
				continue
			}
			if !reflect.DeepEqual(e, want) || head.Size != wantHead.Size || head.Root != wantHead.Root {
				t.Fatalf("byte %d, bit %d proves %+v:\n%s", i, bit, e, flipped)
			}
		}
	}
	if thorough && refused < len(text)*6 {
		t.Errorf("only %d of %d flips were refused", refused, len(text)*8)
	}
	for _, text := range []string{"", "{}", "[]", "null", `{"entry":{}}`, `{"entry":"x"}`} {
		if read, err := audit.ReadProof([]byte(text)); err == nil {
			if _, _, err := read.Check(l.AuditKey()); err == nil {
				t.Errorf("%q is a proof", text)
			}
		}
	}
}

// Every earlier head is a prefix, and nothing else is.
func TestContinues(t *testing.T) {
	l, fork := newLog(t), newLog(t)
	var heads []audit.Head
	for len(heads) <= 520 {
		heads = append(heads, l.head())
		l.append(whole)
		fork.fill(1)
	}
	for _, h := range heads {
		if _, err := l.Continues(ctx, h.Size, h.Root); err != nil {
			t.Fatalf("the head of %d: %v", h.Size, err)
		}
		wrong := h.Root
		wrong[0] ^= 1
		if h.Size == 0 { // who has seen nothing accepts everything
			continue
		}
		if _, err := l.Continues(ctx, h.Size, wrong); !errors.Is(err, audit.ErrNotPrefix) {
			t.Fatalf("another root of %d: %v", h.Size, err)
		}
		if _, err := fork.Continues(ctx, h.Size, h.Root); !errors.Is(err, audit.ErrNotPrefix) {
			t.Fatalf("a fork, at %d: %v", h.Size, err)
		}
	}
	h := l.head()
	for _, size := range []int64{h.Size + 1, 1 << 40} {
		if _, err := l.Continues(ctx, size, h.Root); !errors.Is(err, audit.ErrNotPrefix) {
			t.Errorf("a longer one, of %d: %v", size, err)
		}
	}
	if _, err := l.Continues(ctx, -1, h.Root); !errors.Is(err, audit.ErrNotPrefix) {
		t.Errorf("a negative size: %v", err)
	}
}
