package registry

import (
	"net/http"
	"strings"
)

// challenge is what a host wants to see, from its WWW-Authenticate header. The zero value is none that can be answered.
type challenge struct {
	scheme                scheme
	realm, service, scope string
}

type scheme string

const (
	schemeBasic  scheme = "basic"
	schemeBearer scheme = "bearer"
)

// parseChallenge reads the challenge that containerd would answer: the first bearer one, else the first basic one
// (containerd: core/remotes/docker/auth/parse.go).
func parseChallenge(header http.Header) challenge {
	var first challenge
	for _, value := range header.Values("WWW-Authenticate") {
		c := parseValue(value)
		if c.scheme == schemeBearer {
			return c
		}
		if first.scheme == "" {
			first = c
		}
	}
	return first
}

// parseValue reads one challenge. Like containerd it takes parameters as long as they follow the grammar, empty ones too,
// and ignores the rest. (The parser of go-containerregistry stops at an empty value.)
func parseValue(value string) challenge {
	name, rest := cutToken(value)
	c := challenge{scheme: scheme(strings.ToLower(name))}
	if c.scheme != schemeBasic && c.scheme != schemeBearer {
		return challenge{}
	}
	for more := true; more; {
		key, value, tail, ok := cutParameter(rest)
		if !ok {
			return c
		}
		c.set(key, value)
		rest, more = strings.CutPrefix(skipSpace(tail), ",")
	}
	return c
}

func (c *challenge) set(key, value string) {
	switch strings.ToLower(key) {
	case "realm":
		c.realm = value
	case "service":
		c.service = value
	case "scope":
		c.scope = value
	}
}

// cutParameter takes "key=value" off the front, where the value may be quoted.
func cutParameter(s string) (key, value, rest string, ok bool) {
	key, rest = cutToken(skipSpace(s))
	rest, ok = strings.CutPrefix(rest, "=")
	if key == "" || !ok {
		return "", "", "", false
	}
	if quoted, ok := strings.CutPrefix(rest, `"`); ok {
		value, rest = cutQuoted(quoted)
	} else {
		value, rest = cutToken(rest)
	}
	return key, value, rest, true
}

// cutQuoted takes a string off the front whose opening quote is gone already. One without an end is empty.
func cutQuoted(s string) (value, rest string) {
	var b strings.Builder
	escaped := false
	for i := range len(s) {
		switch {
		case escaped:
			escaped = false
			b.WriteByte(s[i])
		case s[i] == '\\':
			escaped = true
		case s[i] == '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return "", ""
}

func cutToken(s string) (token, rest string) {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// isTokenByte follows RFC 2616, section 2.2, as containerd does.
func isTokenByte(b byte) bool {
	return b > ' ' && b < 0x7f && strings.IndexByte(`"(),/:;<=>?@[]\{}`, b) < 0
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }
