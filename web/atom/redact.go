package atom

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"unicode"
)

// redact appends valid JSON to dst, compact, without object members whose
// names look like credentials, at any depth.
func (n names) redact(dst, raw []byte) []byte {
	raw = trimSpace(raw)
	switch raw[0] {
	case '{':
		dst = append(dst, '{')
		first := true
		for name, value := range members(raw) {
			about := n.of(name)
			if about.credential {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(append(dst, about.quoted...), ':')
			dst = n.redact(dst, value)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		first := true
		for value := range elements(raw) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = n.redact(dst, value)
		}
		return append(dst, ']')
	}
	return append(dst, raw...)
}

// names remembers what is known of the fields' names met in one answer. The
// same few names come with every customer, and judging one costs more than
// reading the rest of its field.
type names map[string]nameFacts

type nameFacts struct {
	quoted     []byte // as JSON
	lower      string
	credential bool
	created    bool
	documented int // its place among these; -1 when it is none
}

// maxNames bounds the memory that an answer with ever new names can take.
const maxNames = 1000

func (n names) of(name string) nameFacts {
	facts, ok := n[name]
	if !ok {
		lower := strings.ToLower(name)
		facts = nameFacts{quote(name), lower, credentialName(name), isCreated(lower), slices.Index(documented[:], lower)}
		if len(n) < maxNames {
			n[name] = facts
		}
	}
	return facts
}

// Words that make a field's name that of a credential. The first kind counts
// anywhere in a name (passwordHash); "key" only at the end of one, because a
// keyContact is a person.
var (
	secretWords = []string{
		"token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "pwd",
		"passcode", "passcodes", "passphrase", "credential", "credentials", "otp", "jwt",
		"bearer", "authorization", "superkey", "supertoken", "apikey", "apikeys",
	}
	keyWords = []string{"key", "keys", "passkey"}
	// secretEnds also end a name that is written as one word (accesstoken).
	secretEnds = []string{"token", "tokens", "secret", "secrets", "password", "passwd", "passcode"}
	// keyStarts before "key" make one word a credential (accesskey); other
	// words on "key" are words (monkey).
	keyStarts = []string{
		"access", "account", "api", "app", "auth", "client", "consumer", "customer", "encryption",
		"master", "private", "public", "secret", "service", "session", "shared", "signing", "ssh", "super", "user", "x",
	}
)

// credentialName says whether a field of this name is taken for a credential.
// Names are split into words at case changes, digits and punctuation, so that
// apiKey, api_key, API-KEY and x-access-key are, and keyword and turkey not.
func credentialName(name string) bool {
	words := splitName(name)
	if len(words) == 0 {
		return false
	}
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(secretWords, w) }) {
		return true
	}
	last := words[len(words)-1]
	if slices.Contains(keyWords, last) || len(words) == 1 && (last == "auth" || last == "pass") {
		return true
	}
	// Odd capitals (passWord, ToKen) must not hide a name, so the whole is
	// looked at as one word too.
	for _, w := range []string{last, strings.Join(words, "")} {
		for _, end := range secretEnds {
			if strings.HasSuffix(w, end) {
				return true
			}
		}
		for _, start := range keyStarts {
			if w == start+"key" || w == start+"keys" {
				return true
			}
		}
	}
	return false
}

// splitName returns the lower-case words of a field's name, without digits.
func splitName(name string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) {
			flush()
			continue
		}
		// A word starts at a capital after a small letter (apiKey), and at the
		// last capital of a run before a small letter (APIKey).
		if unicode.IsUpper(r) && i > 0 &&
			(unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			flush()
		}
		word = append(word, r)
	}
	flush()
	return words
}

// members yields the members of a JSON object that is known to be valid, in
// order. encoding/json's map loses the order, and its token reader costs
// several times as much over 100,000 customers.
func members(raw []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i := 1; ; {
			i += space(raw[i:])
			if raw[i] == '}' {
				return
			}
			end := i + value(raw[i:])
			name := unquote(raw[i:end])
			i = end + space(raw[end:])
			i++ // the colon
			i += space(raw[i:])
			end = i + value(raw[i:])
			if !yield(name, raw[i:end]) {
				return
			}
			i = end + space(raw[end:])
			if raw[i] == ',' {
				i++
			}
		}
	}
}

// elements yields the elements of a JSON array that is known to be valid.
func elements(raw []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := 1; ; {
			i += space(raw[i:])
			if raw[i] == ']' {
				return
			}
			end := i + value(raw[i:])
			if !yield(raw[i:end]) {
				return
			}
			i = end + space(raw[end:])
			if raw[i] == ',' {
				i++
			}
		}
	}
}

// value returns the length of the JSON value at the start of raw.
func value(raw []byte) int {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of what holds a bare number or word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return len(raw)
}

func space(raw []byte) int {
	n := 0
	for n < len(raw) && (raw[n] == ' ' || raw[n] == '\t' || raw[n] == '\n' || raw[n] == '\r') {
		n++
	}
	return n
}

func trimSpace(raw []byte) []byte { return raw[space(raw):] }

func unquote(raw []byte) string {
	if !slices.Contains(raw, '\\') {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
