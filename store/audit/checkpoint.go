package audit

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Head is the signed state of the log at one moment.
type Head struct {
	Size int64
	Root tlog.Hash
	Note string    // the signed checkpoint, C2SP tlog-checkpoint
	At   time.Time // when it was signed
}

// Key signs the log's heads. Its name is the log's origin.
type Key struct {
	signer   note.Signer
	verifier note.Verifier
	secret   string
	public   string
}

// NewKey makes a key for a new log, and a name for the log.
func NewKey() (*Key, error) {
	secret, public, err := note.GenerateKey(rand.Reader, "frontdesk/"+strings.ToLower(rand.Text()[:12]))
	if err != nil {
		return nil, fmt.Errorf("make the log's signing key: %w", err)
	}
	return OpenKey(secret, public)
}

// OpenKey reads a key from its two texts. Without the secret one it checks, and
// signs nothing.
func OpenKey(secret, public string) (*Key, error) {
	k := &Key{secret: secret, public: strings.TrimSpace(public)}
	var err error
	if k.verifier, err = note.NewVerifier(k.public); err != nil {
		return nil, fmt.Errorf("the log's public key: %w", err)
	}
	if secret == "" {
		return k, nil
	}
	if k.signer, err = note.NewSigner(secret); err != nil {
		return nil, fmt.Errorf("the log's signing key: %w", err)
	}
	if k.signer.KeyHash() != k.verifier.KeyHash() || k.signer.Name() != k.verifier.Name() {
		return nil, errors.New("the log's signing key and its public part do not belong together")
	}
	return k, nil
}

// Secret is the key's text, to be kept sealed.
func (k *Key) Secret() string { return k.secret }

// Public is the text of the public part, as golang.org/x/mod/sumdb/note writes
// it: name, key hash and key.
func (k *Key) Public() string { return k.public }

// sign makes the head of a tree.
func (k *Key) sign(t *tree, at time.Time) (Head, error) {
	if k.signer == nil {
		return Head{}, errors.New("the log's signing key is not at hand")
	}
	h := Head{Size: t.size, Root: t.root(), At: at.UTC().Truncate(time.Millisecond)}
	text := fmt.Sprintf("%s\n%d\n%s\n", k.signer.Name(), h.Size, h.Root)
	msg, err := note.Sign(&note.Note{Text: text}, k.signer)
	if err != nil {
		return h, fmt.Errorf("sign the log's head: %w", err)
	}
	h.Note = string(msg)
	return h, nil
}

// OpenCheckpoint reads a checkpoint that was signed with the key whose public
// part is given. Head.At is not part of it.
func OpenCheckpoint(msg, public string) (Head, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(public))
	if err != nil {
		return Head{}, fmt.Errorf("the public key cannot be read: %w", err)
	}
	n, err := note.Open([]byte(msg), note.VerifierList(verifier))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return Head{}, fmt.Errorf("the checkpoint is not signed by the key %s", verifier.Name())
	case err != nil:
		return Head{}, fmt.Errorf("the checkpoint's signature does not hold: %w", err)
	}
	// The last character of a signature's base64 has bits that mean nothing: no other spelling than ours is taken.
	if _, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64); err != nil {
		return Head{}, errors.New("the checkpoint's signature is not written as it was signed")
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return Head{}, errors.New("the checkpoint is not of this log")
	}
	h := Head{Note: msg}
	if h.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || h.Size < 0 || strconv.FormatInt(h.Size, 10) != lines[1] {
		return Head{}, errors.New("the checkpoint's size cannot be read")
	}
	if h.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return Head{}, errors.New("the checkpoint's hash cannot be read")
	}
	return h, nil
}
