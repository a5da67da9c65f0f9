package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrWrongSecret means that the database was sealed with another
// FRONTDESK_SECRET.
var ErrWrongSecret = errors.New("FRONTDESK_SECRET is not the secret that this database was made with; " +
	"if the secret was changed, give the former one in FRONTDESK_SECRET_OLD")

// ErrClosed means that a sealed value opens with no secret that there is: it was
// damaged, moved, or sealed with one that is gone.
var ErrClosed = errors.New("does not open with the present secret")

// errHalfChanged is ErrWrongSecret where a change was broken off: one part is
// sealed with each secret.
var errHalfChanged = fmt.Errorf("%w; its change was broken off half-way, so both are needed until a start has finished it", ErrWrongSecret)

// sealedColumn is a column whose values are sealed, each bound to its row.
type sealedColumn struct {
	table, column string
	key           string   // the table's primary key
	row           string   // the column that names the row in the seal
	only          []string // the rows that are sealed; nil: all
}

// sealedColumns are all that there are. Sealing for another place panics: a
// column that is missing here would be left behind by a change of the secret.
var sealedColumns = []sealedColumn{
	{table: "sessions", column: "data", key: "token_hash", row: "token_hash"},
	{table: "drafts", column: "sealed", key: "id", row: "id"},
	{table: "credentials", column: "sealed", key: "cuid", row: "cuid"},
	{table: "cpaas_tokens", column: "sealed", key: "staff_id", row: "staff_id"},
	{table: "receipts", column: "answer", key: "key", row: "act_id"},
	{table: "receipts", column: "secret", key: "key", row: "act_id"},
	{table: "audit_marks", column: "data", key: "name", row: "name", only: []string{"facets"}},
	{table: "meta", column: "value", key: "name", row: "name", only: []string{metaAuditKey, metaReceiptKey, metaFingerprintKey, metaCheck, metaChanging}},
}

// DeriveKey derives a 32-byte key for one purpose from a secret (HKDF-SHA-256),
// so that no two uses share a key and none reveals the secret.
func DeriveKey(secret []byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, nil, "frontdesk "+purpose, 32)
}

// sealer encrypts values at rest with AES-256-GCM. The table, row and column
// are authenticated with each value: a sealed value that somebody moves to
// another row does not open. The present secret seals; the former one opens, too.
type sealer struct {
	secrets [][]byte                 // the present one, and the former one
	former  bool                     // there is a former secret
	columns map[[2]string]columnSeal // by table and column
}

// columnSeal is how one column's values are sealed. Each column has keys of its
// own, derived once.
type columnSeal struct {
	only  []string
	aeads []cipher.AEAD // of the present secret, and of the former one
}

// Which secret has sealed a value.
const (
	byPresent = iota
	byFormer
	byNeither
)

func newSealer(secret, old []byte) (*sealer, error) {
	if len(secret) < 32 {
		return nil, errors.New("the secret must have at least 32 bytes")
	}
	secrets := [][]byte{secret}
	if len(old) > 0 && !bytes.Equal(secret, old) {
		secrets = append(secrets, old)
	}
	s := &sealer{secrets: secrets, former: len(secrets) > 1, columns: map[[2]string]columnSeal{}}
	for _, c := range sealedColumns {
		in := columnSeal{only: c.only}
		for _, secret := range secrets {
			aead, err := newAEAD(secret, "seal "+c.table+"."+c.column)
			if err != nil {
				return nil, err
			}
			in.aeads = append(in.aeads, aead)
		}
		s.columns[[2]string{c.table, c.column}] = in
	}
	return s, nil
}

func newAEAD(secret []byte, purpose string) (cipher.AEAD, error) {
	key, err := DeriveKey(secret, purpose)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (s *sealer) aeads(table, row, column string) []cipher.AEAD {
	c, ok := s.columns[[2]string{table, column}]
	if !ok || c.only != nil && !slices.Contains(c.only, row) {
		panic(table + "." + column + " of this row is not among the sealed columns")
	}
	return c.aeads
}

// seal encrypts text for one place in the database.
func (s *sealer) seal(table, row, column string, text []byte) []byte {
	return s.aeads(table, row, column)[byPresent].Seal(nil, nil, text, place(table, row, column)) // #nosec G407 -- no nonce is given here because a random one is made inside
}

// open decrypts what seal made for the same place.
func (s *sealer) open(table, row, column string, sealed []byte) ([]byte, error) {
	text, by := s.openBy(table, row, column, sealed)
	if by == byNeither {
		return nil, fmt.Errorf("%s.%s of one row %w", table, column, ErrClosed)
	}
	return text, nil
}

// openBy tells also which secret has sealed it.
func (s *sealer) openBy(table, row, column string, sealed []byte) (text []byte, by int) {
	for by, aead := range s.aeads(table, row, column) {
		if text, err := aead.Open(nil, nil, sealed, place(table, row, column)); err == nil {
			return text, by
		}
	}
	return nil, byNeither
}

func place(table, row, column string) []byte {
	return fmt.Appendf(nil, "%s\x00%s\x00%s", table, column, row)
}

// NewID returns 128 random bits as text, for acts, sessions and receipts.
func NewID() string { return rand.Text() }

// NewActID returns an ID for an act that begins at a moment: 85 random bits
// behind the time, so that the log's index of acts grows at its end.
func NewActID(at time.Time) string {
	return strings.ToUpper(strconv.FormatInt(at.UnixMilli(), 32)) + rand.Text()[:17]
}
