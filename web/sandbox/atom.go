package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	passcodeLife = 15 * time.Minute
	signInLife   = 5 * time.Minute
	maxSignIns   = 10_000 // unused links that are remembered; the oldest go first
)

// Messages of the failures that share a status and differ only in words.
const (
	msgMissingKey   = "Missing key"
	msgMissingToken = "Missing token"
	msgInvalidToken = "Invalid token"
	msgNoKey        = "No matching key"
	msgNoUser       = "User not found"
	msgNotAllowed   = "User not allowed for API access"
	msgPasscode     = "Expired or invalid passcode"
	msgExists       = "User with this email already exists"
)

// customer is one of ATOM's customers. Everything below the blank line changes
// and is guarded by atom.mu.
type customer struct {
	cuid      string // exact text, also of a number
	numeric   bool   // written as a JSON number
	company   string
	email     string // as it was given; empty when the customer has none
	suspended bool   // not allowed for API access
	exposed   bool   // the list shows this customer's key and token
	raw       []byte // the object as listed, without key and token

	key, token      string // empty until the first auth
	passcode        string
	passcodeExpires time.Time
}

// id is the cuid as JSON: a number keeps its exact digits.
func (c *customer) id() json.RawMessage {
	if c.numeric {
		return json.RawMessage(c.cuid)
	}
	return encodeJSON(c.cuid)
}

// listed is the object as the list shows it.
func (c *customer) listed() []byte {
	if !c.exposed || c.key == "" {
		return c.raw
	}
	b := slices.Clone(c.raw[:len(c.raw)-1])
	return fmt.Appendf(b, `,"key":%s,"token":%s}`, encodeJSON(c.key), encodeJSON(c.token))
}

// who is what the platform's stand-in shows.
type who struct{ Company, Email, CUID string }

type signIn struct {
	token   string
	who     who
	expires time.Time
}

// directory is one generation of customers; a reseed replaces it whole.
type directory struct {
	all     []*customer
	byCUID  map[string]*customer
	byEmail map[string]*customer // lower case; the first of those who share one
	byKey   map[string]*customer
}

func newDirectory(n int) *directory {
	return &directory{
		all:     make([]*customer, 0, n),
		byCUID:  make(map[string]*customer, n),
		byEmail: make(map[string]*customer, n),
		byKey:   map[string]*customer{},
	}
}

func (d *directory) add(c *customer) {
	d.all = append(d.all, c)
	if c.cuid != "" {
		d.byCUID[c.cuid] = c
	}
	if email := strings.ToLower(c.email); email != "" && d.byEmail[email] == nil {
		d.byEmail[email] = c
	}
	if c.key != "" {
		d.byKey[c.key] = c
	}
}

// atom simulates ATOM.
type atom struct {
	now     func() time.Time
	control *control
	outbox  *outbox

	superKey, superToken string

	mu      sync.Mutex
	dir     *directory
	signIns []signIn
}

// reseed forgets everything and starts anew with n seeded customers. They are
// made before the lock is taken: calls go on meanwhile.
func (a *atom) reseed(n int) {
	dir := seed(n)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dir, a.signIns = dir, nil
}

func (a *atom) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.dir.all)
}

func (a *atom) addRaw(object []byte) error {
	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	if err := dec.Decode(&fields); err != nil {
		return fmt.Errorf("customer object: %w", err)
	}
	if fields == nil {
		return errors.New("customer object: must not be null")
	}
	c := &customer{raw: slices.Clone(bytes.TrimSpace(object))}
	switch v := fields["cuid"].(type) {
	case string:
		c.cuid = v
	case json.Number:
		c.cuid, c.numeric = v.String(), true
	}
	c.company, _ = fields["company"].(string)
	c.email, _ = fields["email"].(string)
	c.suspended = fields["status"] == "suspended"
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dir.add(c)
	return nil
}

func atomFailure(status int, text string) reply { return jsonReply(status, message{text}) }

// answer routes a call. A path or method that is not in the documents, the
// other form of a trailing slash included, is 404 like any unknown route.
func (a *atom) answer(c *call) reply {
	unknown := atomFailure(http.StatusNotFound, "Cannot "+c.Method+" this path")
	switch c.Method + " " + c.path {
	case "POST /customer":
		return a.asApp(c, a.create)
	case "GET /customer/":
		return a.asApp(c, a.list)
	}
	parts, ok := segments(c.path)
	if !ok || c.Method != http.MethodGet || len(parts) < 2 || parts[0] != "customer" || parts[1] == "" {
		return unknown
	}
	identifier := parts[1]
	switch strings.Join(parts[2:], "/") {
	case "":
		if len(parts) == 2 {
			return a.self(c, identifier)
		}
	case "sso":
		return a.asApp(c, func(c *call) reply { return a.sso(c, identifier) })
	case "passcode":
		return a.asApp(c, func(*call) reply { return a.sendPasscode(identifier) })
	case "auth":
		if len(parts) == 3 {
			return a.asApp(c, func(c *call) reply { return a.auth(c, identifier) })
		}
	case "auth/nopasscode":
		if len(parts) == 4 {
			return a.asApp(c, func(*call) reply { return a.authNoPasscode(identifier) })
		}
	}
	return unknown
}

