package call

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWording bounds the words that are kept of a message, in runes.
const maxWording = 160

// left stands for what was left out.
const left = "…"

var (
	// A quoted text that never closes runs to the end. A single quote opens only
	// where a word begins: elsewhere it is an apostrophe.
	quoted = regexp.MustCompile("\"[^\"]*(\"|$)|“[^”]*(”|$)|«[^»]*(»|$)|`[^`]*(`|$)|(^|[\\s(:=])'[^']*('|$)")
	// A word: small letters, once joined. Longer ones are keys, and those of nothing
	// but a to f pieces of a hash.
	plainWord = regexp.MustCompile(`^[a-z]{1,16}([-'’][a-z]{1,12})?$`)
	hexWord   = regexp.MustCompile(`^[a-f]{8,}$`)
)

// wording is a service's message without the values in it: words of small letters
// stay, unless the request had sent them, and so do the words that such messages
// begin with. Everything else could be somebody's name, number or key, and becomes
// an ellipsis. "" when nothing is left.
func wording(message string, sent map[string]bool) string {
	var words []string
	kept := false
	for _, token := range strings.Fields(quoted.ReplaceAllString(message, " "+left+" ")) {
		core := strings.Trim(token, ".,;:!?()[]{}<>")
		lower := strings.ToLower(core)
		switch {
		case core == "":
			continue // punctuation alone
		case vocabulary[lower], plainWord.MatchString(core) && !hexWord.MatchString(core) && !sent[lower]:
			if end := token[len(token)-1]; strings.IndexByte(".,;:!?", end) >= 0 {
				core += string(end)
			}
			words, kept = append(words, core), true
		case len(words) == 0 || words[len(words)-1] != left:
			words = append(words, left)
		}
	}
	if !kept {
		return ""
	}
	text := strings.Join(words, " ")
	if utf8.RuneCountInString(text) > maxWording {
		text = string([]rune(text)[:maxWording-1]) + left
	}
	return text
}

// sentWords are the words of what a request says to the service, in small letters:
// whose cuid, whose e-mail, whose name.
func sentWords(req Request) map[string]bool {
	words := map[string]bool{}
	add := func(text string) {
		text = strings.ToLower(text)
		words[text] = true
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			words[w] = true
		}
		for _, w := range strings.Fields(text) {
			words[w] = true
		}
	}
	if u, err := url.Parse(req.URL); err == nil {
		for _, segment := range strings.Split(u.EscapedPath(), "/") {
			if text, err := url.PathUnescape(segment); err == nil {
				add(text)
			}
		}
		for _, values := range u.Query() {
			for _, text := range values {
				add(text)
			}
		}
	}
	var fields map[string]any
	if json.Unmarshal(req.Body, &fields) == nil {
		for _, value := range fields {
			if text, ok := value.(string); ok {
				add(text)
			}
		}
	}
	return words
}

// vocabulary are words that are kept however they are written, and whatever was
// sent: those that messages begin with, abbreviations, and the services' own.
var vocabulary = func() map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(`a an and any api app at atom auth authentication authorization bad body cannot code codes company conflict
		could created customer database denied disabled email e-mail error expired failed field fields for forbidden gateway has have id in internal
		invalid is it json key length limit login long many message missing must name no not of on or pass passcode password phone please
		portal provisioning rate refused request required server service sms something sorry sso state success system teapot temporarily
		that the there this timeout to token too try unable unauthorized unavailable unknown url user username validation value was we wrong you your zip`) {
		all[word] = true
	}
	return all
}()
