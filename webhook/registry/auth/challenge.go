package auth

import (
	"net/http"
	"strings"
)

// challenge is a WWW-Authenticate header that can be answered. The zero value cannot be answered.
type challenge struct {
	scheme                scheme
	realm, service, scope string
	// hasError is true if a bearer challenge gives an error, such as "invalid_token".
	hasError bool
	// overHTTP is true if the challenge came by plain HTTP.
	overHTTP bool
}

type scheme string

const (
	schemeBasic  scheme = "basic"
	schemeBearer scheme = "bearer"
)

// parseChallenge returns the challenge that containerd answers: the first bearer one, else the first basic one (containerd:
// core/remotes/docker/auth/parse.go).
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

// parseValue parses the first challenge of a header value (RFC 9110, sections 5.6 and 11.3):
//
//	challenge     = auth-scheme [ 1*SP #auth-param ]
//	auth-scheme   = token
//	auth-param    = token "=" ( token / quoted-string )
//	token         = 1*<any ASCII character except controls, space and separators>
//	quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
//	quoted-pair   = "\" <any character>
//
// Like containerd, it accepts parameters as long as they follow this grammar, with empty values too, and ignores the rest. It
// does not accept token68 credentials or space around "=". go-containerregistry's parser stops at an empty value.
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
	case "error":
		c.hasError = value != ""
	}
}

// cutParameter parses one auth-param and returns the rest.
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

// cutQuoted parses a quoted-string without its opening quote. A string without a closing quote is empty.
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
