package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Password is every seeded person's portal password.
const Password = "demo"

// Person is a seeded user of the portals.
type Person struct {
	Portal   string // the portal that the demo signs them in at
	Username string
	Name     string
	Role     string // admin, manager or viewer in the demo's staff directory; empty: not staff
	Note     string
}

// People returns the seeded people. They exist on all three portals.
func People() []Person {
	return []Person{
		{"customer", "alice", "Alice Andersson", "admin", "May do everything."},
		{"customer", "mia", "Mia Moreau", "manager", "Creates customers, opens the platform, sends codes."},
		{"customer", "victor", "Victor Vance", "viewer", "Finds and reads customers."},
		{"customer", "mallory", "Mallory Marsh", "", "A portal user who is not staff: refused by frontdesk."},
		{"customer", "noapi", "Noah Apinsky", "", "Has no API access: refused by the portal, right password or not."},
	}
}

// portalPaths are the only paths that each portal answers, with the portal's
// name in front. The second of messaging's is from an older sample.
var portalPaths = map[string]bool{
	"/customer/_rest/v4/authenticate":                                true,
	"/atmosphere/_rest/v4/authenticate":                              true,
	"/messaging/_rest/v4/app/sms/authenticate/get_portal_auth_token": true,
	"/messaging/sms/v1/authenticate/get_portal_auth_token":           true,
}

// maxTokens bounds what a long-running sandbox remembers; the oldest go first.
const maxTokens = 10_000

type portalToken struct {
	username string
	issued   time.Time
}

// portal simulates the IntelePeer portals.
type portal struct {
	now     func() time.Time
	control *control

	mu     sync.Mutex
	tokens map[string]portalToken
	order  []string // tokens as they were issued
}

// portalFailure has the shape of the documented 401.
func portalFailure(status int) reply {
	return jsonReply(status, struct {
		Code  int    `json:"code"`
		Error string `json:"error"`
	}{status, http.StatusText(status)})
}

func (p *portal) answer(c *call) reply {
	if !portalPaths[c.path] {
		return portalFailure(http.StatusNotFound)
	}
	if c.Method != http.MethodPost {
		return portalFailure(http.StatusMethodNotAllowed).with("Allow", http.MethodPost)
	}
	// The documents warn that both headers are needed.
	if !isJSON(c.Header.Get("Content-Type")) {
		return portalFailure(http.StatusUnsupportedMediaType)
	}
	if !acceptsJSON(c.Request) {
		return portalFailure(http.StatusNotAcceptable)
	}
	// Field names are compared exactly, which encoding/json would not do for a struct.
	var fields map[string]any
	if json.Unmarshal(c.body, &fields) != nil {
		return portalFailure(http.StatusBadRequest)
	}
	username, ok1 := fields["username"].(string)
	password, ok2 := fields["password"].(string)
	if !ok1 || !ok2 {
		return portalFailure(http.StatusBadRequest)
	}
	username, known := lookUp(username)
	if !known || password != Password || username == "noapi" || p.control.get(servicePortal).RefuseCredentials {
		return portalFailure(http.StatusUnauthorized)
	}
	return jsonReply(http.StatusOK, struct {
		Token string `json:"token"`
	}{p.issue(username)})
}

// lookUp finds a person by username, compared without case.
func lookUp(username string) (string, bool) {
	for _, person := range People() {
		if strings.EqualFold(person.Username, username) {
			return person.Username, true
		}
	}
	return "", false
}

func (p *portal) issue(username string) string {
	token := rand.Text() + rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.order) >= maxTokens {
		delete(p.tokens, p.order[0])
		p.order = p.order[1:]
	}
	p.tokens[token] = portalToken{username, p.now()}
	p.order = append(p.order, token)
	return token
}

// owner applies the life of a token as it is set now, so that shortening
// token_ttl expires tokens that were issued before.
func (p *portal) owner(token string) (string, bool) {
	ttl := p.control.get(servicePortal).TokenTTL.Duration
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.tokens[token]
	if !ok || !p.now().Before(t.issued.Add(ttl)) {
		return "", false
	}
	return t.username, true
}
