package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// iP1's limits and its defaults, used where neither the request nor the
// account's settings say anything.
const (
	minLength, maxLength         = 3, 25
	minExpiration, maxExpiration = 1, 86400

	defaultFrom            = "iP1"
	defaultFormat          = "Your code is {0}"
	defaultLength          = 5
	defaultExpiration      = 1200
	defaultNumericOnly     = false
	defaultConcurrentLimit = 5

	maxAuthentications = 10_000 // kept; the oldest go first
)

const (
	digits = "0123456789"
	// Without characters that people mistake for one another.
	alphanumerics = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	// The letters, digits and signs that a GSM sender name can hold.
	senderSigns = " -_.,&'+!/ÅÄÖÜåäöüÆØæøÉéèàñÑÇß"
)

type ip1Message struct {
	Message string `json:"Message"`
}

// authentication is one code that was sent.
type authentication struct {
	id               int
	phone            string // as it was given
	number           string // the same in digits, for comparing
	code             string
	created, expires time.Time
	used             time.Time // zero until used
}

// active says whether the code counts against ConcurrentLimit and can be used.
func (au *authentication) active(now time.Time) bool {
	return au.used.IsZero() && now.Before(au.expires)
}

// ip1Settings are the account's defaults; nil is unset.
type ip1Settings struct {
	ConcurrentLimit *int
	From            *string
	MessageFormat   *string
	Length          *int
	ExpirationTime  *int
	NumericOnly     *bool
}

// ip1 simulates iP1.
type ip1 struct {
	now     func() time.Time
	control *control
	outbox  *outbox

	account, key, token string

	mu       sync.Mutex
	nextID   int
	all      []*authentication
	settings ip1Settings
}

func (p *ip1) answer(c *call) reply {
	const root = "/api/authentications"
	var get, post, put func(*call) reply
	switch rest, ok := strings.CutPrefix(c.path, root); {
	case ok && rest == "":
		get, post = p.list, p.send
	case ok && rest == "/validate":
		post = p.validate
	case ok && rest == "/settings":
		get, put = p.getSettings, p.putSettings
	case ok && strings.HasPrefix(rest, "/") && !strings.Contains(rest[1:], "/"):
		get = func(*call) reply { return p.one(rest[1:]) }
	default:
		return jsonReply(http.StatusNotFound, ip1Message{"No HTTP resource was found that matches the request URI."})
	}
	if !p.authorized(c) {
		return jsonReply(http.StatusUnauthorized, ip1Message{"Authorization has been denied for this request."}).
			with("WWW-Authenticate", `Basic realm="iP1"`)
	}
	do := map[string]func(*call) reply{"GET": get, "POST": post, "PUT": put}[c.Method]
	if do == nil {
		return jsonReply(http.StatusMethodNotAllowed,
			ip1Message{"The requested resource does not support http method '" + c.Method + "'."})
	}
	if c.Method != http.MethodGet && !isJSON(c.Header.Get("Content-Type")) {
		return jsonReply(http.StatusUnsupportedMediaType,
			ip1Message{"The request entity's media type is not supported for this resource."})
	}
	return do(c)
}

func (p *ip1) authorized(c *call) bool {
	if p.control.get(serviceIP1).RefuseCredentials {
		return false
	}
	if account, key, ok := c.BasicAuth(); ok {
		return account == p.account && key == p.key
	}
	scheme, token, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	return p.token != "" && strings.EqualFold(scheme, "Bearer") && token == p.token
}

// authenticationJSON is an authentication as it is answered: never with its code.
type authenticationJSON struct {
	ID         int
	Phone      string
	Created    string
	HasExpired bool
	Expires    string
	IsUsed     bool
	Used       string `json:",omitempty"`
}

func (p *ip1) show(au *authentication) authenticationJSON {
	out := authenticationJSON{
		ID: au.id, Phone: au.phone,
		Created: ip1Time(au.id, au.created), Expires: ip1Time(au.id, au.expires),
		HasExpired: !p.now().Before(au.expires),
		IsUsed:     !au.used.IsZero(),
	}
	if out.IsUsed {
		out.Used = ip1Time(au.id, au.used)
	}
	return out
}