// credentials reads one level's pair of headers. The query-string form of the
// real service is refused: URLs get logged.
func (a *atom) credentials(c *call, keyHeader, tokenHeader string) (key, token string, refused *reply) {
	refuse := func(text string) (string, string, *reply) {
		p := atomFailure(http.StatusForbidden, text)
		return "", "", &p
	}
	key, token = c.Header.Get(keyHeader), c.Header.Get(tokenHeader)
	switch {
	case key == "":
		return refuse(msgMissingKey)
	case token == "":
		return refuse(msgMissingToken)
	case a.control.get(serviceATOM).RefuseCredentials:
		return refuse(msgInvalidToken)
	}
	return key, token, nil
}

// asApp runs a call of the App level.
func (a *atom) asApp(c *call, work func(*call) reply) reply {
	key, token, refused := a.credentials(c, "x-access-superkey", "x-access-supertoken")
	switch {
	case refused != nil:
		return *refused
	case key != a.superKey:
		return atomFailure(http.StatusNotFound, msgNoKey)
	case token != a.superToken:
		return atomFailure(http.StatusForbidden, msgInvalidToken)
	}
	return work(c)
}

// self answers a customer's own record, to that customer only.
func (a *atom) self(c *call, cuid string) reply {
	key, token, refused := a.credentials(c, "x-access-key", "x-access-token")
	if refused != nil {
		return *refused
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch cu := a.dir.byKey[key]; {
	case cu == nil:
		return atomFailure(http.StatusNotFound, msgNoKey)
	case cu.token != token:
		return atomFailure(http.StatusForbidden, msgInvalidToken)
	case cu.cuid != cuid:
		return atomFailure(http.StatusForbidden, "This key opens another customer's data")
	default:
		return textReply(http.StatusOK, "application/json; charset=utf-8", string(cu.raw))
	}
}

// list answers all customers in pieces that were encoded when each was made;
// only the brackets and commas are new.
func (a *atom) list(*call) reply {
	p := reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}}
	comma := []byte(",\n")
	a.mu.Lock()
	defer a.mu.Unlock()
	p.chunks = make([][]byte, 0, 2*len(a.dir.all)+1)
	p.chunks = append(p.chunks, []byte("["))
	for i, cu := range a.dir.all {
		if i > 0 {
			p.chunks = append(p.chunks, comma)
		}
		p.chunks = append(p.chunks, cu.listed())
	}
	p.chunks = append(p.chunks, []byte("]"))
	return p
}

// createFields are the fields of POST /customer, in the order of the documents.
var createFields = []string{"company", "email", "name", "address", "country", "city", "zip", "state", "phone", "website"}

