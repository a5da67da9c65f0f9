package call

import (
	"bytes"
	"strings"
)

// types is a set of JSON types.
type types uint8

const (
	object types = 1 << iota
	array
	text
	number
	boolean
	null
)

var typeNames = []string{"object", "array", "string", "number", "boolean", "null"}

func (t types) String() string {
	for i, name := range typeNames {
		if t == 1<<i {
			return name
		}
	}
	return ""
}

func typeNamed(name string) types {
	for i, n := range typeNames {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// typeAt is the type of a value by its first byte; 0 when none begins so.
var typeAt = func() (at [256]types) {
	at['{'], at['['], at['"'], at['t'], at['f'], at['n'], at['-'] = object, array, text, boolean, boolean, null, number
	for c := '0'; c <= '9'; c++ {
		at[c] = number
	}
	return at
}()

// node is a place in the answers of an endpoint: a field, or the elements of an
// array, wherever in it they are.
type node struct {
	name, path string
	types      types // that it was found to have
	kids       []*node
	star       *node // for all names that are not kept
	item       *node
	wild       bool // its names are identifiers
}

// kid finds a field, which is probably the one at i: they come in one order. For a
// name that is not kept it is the star. nil when it is unknown.
func (n *node) kid(name []byte, i int) (*node, int) {
	for range n.kids {
		if i >= len(n.kids) {
			i = 0
		}
		if n.kids[i].name == string(name) {
			return n.kids[i], i + 1
		}
		i++
	}
	if n.star != nil && (n.wild || !plainName(name)) {
		return n.star, i
	}
	return nil, i
}

// child is a field by its name, made when it is not there; "*" is the star.
func (n *node) child(name string) *node {
	made := &node{name: name, path: n.path + "." + name}
	if name == "*" {
		if n.star == nil {
			n.star = made
		}
		return n.star
	}
	if kid, _ := n.kid([]byte(name), 0); kid != nil && kid != n.star {
		return kid
	}
	n.kids = append(n.kids, made)
	return made
}

// element is the place of an array's elements, made when it is not there.
func (n *node) element() *node {
	if n.item == nil {
		n.item = &node{path: n.path + "[]"}
	}
	return n.item
}

// walk goes over one JSON text that is known to be valid. Without learn it stops at
// the first thing that is not known, and says that it missed it.
type walk struct {
	ep     *endpoint
	raw    []byte
	at     int
	learn  *Shapes
	sent   func() map[string]bool // the words of the request; nil: none
	missed bool
}

func (w *walk) peek() byte {
	for w.at < len(w.raw) {
		switch c := w.raw[w.at]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			w.at++
		default:
			return c
		}
	}
	return 0
}

// value walks over the value at hand, which stands at n; nil when only its end is
// looked for.
func (w *walk) value(n *node, depth int) {
	is := typeAt[w.peek()]
	if is == 0 { // not in valid JSON
		w.at++
		return
	}
	if n != nil && n.types&is == 0 && (is != null || n.types == 0) {
		switch {
		case w.learn != nil:
			w.learn.field(w.ep, n, is)
		case !w.ep.full:
			w.missed = true
			return
		}
	}
	switch is {
	case object:
		w.object(n, depth+1)
	case array:
		w.array(n, depth+1)
	case text:
		w.text()
	default:
		for w.at < len(w.raw) && strings.IndexByte(" \t\n\r,]}", w.raw[w.at]) < 0 {
			w.at++
		}
	}
}

func (w *walk) object(n *node, depth int) {
	w.at++
	if depth > maxDepth {
		n = nil
	}
	if n != nil && w.learn != nil && !n.wild && w.members() > maxMembers {
		n.wild = true
	}
	for i := 0; ; {
		if w.peek() != '"' { // the end
			w.at++
			return
		}
		name := w.text()
		var kid *node
		if n != nil {
			kid, i = n.kid(name, i)
			switch {
			case kid != nil:
			case w.learn != nil:
				kid = w.newKid(n, name)
			case !w.ep.full:
				w.missed = true
				return
			}
		}
		if w.value(kid, depth); w.missed {
			return
		}
	}
}

func (w *walk) array(n *node, depth int) {
	w.at++
	var item *node
	if n != nil && depth <= maxDepth {
		switch item = n.item; {
		case item != nil:
		case w.learn != nil:
			item = n.element()
		}
	}
	for {
		if c := w.peek(); c == ']' || c == 0 {
			w.at++
			return
		}
		if item == nil && n != nil && depth <= maxDepth && !w.ep.full {
			w.missed = true
			return
		}
		if w.value(item, depth); w.missed {
			return
		}
	}
}

// text walks over a string and returns what is between its quotes, as it is written.
func (w *walk) text() []byte {
	w.at++
	rest := w.raw[min(w.at, len(w.raw)):]
	end := bytes.IndexByte(rest, '"')
	if end >= 0 && bytes.IndexByte(rest[:end], '\\') >= 0 {
		for end = 0; end < len(rest) && rest[end] != '"'; end++ {
			if rest[end] == '\\' {
				end++
			}
		}
	}
	if end < 0 || end >= len(rest) { // not in valid JSON
		w.at = len(w.raw)
		return nil
	}
	w.at += end + 1
	return rest[:end]
}

// members counts those of the object that the walk has just entered.
func (w *walk) members() (n int) {
	ahead := walk{ep: w.ep, raw: w.raw, at: w.at}
	for ahead.peek() == '"' {
		ahead.text()
		ahead.value(nil, 0)
		n++
	}
	return n
}

// newKid makes the place of a field that was not met before; nil when no more are
// kept.
func (w *walk) newKid(n *node, name []byte) *node {
	if w.ep.full {
		return nil
	}
	if len(n.kids) >= maxMembers {
		n.wild = true
	}
	if n.wild || !plainName(name) || w.sent != nil && w.sent()[strings.ToLower(string(name))] {
		return n.child("*")
	}
	return n.child(string(name))
}

// maxName is the longest name of a field that is kept, in bytes.
const maxName = 40

// plainName tells whether a name is one that a programmer gave to a field: an
// identifier of few digits. Others are values that somebody used as names: cuids,
// e-mail addresses, people's names.
func plainName(name []byte) bool {
	if len(name) == 0 || len(name) > maxName || !letter(name[0]) && name[0] != '_' && name[0] != '$' {
		return false
	}
	digits, groups, capitals, joints, hex := 0, 0, 0, 0, 0
	for i, c := range name {
		switch {
		case '0' <= c && c <= '9':
			digits++
			if '0' > name[i-1] || name[i-1] > '9' {
				groups++
			}
		case 'A' <= c && c <= 'Z':
			capitals++
		case c == '_' || c == '-' || c == '$':
			joints++
		case !letter(c):
			return false
		}
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' {
			hex++
		}
	}
	switch {
	case digits > 4, groups > 2, digits > 0 && len(name) > 20:
		return false
	case hex == len(name) && len(name) >= 8: // a hash, or a piece of one
		return false
	}
	return len(name) <= 24 || capitals+joints > 0
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