// ip1Time writes a UTC time with seven digits after the second, as .NET does.
// Every other ID carries its zone: the real service is not consistent either.
func ip1Time(id int, t time.Time) string {
	const layout = "2006-01-02T15:04:05.0000000"
	if id%2 == 0 {
		return t.UTC().Format(layout) + "Z"
	}
	return t.UTC().Format(layout)
}

func (p *ip1) list(*call) reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]authenticationJSON, len(p.all))
	for i, au := range p.all {
		out[i] = p.show(au)
	}
	return jsonReply(http.StatusOK, out)
}

func (p *ip1) one(id string) reply {
	n, err := strconv.Atoi(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, au := range p.all {
		if err == nil && au.id == n {
			return jsonReply(http.StatusOK, p.show(au))
		}
	}
	return jsonReply(http.StatusNotFound, ip1Message{"The authentication was not found."})
}

func (p *ip1) send(c *call) reply {
	m := bind("authentication", c.body)
	phone := m.text("Phone")
	s := ip1Settings{
		From: m.from(), MessageFormat: m.format(), NumericOnly: m.flag("NumericOnly"),
		Length:         m.integer("Length", minLength, maxLength),
		ExpirationTime: m.integer("ExpirationTime", minExpiration, maxExpiration),
	}
	number := m.phone(phone)
	if !m.valid() {
		return m.refusal()
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now().UTC().Truncate(100 * time.Nanosecond)
	active := 0
	for _, au := range p.all {
		if au.number == number && au.active(now) {
			active++
		}
	}
	if active >= first(defaultConcurrentLimit, p.settings.ConcurrentLimit) {
		return jsonReply(http.StatusBadRequest, ip1Message{"There are too many active authentications for this phone number."})
	}
	alphabet := alphanumerics
	if first(defaultNumericOnly, s.NumericOnly, p.settings.NumericOnly) {
		alphabet = digits
	}
	au := &authentication{
		id: p.nextID, phone: *phone, number: number, created: now,
		code: randomCode(alphabet, first(defaultLength, s.Length, p.settings.Length)),
		expires: now.Add(time.Duration(first(defaultExpiration, s.ExpirationTime, p.settings.ExpirationTime)) *
			time.Second),
	}
	p.nextID++
	if len(p.all) >= maxAuthentications {
		p.all = slices.Delete(p.all, 0, 1)
	}
	p.all = append(p.all, au)
	format := first(defaultFormat, s.MessageFormat, p.settings.MessageFormat)
	p.outbox.send(Message{
		Kind: "sms", To: au.phone, From: first(defaultFrom, s.From, p.settings.From),
		Text: strings.ReplaceAll(format, "{0}", au.code), Code: au.code, At: now,
	})
	return jsonReply(http.StatusOK, p.show(au))
}

func (p *ip1) validate(c *call) reply {
	m := bind("validation", c.body)
	phone, code := m.text("Phone"), m.text("Code")
	number := m.phone(phone)
	if code == nil {
		m.fail("Code", "The Code field is required.")
	}
	if !m.valid() {
		return m.refusal()
	}
	out := struct {
		Valid          bool
		Authentication *authenticationJSON `json:",omitempty"`
		Phone, Code    string
	}{Phone: *phone, Code: *code}

	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now().UTC().Truncate(100 * time.Nanosecond)
	for _, au := range p.all {
		if au.number == number && au.code == *code && au.active(now) {
			au.used = now
			shown := p.show(au)
			out.Valid, out.Authentication = true, &shown
			break
		}
	}
	return jsonReply(http.StatusOK, out)
}

func (p *ip1) getSettings(*call) reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	return jsonReply(http.StatusOK, p.settings)
}

// putSettings replaces all six: null and absent both unset.
func (p *ip1) putSettings(c *call) reply {
	m := bind("settings", c.body)
	s := ip1Settings{
		ConcurrentLimit: m.integer("ConcurrentLimit", 1, 1000),
		From:            m.from(), MessageFormat: m.format(), NumericOnly: m.flag("NumericOnly"),
		Length:         m.integer("Length", minLength, maxLength),
		ExpirationTime: m.integer("ExpirationTime", minExpiration, maxExpiration),
	}
	if !m.valid() {
		return m.refusal()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings = s
	return jsonReply(http.StatusOK, s)
}

// first returns the first value that is set, else the fallback.
func first[T any](fallback T, values ...*T) T {
	for _, v := range values {
		if v != nil {
			return *v
		}
	}
	return fallback
}

// model binds a body as ASP.NET Web API does: field names without case, null as
// absent, unknown fields ignored, and every complaint at its field.
type model struct {
	prefix string
	fields map[string]json.RawMessage // by lower-case name
	errs   map[string][]string
}

func bind(prefix string, body []byte) *model {
	m := &model{prefix: prefix, fields: map[string]json.RawMessage{}, errs: map[string][]string{}}
	var given map[string]json.RawMessage
	if json.Unmarshal(body, &given) != nil || given == nil {
		m.errs[prefix] = []string{"The body must be one JSON object."}
		return m
	}
	for name, v := range given {
		if !bytes.Equal(v, []byte("null")) {
			m.fields[strings.ToLower(name)] = v
		}
	}
	return m
}

func (m *model) valid() bool { return len(m.errs) == 0 }

func (m *model) fail(name, text string) {
	key := m.prefix + "." + name
	m.errs[key] = append(m.errs[key], text)
}

func (m *model) refusal() reply {
	return jsonReply(http.StatusBadRequest, struct {
		Message    string
		ModelState map[string][]string
	}{"The request is invalid.", m.errs})
}

// read decodes one field, nil when it is absent or of another type.
func read[T any](m *model, name, kind string) *T {
	raw, ok := m.fields[strings.ToLower(name)]
	if !ok {
		return nil
	}
	v := new(T)
	if json.Unmarshal(raw, v) != nil {
		m.fail(name, fmt.Sprintf("The %s field must be %s.", name, kind))
		return nil
	}
	return v
}

// text reads a string. An empty one is refused: the contract is to leave out
// what was not set.
func (m *model) text(name string) *string {
	v := read[string](m, name, "a string")
	if v != nil && strings.TrimSpace(*v) == "" {
		m.fail(name, "The "+name+" field must not be empty.")
		return nil
	}
	return v
}

func (m *model) flag(name string) *bool { return read[bool](m, name, "true or false") }

func (m *model) integer(name string, min, max int) *int {
	v := read[int](m, name, "a whole number")
	if v != nil && (*v < min || *v > max) {
		m.fail(name, fmt.Sprintf("The field %s must be between %d and %d.", name, min, max))
		return nil
	}
	return v
}

func (m *model) format() *string {
	v := m.text("MessageFormat")
	if v != nil && !strings.Contains(*v, "{0}") {
		m.fail("MessageFormat", "The MessageFormat field must contain {0}.")
	}
	return v
}

// from reads a sender: a number of at most 15 digits, or a name of at most 11
// characters (the GSM rule).
func (m *model) from() *string {
	v := m.text("From")
	if v == nil {
		return nil
	}
	number := strings.TrimPrefix(*v, "+")
	switch {
	case number != "" && strings.Trim(number, digits) == "":
		if len(number) > 15 {
			m.fail("From", "A numeric From must be at most 15 digits.")
		}
	case utf8.RuneCountInString(*v) > 11:
		m.fail("From", "An alphanumeric From must be at most 11 characters.")
	default:
		for _, r := range *v {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
			if !letter && !strings.ContainsRune(senderSigns, r) {
				m.fail("From", "The From field must be alphanumeric or a phone number.")
				break
			}
		}
	}
	return v
}

// phone returns a number's digits; the usual signs between them are ignored.
func (m *model) phone(v *string) string {
	if v == nil {
		if len(m.errs[m.prefix+".Phone"]) == 0 && len(m.errs[m.prefix]) == 0 {
			m.fail("Phone", "The Phone field is required.")
		}
		return ""
	}
	number := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "").Replace(*v)
	number = strings.TrimPrefix(strings.TrimPrefix(number, "+"), "00")
	if len(number) < 5 || len(number) > 15 || strings.Trim(number, digits) != "" {
		m.fail("Phone", "The Phone field is not a valid phone number.")
	}
	return number
}
