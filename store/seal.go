package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrWrongSecret means that the database was sealed with another
// FRONTDESK_SECRET.
var ErrWrongSecret = errors.New("FRONTDESK_SECRET is not the secret that this database was made with; " +
	"if the secret was changed, give the former one in FRONTDESK_SECRET_OLD")

// DeriveKey derives a 32-byte key for one purpose from a secret (HKDF-SHA-256),
// so that no two uses share a key and none reveals the secret.
func DeriveKey(secret []byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, nil, "frontdesk "+purpose, 32)
}

// sealer encrypts values at rest with AES-256-GCM. The table, row and column
// are authenticated with each value: a sealed value that somebody moves to
// another row does not open. The first secret seals; both open.
type sealer struct {
	secrets  [][]byte
	receipts []byte // the key of ReceiptKey
}

func newSealer(secret, old []byte) (*sealer, error) {
	if len(secret) < 32 {
		return nil, errors.New("the secret must have at least 32 bytes")
	}
	receipts, err := DeriveKey(secret, "receipts")
	if err != nil {
		return nil, err
	}
	s := &sealer{secrets: [][]byte{secret}, receipts: receipts}
	if len(old) > 0 {
		s.secrets = append(s.secrets, old)
	}
	return s, nil
}

func (s *sealer) aead(secret []byte, table, column string) cipher.AEAD {
	key, err := DeriveKey(secret, "seal "+table+"."+column)
	if err != nil {
		panic(err) // only for key lengths that HKDF cannot make
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for key lengths other than 16, 24, 32
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for block ciphers other than AES
	}
	return aead
}

// seal encrypts text for one place in the database.
func (s *sealer) seal(table, row, column string, text []byte) []byte {
	return s.aead(s.secrets[0], table, column).Seal(nil, nil, text, place(table, row, column)) // #nosec G407 -- no nonce is given here because a random one is made inside
}

// open decrypts what seal made for the same place.
func (s *sealer) open(table, row, column string, sealed []byte) ([]byte, error) {
	for _, secret := range s.secrets {
		if text, err := s.aead(secret, table, column).Open(nil, nil, sealed, place(table, row, column)); err == nil {
			return text, nil
		}
	}
	return nil, fmt.Errorf("%s.%s of one row does not open with the present secret", table, column)
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