func (a *atom) create(c *call) reply {
	refuse := func(text string) reply { return atomFailure(http.StatusBadRequest, text) }
	if !isJSON(c.Header.Get("Content-Type")) {
		return refuse("The body must be JSON, Content-Type: application/json")
	}
	var given map[string]any
	if json.Unmarshal(c.body, &given) != nil || given == nil {
		return refuse("The body must be one JSON object")
	}
	fields := map[string]string{}
	for name, v := range given {
		text, isText := v.(string)
		switch {
		case !slices.Contains(createFields, name):
			return refuse("Unknown field: " + name)
		case !isText:
			return refuse(name + " must be a string")
		case strings.TrimSpace(text) == "" && name != "company" && name != "email":
			// The rule is to send only the optional fields that were filled in.
			return refuse(name + " must not be empty")
		}
		fields[name] = text
	}
	for _, name := range createFields[:2] {
		if strings.TrimSpace(fields[name]) == "" {
			return refuse(name + " is required")
		}
	}
	local, domain, _ := strings.Cut(fields["email"], "@")
	if local == "" || domain == "" || strings.ContainsAny(fields["email"], " \t\r\n") {
		return refuse("email is not valid")
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dir.byEmail[strings.ToLower(fields["email"])] != nil {
		return refuse(msgExists)
	}
	cu := &customer{
		cuid:    "c" + strings.ToLower(rand.Text()[:24]),
		company: fields["company"], email: fields["email"],
		key: newSecret(), token: newSecret() + newSecret(),
	}
	var o object
	o.open()
	o.text("cuid", cu.cuid)
	for _, name := range createFields {
		if v, ok := fields[name]; ok {
			o.text(name, v)
		}
	}
	o.text("created", a.now().UTC().Format(time.RFC3339))
	o.text("status", "active")
	o.text("plan", "starter")
	o.close()
	cu.raw = o.b
	a.dir.add(cu)
	return credentialsReply(cu)
}

func newSecret() string { return strings.ToLower(rand.Text()) }

func credentialsReply(cu *customer) reply {
	return jsonReply(http.StatusOK, struct {
		CUID  json.RawMessage `json:"cuid"`
		Key   string          `json:"key"`
		Token string          `json:"token"`
	}{cu.id(), cu.key, cu.token})
}

// byEmail finds whom an e-mail call is about; a.mu is held.
func (a *atom) byEmail(email string) (*customer, *reply) {
	cu := a.dir.byEmail[strings.ToLower(email)]
	var p reply
	switch {
	case cu == nil:
		p = atomFailure(http.StatusNotFound, msgNoUser)
	case cu.suspended:
		p = atomFailure(http.StatusUnauthorized, msgNotAllowed)
	default:
		return cu, nil
	}
	return nil, &p
}

func (a *atom) sso(c *call, email string) reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	cu, refused := a.byEmail(email)
	if refused != nil {
		return *refused
	}
	if len(a.signIns) >= maxSignIns {
		a.signIns = slices.Delete(a.signIns, 0, 1)
	}
	in := signIn{rand.Text(), who{cu.company, cu.email, cu.cuid}, a.now().Add(signInLife)}
	a.signIns = append(a.signIns, in)
	location := "/platform?" + url.Values{"token": {in.token}}.Encode()
	if !*a.control.get(serviceATOM).RelativeLocation {
		location = c.base + location
	}
	return reply{status: http.StatusFound, header: http.Header{"Location": {location}}}
}

// redeemSignIn uses a sign-in link up.
func (a *atom) redeemSignIn(token string) (who, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.signIns, func(in signIn) bool { return in.token == token })
	if i < 0 {
		return who{}, false
	}
	in := a.signIns[i]
	a.signIns = slices.Delete(a.signIns, i, i+1)
	return in.who, a.now().Before(in.expires)
}

func (a *atom) sendPasscode(email string) reply {
	if !*a.control.get(serviceATOM).Passcode {
		return atomFailure(http.StatusUnauthorized, msgNotAllowed)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	cu, refused := a.byEmail(email)
	if refused != nil {
		return *refused
	}
	now := a.now()
	cu.passcode, cu.passcodeExpires = randomCode("0123456789", 6), now.Add(passcodeLife)
	a.outbox.send(Message{
		Kind: "email", To: cu.email, From: "no-reply@atom.example",
		Subject: "Your passcode",
		Text:    "Your passcode is " + cu.passcode + ". It can be used once, within 15 minutes.",
		Code:    cu.passcode, At: now,
	})
	return jsonReply(http.StatusOK, message{"We have emailed the passcode to: " + cu.email})
}

// auth takes a cuid, for which no passcode is checked, or an e-mail with one.
func (a *atom) auth(c *call, identifier string) reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cu := a.dir.byCUID[identifier]; cu != nil {
		if cu.suspended {
			return atomFailure(http.StatusUnauthorized, msgNotAllowed)
		}
		return a.renew(cu)
	}
	cu, refused := a.byEmail(identifier)
	if refused != nil {
		return *refused
	}
	passcode := c.URL.Query().Get("passcode")
	if cu.passcode == "" || passcode != cu.passcode || !a.now().Before(cu.passcodeExpires) {
		return atomFailure(http.StatusUnauthorized, msgPasscode)
	}
	cu.passcode = "" // it works once
	return a.renew(cu)
}

func (a *atom) authNoPasscode(email string) reply {
	if !*a.control.get(serviceATOM).NoPasscode {
		return atomFailure(http.StatusUnauthorized, msgNotAllowed)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	cu, refused := a.byEmail(email)
	if refused != nil {
		return *refused
	}
	return a.renew(cu)
}

// renew gives new credentials; the old ones stop working. a.mu is held.
func (a *atom) renew(cu *customer) reply {
	delete(a.dir.byKey, cu.key)
	cu.key, cu.token = newSecret(), newSecret()+newSecret()
	a.dir.byKey[cu.key] = cu
	return credentialsReply(cu)
}

// randomCode draws length characters of an alphabet.
func randomCode(alphabet string, length int) string {
	b := make([]byte, length)
	max := big.NewInt(int64(len(alphabet)))
	for i := range b {
		n, err := rand.Int(rand.Reader, max)
		if err != nil {
			panic(err) // crypto/rand.Reader never fails since Go 1.24
		}
		b[i] = alphabet[n.Int64()]
	}
	return string(b)
}
